"""A drill's scenario: which recorded files play which devices, from when to when, and what it trains.

A row of a daily file carries a date; ``at`` says at which hour of that day its reading is known. In Vietnam the day of
the hydro-meteorological observers ends at 19:00, so that is the hour where nothing else is said.
"""

from __future__ import annotations

import heapq
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ioc.domain.moment import parse_time
from ioc.errors import InvalidInputError
from ioc.replay.mapping import resolve_columns
from ioc.replay.reading import BadRow, EmptyRow, Reader, Reading, find_time_column
from ioc.replay.source import Source, fingerprint

FILE_BYTES_MAX = 1 << 20
RECORDS_MAX = 200
OBSERVERS_DAY_ENDS = "19:00"
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Text(_Strict):
    """Words in both languages."""

    vi: Words
    en: Words


class Station(_Strict):
    """A device that the record has and the pack has not: registered in the drill alone."""

    id: Identifier
    feed: Identifier
    name: Text
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)


class Record(_Strict):
    """One recorded file as one device's readings; ``file`` is relative to the scenario's folder."""

    file: Words
    feed: Identifier
    device: Identifier
    columns: list[Words] = Field(min_length=1, max_length=50)
    time_column: Words | None = None
    time_format: Words | None = None
    at: Clock | None = None


class Targets(_Strict):
    """Within how many real seconds of an alert's opening each step of handling it is expected."""

    acknowledge_seconds: int = Field(ge=1, le=86_400)
    call_seconds: int = Field(ge=1, le=86_400)
    dispatch_seconds: int = Field(ge=1, le=86_400)


class Scenario(_Strict):
    """The file. ``speed`` is the cap in seconds of the drill per second of the wall; 0: as fast as it can."""

    drill: Identifier
    title: Text
    description: Text | None = None
    licence: Words
    start: Words
    end: Words
    speed: float = Field(default=0.0, ge=0, le=10_000_000)
    stations: list[Station] = Field(default_factory=list, max_length=RECORDS_MAX)
    records: list[Record] = Field(min_length=1, max_length=RECORDS_MAX)
    targets: Targets | None = None

    @property
    def first(self) -> datetime:
        """Return its first instant."""
        return parse_time(self.start)

    @property
    def last(self) -> datetime:
        """Return its last instant: timers go on until then."""
        return parse_time(self.end)


@dataclass(frozen=True, slots=True)
class Turn:
    """One reading of a drill in its turn: the moment is the log's time, the id names file and row."""

    moment: datetime
    record: int
    feed: str
    device: str
    id: str
    reading: Reading


@dataclass(slots=True)
class Count:
    """What was left out while reading: rows without a value, and the first reasons of unreadable ones."""

    empty: int = 0
    bad: int = 0
    reasons: list[str] | None = None


def load_scenario(path: Path) -> Scenario:
    """Read a scenario's file.

    Raises:
        InvalidInputError: it cannot be read, or says something that no scenario says; the message names the place.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > FILE_BYTES_MAX:
            raise InvalidInputError(f"{path}: longer than {FILE_BYTES_MAX} bytes", field="drill_file")
        body = yaml.safe_load(unicodedata.normalize("NFC", raw.decode("utf-8")))
        scenario = Scenario.model_validate(body)
        first, last = scenario.first, scenario.last
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}", field="drill_file") from error
    except ValidationError as error:
        found = error.errors()[0]
        place = ".".join(str(part) for part in found["loc"])
        raise InvalidInputError(f"{path}: {place}: {found['msg']}", field="drill_file") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidInputError(f"{path}: {error}", field="drill_file") from error
    if not first < last:
        raise InvalidInputError(f"{path}: it ends before it begins", field="drill_file")
    return scenario


def turns(scenario: Scenario, folder: Path, count: Count) -> Iterator[Turn]:
    """Return the readings of all records in the order of their moments, read as they are needed.

    Those outside the scenario's span are left out. Of one instant, records come in the scenario's order, rows in the
    file's: the order is the same at every run.

    Raises:
        InvalidInputError: a file or column is not there, or the times of a file go back.
    """
    merged = heapq.merge(
        *(_turns_of(record, number, folder, count) for number, record in enumerate(scenario.records)),
        key=lambda turn: (turn.moment, turn.record, turn.reading.row),
    )
    first, last = scenario.first, scenario.last
    return (turn for turn in merged if first <= turn.moment <= last)


def _turns_of(record: Record, number: int, folder: Path, count: Count) -> Iterator[Turn]:
    path = folder / record.file
    source = Source(path)
    reader = Reader(
        source=source,
        mappings=resolve_columns(record.columns, source.columns, strict=not source.ndjson),
        time_column=find_time_column(record.time_column, source.columns),
        time_format=record.time_format,
    )
    digest = fingerprint(path).digest
    before: datetime | None = None
    for item in reader.readings():
        if isinstance(item, EmptyRow):
            count.empty += 1
            continue
        if isinstance(item, BadRow):
            count.bad += 1
            count.reasons = [*(count.reasons or []), f"{path}:{item.line}: {item.problem}"][:10]
            continue
        moment = item.moment + known_after(record.at)
        if before is not None and moment < before:
            raise InvalidInputError(f"{path}:{item.line}: its time goes back; sort the file first", field="file")
        before = moment
        yield Turn(moment, number, record.feed, record.device, f"{digest}:{number}:{item.row}", item)


def known_after(at: str | None) -> timedelta:
    """Return how long after the time in its row a reading is known: an hour of the day for a daily file."""
    if at is None:
        return timedelta(0)
    hours, minutes = at.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
