"""A sheet of an .xlsx file as rows of plain values, read in a process of its own with bounds on memory and time.

What a stranger's file may do to its reader (a bomb of zeros, a cell at the far end of the sheet) ends there.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from ioc.errors import BodyTooLargeError, QueueFullError, UnreadableBodyError

FILE_BYTES_MAX = 2 << 20
READ_SECONDS_MAX = 20.0
ANSWER_BYTES_MAX = 32 << 20
READERS_MAX = 2
"""Files that one process has read at the same time; who comes meanwhile is told to come back."""
READER = "ioc.sheets.sheet_reader"
WORDS = {
    "not_xlsx": "this is no .xlsx file: save it as Excel workbook (.xlsx) and send it again",
    "encrypted": "the file has a password: save it without one",
    "too_large_unpacked": "unpacked the file is larger than is taken: copy the table into a new file",
    "too_many_parts": "the file has too many parts: copy the table into a new file",
    "too_many_rows": "the first sheet has more rows than are taken: send it in parts",
    "too_many_columns": "the first sheet has more columns than are taken: take those out that do not belong to it",
    "no_sheet": "the file has no sheet",
    "damaged": "the file cannot be read: open it in a spreadsheet program, save it anew and send it again",
}

Value = str | float | bool | date | None


@dataclass(frozen=True, slots=True)
class SheetBounds:
    """How much of a sheet is read."""

    rows_max: int
    columns_max: int


class SheetReader:
    """Reads sheets, at most some at a time."""

    def __init__(self, bounds: SheetBounds) -> None:
        self._bounds = bounds
        self._reading = 0

    async def read(self, body: bytes) -> list[list[Value]]:
        """Return the rows of the first sheet, from its first cell on.

        Raises:
            BodyTooLargeError: of the file or of what is in it. UnreadableBodyError: it is no sheet.
            QueueFullError: too many are read at this moment.
        """
        if len(body) > FILE_BYTES_MAX:
            raise BodyTooLargeError(f"a file has at most {FILE_BYTES_MAX >> 20} MiB")
        if self._reading >= READERS_MAX:
            raise QueueFullError("other files are being read: send it again in some seconds")
        self._reading += 1
        try:
            answer = await self._ask(body)
        finally:
            self._reading -= 1
        fault = answer.get("fault")
        if isinstance(fault, str):
            if fault.startswith("too_"):
                raise BodyTooLargeError(WORDS[fault])
            raise UnreadableBodyError(WORDS[fault], code=fault)
        return [[_value(cell) for cell in row] for row in answer["rows"]]

    async def _ask(self, body: bytes) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", READER, str(self._bounds.rows_max), str(self._bounds.columns_max),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            limit=ANSWER_BYTES_MAX,
        )  # fmt: skip
        try:
            out, _ = await asyncio.wait_for(process.communicate(body), READ_SECONDS_MAX)
        except TimeoutError as error:
            raise UnreadableBodyError(WORDS["damaged"], code="damaged") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0 or len(out) > ANSWER_BYTES_MAX:
            # It was ended by one of its bounds, or broke: a sheet that people have made does neither.
            raise UnreadableBodyError(WORDS["damaged"], code="damaged")
        answer: dict[str, Any] = orjson.loads(out)
        return answer


def _value(cell: object) -> Value:
    if isinstance(cell, dict):
        return date.fromisoformat(cell["date"])
    assert cell is None or isinstance(cell, str | float | int | bool)
    return cell
