"""From a recorded row to a reading: its recorded time and its fields, or why there is none."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ioc.domain.moment import LOCAL_ZONE, parse_time
from ioc.errors import InvalidInputError
from ioc.replay.mapping import BadValueError, ColumnMapping, Value
from ioc.replay.source import RecordRow, RecordSource

TIME_COLUMNS = ("time", "timestamp", "datetime", "date_time", "date", "ts")
EPOCH_FORMATS = {"epoch": 1.0, "epoch_ms": 1_000.0}


@dataclass(frozen=True, slots=True)
class RecordedReading:
    """One reading to send: its row and line, its recorded time (UTC) and its fields."""

    row: int
    line: int
    moment: datetime
    values: dict[str, Value]
    device: str | None = None
    """Whose it is, where the file has readings of several."""


@dataclass(frozen=True, slots=True)
class EmptyRow:
    """A row none of whose mapped cells holds a value."""

    line: int


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read, with its line and why."""

    line: int
    problem: str


def find_time_column(wanted: str | None, columns: Collection[str]) -> str:
    """Return the column of the time: the one asked for, or the first with a usual name.

    Raises:
        InvalidInputError: there is no such column.
    """
    if wanted is not None:
        if columns and wanted not in columns:
            raise InvalidInputError(f"no column {wanted!r}; there are: {', '.join(columns)}", field="time_column")
        return wanted
    for usual in TIME_COLUMNS:
        for column in columns:
            if column.casefold() == usual:
                return column
    raise InvalidInputError(f"which column is the time? there are: {', '.join(columns)}", field="time_column")


def find_device_column(wanted: str | None, columns: Collection[str]) -> str | None:
    """Return the column that names the device; None where all rows are of one.

    Raises:
        InvalidInputError: there is no such column.
    """
    if wanted is not None and columns and wanted not in columns:
        raise InvalidInputError(f"no column {wanted!r}; there are: {', '.join(columns)}", field="device_column")
    return wanted


def read_time(cell: object, time_format: str | None) -> datetime:
    """Return a cell's time in UTC: RFC 3339, or by ``time_format`` (strptime's, `epoch` or `epoch_ms`).

    A time without an offset means Asia/Ho_Chi_Minh; a date alone means its first midnight there.

    Raises:
        ValueError: the cell is no such time.
    """
    if time_format in EPOCH_FORMATS:
        try:
            return datetime.fromtimestamp(float(str(cell)) / EPOCH_FORMATS[time_format], tz=UTC)
        except (OverflowError, OSError) as error:
            raise ValueError(f"time out of range: {cell!r:.40}") from error
    text = str(cell).strip()
    if time_format is None:
        return parse_time(text)
    moment = datetime.strptime(text, time_format)  # noqa: DTZ007 - the zone follows
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=LOCAL_ZONE)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"time out of range: {text!r:.40}") from error


def read_device(cell: object) -> str:
    """Return the device that a cell names.

    Raises:
        ValueError: it names none.
    """
    if not isinstance(cell, str) or not cell.strip():
        raise ValueError("the row names no device")
    return cell.strip()


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Turns the rows of a source into readings."""

    source: RecordSource
    mappings: tuple[ColumnMapping, ...]
    time_column: str
    time_format: str | None = None
    device_column: str | None = None

    def readings(self) -> Iterator[RecordedReading | EmptyRow | BadRow]:
        """Return what each row is, in the file's order."""
        for row in self.source.rows():
            yield self._read(row)

    def _read(self, row: RecordRow) -> RecordedReading | EmptyRow | BadRow:
        if row.cells is None:
            return BadRow(row.line, row.problem)
        try:
            moment = read_time(row.cells.get(self.time_column, ""), self.time_format)
            found = {mapping.field: mapping.value(row.cells.get(mapping.column)) for mapping in self.mappings}
            device = None if self.device_column is None else read_device(row.cells.get(self.device_column))
        except (BadValueError, ValueError) as error:
            return BadRow(row.line, str(error))
        values = {name: value for name, value in found.items() if value is not None}
        if not values:
            return EmptyRow(row.line)
        return RecordedReading(row=row.number, line=row.line, moment=moment, values=values, device=device)
