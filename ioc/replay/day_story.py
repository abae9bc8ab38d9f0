"""The day before a demo: episodes by the hour of the day, what a device measured in each and who did what about it.

An episode is placed at the last time that its hour came round and it was over before the demo began, so that whenever a
demo starts, the shifts before it had the same day.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from ioc.domain.moment import LOCAL_ZONE
from ioc.domain.people.capabilities import Role
from ioc.errors import InvalidInputError
from ioc.replay.course import POINTS_MAX, course_minutes, readings_of
from ioc.replay.reading import RecordedReading
from ioc.replay.scenario import Clock, Identifier, StrictModel, Turn, Words
from ioc.work.transitions import WorkAction

EPISODES_MAX = 50
READINGS_MAX = 2_000
"""Of one episode: each is a commit before the demo is ready."""
QUIET = timedelta(minutes=20)
"""An episode ends at least so long before the demo begins."""
Minute = Annotated[float, Field(ge=0, le=24 * 60)]
Point = Annotated[tuple[Minute, bool | int | float | str], Field(strict=False)]


class ShiftMember(StrictModel):
    """Somebody of the shifts before: an account that nobody knows a password of."""

    username: Identifier
    name: Words
    role: Annotated[Role, Field(strict=False)] = Role.OPERATOR


class WorkStep(StrictModel):
    """What somebody did about the episode's alert, so many minutes after its beginning."""

    minute: Minute
    by: Identifier
    action: WorkAction = Field(strict=False)
    text: Words | None = None


class Episode(StrictModel):
    """One device for a while: its readings, the rule whose alert they raise, and the work on that alert."""

    id: Identifier
    at: Clock
    feed: Identifier
    device: Identifier
    rule: Identifier
    every_minutes: float = Field(default=10.0, gt=0, le=120)
    values: dict[Identifier, Annotated[list[Point], Field(min_length=1, max_length=POINTS_MAX)]] = Field(min_length=1)
    scatter: dict[Identifier, float] = Field(default_factory=dict)
    """By field, how far its readings lie beside the straight line at most."""
    work: list[WorkStep] = Field(min_length=1, max_length=20)

    @property
    def minutes(self) -> float:
        """Return how long it lasts, the work on it included."""
        points = [minute for course in self.values.values() for minute, _ in course]
        return max(*points, *(step.minute for step in self.work))


class DayStory(StrictModel):
    """The file."""

    people: list[ShiftMember] = Field(min_length=1, max_length=20)
    episodes: list[Episode] = Field(min_length=1, max_length=EPISODES_MAX)


@dataclass(frozen=True, slots=True)
class PlacedEpisode:
    """An episode with the moment at which it began."""

    episode: Episode
    start: datetime

    @property
    def end(self) -> datetime:
        """Return when the work on it was done."""
        return self.start + timedelta(minutes=self.episode.minutes)

    @property
    def last_reading(self) -> datetime:
        """Return when its device was heard last."""
        return self.start + timedelta(minutes=_minutes(self.episode)[-1])

    def turns(self, number: int) -> Iterator[Turn]:
        """Return its readings in their order; ``number`` is its place in the file."""
        told = readings_of(
            self.episode.values, every_minutes=self.episode.every_minutes, scatter=self.episode.scatter,
            seed=self.episode.id,
        )  # fmt: skip
        for row, (minute, values) in enumerate(told):
            moment = self.start + timedelta(minutes=minute)
            reading = RecordedReading(row, row, moment, values)
            identity = f"{self.episode.id}:{moment:%Y%m%d%H%M}:{row}"
            yield Turn(moment, number, self.episode.feed, self.episode.device, identity, reading)


def load_story(path: Path) -> DayStory:
    """Read the file.

    Raises:
        InvalidInputError: it cannot be read, or says something that no such file says.
    """
    try:
        body = yaml.safe_load(unicodedata.normalize("NFC", path.read_text(encoding="utf-8")))
        story = DayStory.model_validate(body)
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}", field="pack") from error
    except ValidationError as error:
        found = error.errors()[0]
        raise InvalidInputError(f"{path}: {'.'.join(map(str, found['loc']))}: {found['msg']}", field="pack") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidInputError(f"{path}: {error}", field="pack") from error
    known = {person.username for person in story.people}
    for episode in story.episodes:
        if len(_minutes(episode)) > READINGS_MAX:
            raise InvalidInputError(f"{path}: {episode.id}: more than {READINGS_MAX} readings", field="pack")
        if unknown := {step.by for step in episode.work} - known:
            raise InvalidInputError(f"{path}: {episode.id}: who is {', '.join(sorted(unknown))}?", field="pack")
    return story


def placed(story: DayStory, now: datetime) -> list[PlacedEpisode]:
    """Return the episodes at the last time each was over before ``now``, the earliest first."""
    latest = now.astimezone(LOCAL_ZONE) - QUIET
    found = []
    for episode in story.episodes:
        hour, minute = map(int, episode.at.split(":"))
        start = latest.replace(hour=hour, minute=minute, second=0, microsecond=0)
        while start + timedelta(minutes=episode.minutes) > latest:
            start -= timedelta(days=1)
        found.append(PlacedEpisode(episode, start))
    return sorted(found, key=lambda item: (item.start, item.episode.id))


def _minutes(episode: Episode) -> list[float]:
    return course_minutes(episode.values, episode.every_minutes)


def spans(episodes: list[PlacedEpisode]) -> list[Mapping[str, str]]:
    """Return which device was heard from when to when, for who sends the rest of that day."""
    return [
        {"device": item.episode.device, "from": item.start.isoformat(), "to": item.last_reading.isoformat()}
        for item in episodes
    ]
