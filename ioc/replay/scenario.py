"""A drill's scenario: which recorded files, courses and messages play which devices, from when to when.

A row of a daily file carries a date; ``at`` says at which hour of that day its reading is known. In Vietnam the day of
the hydro-meteorological observers ends at 19:00, so that is the hour where nothing else is said.
"""

from __future__ import annotations

import heapq
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from ioc.domain.moment import format_time, parse_time
from ioc.domain.severity import Severity
from ioc.errors import InvalidInputError
from ioc.replay.course import Points, Scalar, readings_of
from ioc.replay.mapping import Value, resolve_columns
from ioc.replay.reading import BadRow, EmptyRow, RecordedReading, RecordReader, find_device_column, find_time_column
from ioc.replay.source import RecordSource, fingerprint

FILE_BYTES_MAX = 1 << 20
RECORDS_MAX = 200
STATIONS_MAX = 5_000
"""A drill registers each before it begins."""
CAPTIONS_MAX = 200
CAPTION_CHARS_MAX = 120
MINUTES_MAX = 60 * 24 * 60.0
"""A course or message is at most sixty days from the start."""
READINGS_MAX = 20_000
"""Of all courses together: a drill commits each before the next."""
ALERTS_MAX = 50
OBSERVERS_DAY_ENDS = "19:00"
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class StrictModel(BaseModel):
    """A part of a file that guesses nothing."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Text(StrictModel):
    """Words in both languages."""

    vi: Words
    en: Words


class Station(StrictModel):
    """A device that the record has and the pack has not: registered in the drill alone."""

    id: Identifier
    feed: Identifier
    name: Text
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    parent: Identifier | None = None
    """What it hangs on: a device of the pack or a station above it."""
    expected_period_seconds: int | None = Field(default=None, ge=1, le=86_400)


class Record(StrictModel):
    """One recorded file as the readings of a device, or of stations that a column names.

    ``file`` is relative to the scenario's folder.
    """

    file: Words
    feed: Identifier
    device: Identifier | None = None
    device_column: Words | None = None
    columns: list[Words] = Field(min_length=1, max_length=50)
    time_column: Words | None = None
    time_format: Words | None = None
    at: Clock | None = None

    @model_validator(mode="after")
    def check_whose(self) -> Self:
        """Whose readings they are is said once."""
        if (self.device is None) == (self.device_column is None):
            raise ValueError("one of device and device_column: whose readings the file has")
        return self


class ArrivalOrder(StrEnum):
    """In which order readings that were kept come in."""

    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"
    MIXED = "mixed"


ScenarioMinute = Annotated[float, Field(ge=0, le=MINUTES_MAX)]


class Arrival(StrictModel):
    """When readings come in that a station kept while nobody heard it."""

    minute: ScenarioMinute
    every_seconds: float = Field(default=1.0, gt=0, le=3_600)
    order: Annotated[ArrivalOrder, Field(strict=False)] = ArrivalOrder.OLDEST_FIRST


class Course(StrictModel):
    """What one device measures, in minutes since the scenario's start: a few points, and lines between them."""

    feed: Identifier
    device: Identifier
    every_minutes: float = Field(default=10.0, gt=0, le=1_440)
    values: dict[Identifier, Points] = Field(min_length=1, max_length=50)
    scatter: dict[Identifier, float] = Field(default_factory=dict)
    arrives: Arrival | None = None
    """None: each reading comes in as it is measured."""


class ScenarioMessage(StrictModel):
    """One thing that is said once: a report, an order, a bulletin, an alarm."""

    minute: ScenarioMinute
    feed: Identifier
    device: Identifier
    values: dict[Identifier, Scalar] = Field(min_length=1, max_length=50)


class ExpectedAlert(StrictModel):
    """An alert that the scenario must raise, with the highest severity that it reaches; ``times``: of how many keys."""

    rule: Identifier
    severity: Severity = Field(strict=False)
    times: int = Field(default=1, ge=1, le=100)


class Targets(StrictModel):
    """Within how many real seconds of an alert's opening each step of handling it is expected."""

    acknowledge_seconds: int = Field(ge=1, le=86_400)
    call_seconds: int = Field(ge=1, le=86_400)
    dispatch_seconds: int = Field(ge=1, le=86_400)


class Caption(StrictModel):
    """What happens in the story from a moment on, until the next caption: one sentence over the screens."""

    at: Words
    vi: Annotated[str, StringConstraints(min_length=1, max_length=CAPTION_CHARS_MAX)]
    en: Annotated[str, StringConstraints(min_length=1, max_length=CAPTION_CHARS_MAX)]

    @property
    def moment(self) -> datetime:
        """Return since when it is true."""
        return parse_time(self.at)


class Scenario(StrictModel):
    """The file. ``speed`` is the cap in seconds of the drill per second of the wall; 0: as fast as it can."""

    drill: Identifier
    title: Text
    description: Text | None = None
    licence: Words
    start: Words
    end: Words
    speed: float = Field(default=0.0, ge=0, le=10_000_000)
    tour: bool = False
    """Whether it is what the pack shows its visitors."""
    silence: bool = False
    """Whether the rules about silence count in it, with devices expected as often as they are registered."""
    stations: list[Station] = Field(default_factory=list, max_length=STATIONS_MAX)
    records: list[Record] = Field(default_factory=list, max_length=RECORDS_MAX)
    courses: list[Course] = Field(default_factory=list, max_length=RECORDS_MAX)
    messages: list[ScenarioMessage] = Field(default_factory=list, max_length=RECORDS_MAX)
    alerts: list[ExpectedAlert] = Field(default_factory=list, max_length=ALERTS_MAX)
    """What it must raise, and nothing else: a test holds the pack's rules against it."""
    targets: Targets | None = None
    captions: list[Caption] = Field(default_factory=list, max_length=CAPTIONS_MAX)

    @model_validator(mode="after")
    def check_plays(self) -> Self:
        """Somebody says something in it."""
        if not (self.records or self.courses or self.messages):
            raise ValueError("one of records, courses and messages: nobody says anything in it")
        return self

    @property
    def devices(self) -> tuple[str, ...]:
        """Return who is played, by id; stations too that say nothing by themselves."""
        played = {device for _, device in self._parts() if device is not None}
        return tuple(sorted({*played, *(station.id for station in self.stations)}))

    @property
    def feeds(self) -> tuple[str, ...]:
        """Return the feeds that are played, by name."""
        return tuple(sorted({feed for feed, _ in self._parts()}))

    def _parts(self) -> Iterator[tuple[str, str | None]]:
        """Yield feed and device of each thing that is played."""
        yield from ((record.feed, record.device) for record in self.records)
        yield from ((course.feed, course.device) for course in self.courses)
        yield from ((message.feed, message.device) for message in self.messages)

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
    """One reading of a drill in its turn: the moment is the log's time, the id names where it was written."""

    moment: datetime
    record: int
    feed: str
    device: str
    id: str
    reading: RecordedReading
    measured: datetime | None = None
    """When it was measured, where it comes in later than that."""

    @property
    def body(self) -> dict[str, Value]:
        """Return what its device publishes."""
        return {"id": self.id, "time": format_time(self.measured or self.moment), **self.reading.values}


@dataclass(slots=True)
class LeftOutRows:
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
        told = [caption.moment for caption in scenario.captions]
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
    if told != sorted(set(told)) or (told and not first <= told[0] <= told[-1] <= last):
        raise InvalidInputError(
            f"{path}: captions: each has a moment of its own within the scenario, in their order", field="drill_file"
        )
    late = [course.device for course in scenario.courses if len(course_turns(scenario, course, 0)) > READINGS_MAX]
    if late:
        raise InvalidInputError(f"{path}: courses: {late[0]}: more than {READINGS_MAX} readings", field="drill_file")
    return scenario


def turns(scenario: Scenario, folder: Path, count: LeftOutRows) -> Iterator[Turn]:
    """Return the readings of all records in the order of their moments, read as they are needed.

    Those outside the scenario's span are left out. Of one instant, records come before courses and messages, each in
    the scenario's order, rows in the file's: the order is the same at every run.

    Raises:
        InvalidInputError: a file or column is not there, or the times of a file go back.
    """
    courses, messages = len(scenario.records), len(scenario.records) + len(scenario.courses)
    merged = heapq.merge(
        *(_turns_of(record, number, folder, count) for number, record in enumerate(scenario.records)),
        *(course_turns(scenario, course, courses + number) for number, course in enumerate(scenario.courses)),
        _message_turns(scenario, messages),
        key=lambda turn: (turn.moment, turn.record, turn.reading.row),
    )
    first, last = scenario.first, scenario.last
    return (turn for turn in merged if first <= turn.moment <= last)


def reading_periods(scenario: Scenario, folder: Path) -> dict[str, timedelta]:
    """Return by feed the longest time between two readings of one of its devices; all files are read for it.

    A feed whose devices have one reading each counts as heard for the whole scenario.

    Raises:
        InvalidInputError: as :func:`turns`.
    """
    before: dict[tuple[str, str], datetime] = {}
    longest: dict[str, timedelta] = {}
    for turn in turns(scenario, folder, LeftOutRows()):
        last = before.get((turn.feed, turn.device))
        if last is not None:
            longest[turn.feed] = max(longest.get(turn.feed, timedelta(0)), turn.moment - last)
        before[turn.feed, turn.device] = turn.moment
    return {feed: longest.get(feed, scenario.last - scenario.first) for feed in scenario.feeds}


def course_turns(scenario: Scenario, course: Course, number: int) -> list[Turn]:
    """Return the readings of a course as they come in; ``number`` is its place among what is played."""
    start = scenario.first
    told = readings_of(
        course.values, every_minutes=course.every_minutes, scatter=course.scatter,
        seed=f"{scenario.drill}/{course.device}",
    )  # fmt: skip
    made = []
    for row, (minute, values) in enumerate(told):
        moment = start + timedelta(minutes=minute)
        identity = f"{scenario.drill}:{number}:{row}"
        made.append(
            Turn(moment, number, course.feed, course.device, identity, RecordedReading(row, row, moment, values))
        )
    if course.arrives is None:
        return made
    if course.arrives.order is ArrivalOrder.NEWEST_FIRST:
        made.reverse()
    elif course.arrives.order is ArrivalOrder.MIXED:
        Random(scenario.drill).shuffle(made)  # noqa: S311 - the same at every run
    first, pause = start + timedelta(minutes=course.arrives.minute), timedelta(seconds=course.arrives.every_seconds)
    return [replace(turn, moment=first + place * pause, measured=turn.moment) for place, turn in enumerate(made)]


def _message_turns(scenario: Scenario, number: int) -> list[Turn]:
    made = []
    for row, message in enumerate(scenario.messages):
        moment = scenario.first + timedelta(minutes=message.minute)
        reading = RecordedReading(row, row, moment, dict(message.values))
        made.append(Turn(moment, number, message.feed, message.device, f"{scenario.drill}:{number}:{row}", reading))
    return sorted(made, key=lambda turn: (turn.moment, turn.reading.row))


def _turns_of(record: Record, number: int, folder: Path, count: LeftOutRows) -> Iterator[Turn]:
    path = folder / record.file
    source = RecordSource(path)
    reader = RecordReader(
        source=source,
        mappings=resolve_columns(record.columns, source.columns, strict=not source.ndjson),
        time_column=find_time_column(record.time_column, source.columns),
        time_format=record.time_format,
        device_column=find_device_column(record.device_column, source.columns),
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
        device = record.device or item.device
        assert device is not None, "a row without its device is a bad one"
        yield Turn(moment, number, record.feed, device, f"{digest}:{number}:{item.row}", item)


def known_after(at: str | None) -> timedelta:
    """Return how long after the time in its row a reading is known: an hour of the day for a daily file."""
    if at is None:
        return timedelta(0)
    hours, minutes = at.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
