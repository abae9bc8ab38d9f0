"""The process that reads one .xlsx file: bytes in, rows as JSON out, with bounds that the kernel keeps.

    python -m ioc.sheets.sheet_reader ROWS_MAX COLUMNS_MAX <file.xlsx

It answers `{"rows": [...]}` or `{"fault": "..."}`. Only this module speaks to calamine: what is handed to it was
unpacked here, up to a bound, and packed anew, so that no size that the file claims is believed. A cell at the far end
of a sheet makes calamine ask for memory that the process may not have: it then ends, and so does the reading.
"""

from __future__ import annotations

import io
import math
import resource
import sys
import zipfile
import zlib
from datetime import date, datetime

import orjson
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

MEMORY_BYTES_MAX = 1 << 30
CPU_SECONDS_MAX = 15
PARTS_MAX = 400
UNPACKED_BYTES_MAX = 24 << 20
TEXT_CHARS_MAX = 1_000
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
"""How an old .xls begins, and an .xlsx with a password."""
NEEDED = ("[Content_Types].xml", "_rels/", "xl/workbook.xml", "xl/_rels/", "xl/worksheets/", "xl/sharedStrings.xml",
          "xl/styles.xml")  # fmt: skip
"""The parts that values are in; pictures, macros and links of a file are never looked at."""


class FaultError(Exception):
    """The file is not taken; the message is the code of why."""


def bound_process() -> None:
    """Let the kernel end this process where it asks for more than a sheet needs."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def repacked(body: bytes) -> bytes:
    """Return the parts that values are in, unpacked within bounds and packed anew.

    Raises:
        FaultError: it is no .xlsx file, or more comes out of it than is taken.
    """
    if body.startswith(OLE):
        raise FaultError("encrypted")
    out = io.BytesIO()
    left = UNPACKED_BYTES_MAX
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as made:
            parts = given.infolist()
            if len(parts) > PARTS_MAX:
                raise FaultError("too_many_parts")
            if "xl/workbook.xml" not in {part.filename for part in parts}:
                raise FaultError("not_xlsx")
            for part in parts:
                if not part.filename.startswith(NEEDED):
                    continue
                with given.open(part) as opened:
                    content = opened.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise FaultError("too_large_unpacked")
                made.writestr(part.filename, content)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise FaultError("not_xlsx") from error
    return out.getvalue()


def rows_of(body: bytes, *, rows_max: int, columns_max: int) -> list[list[object]]:
    """Return the rows of the first sheet.

    Raises:
        FaultError: it has none, has too many, or cannot be read.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(repacked(body)))
        if not book.sheet_names:
            raise FaultError("no_sheet")
        sheet = book.get_sheet_by_index(0)
    except PasswordError as error:
        raise FaultError("encrypted") from error
    except (CalamineError, ValueError) as error:
        raise FaultError("damaged") from error
    if sheet.end is None:
        return []
    if sheet.end[0] >= rows_max:
        raise FaultError("too_many_rows")
    if sheet.end[1] >= columns_max:
        raise FaultError("too_many_columns")
    return [[_plain(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]


def _plain(cell: object) -> object:
    if isinstance(cell, str):
        return cell.replace("\x00", "")[:TEXT_CHARS_MAX].strip() or None
    if isinstance(cell, datetime):
        return {"date": cell.date().isoformat()}
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    if isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else str(cell)
    return str(cell)


def main() -> None:
    """Read standard input and answer on standard output."""
    bound_process()
    rows_max, columns_max = (int(argument) for argument in sys.argv[1:3])
    try:
        answer: dict[str, object] = {
            "rows": rows_of(sys.stdin.buffer.read(), rows_max=rows_max, columns_max=columns_max)
        }
    except FaultError as error:
        answer = {"fault": str(error)}
    sys.stdout.buffer.write(orjson.dumps(answer))


if __name__ == "__main__":
    main()
