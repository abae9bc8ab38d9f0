"""Which data folder is a drill's: a folder is one for life, and a real one never becomes one.

The mark is a file in the folder, so that every role and every command that is pointed at it knows, however it was
started.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ioc.domain.feed import Label
from ioc.domain.moment import LOCAL_ZONE, OLDEST_TRUSTED, format_time, parse_time
from ioc.errors import InvalidInputError, SettingsError
from ioc.packs.pack import Pack

MARK_FILE = "drill.json"
LATEST = timedelta(days=366)
"""A drill may begin at most this far ahead of today."""


@dataclass(frozen=True, slots=True)
class StoryCaption:
    """What happens in the story from a moment on."""

    at: datetime
    text: Label


@dataclass(frozen=True, slots=True)
class DrillMark:
    """What a folder's drill is: its first instant, and the scenario it plays, if it plays one."""

    start: datetime
    scenario: str | None = None
    title: Label | None = None
    end: datetime | None = None
    """When its record is over; None where it plays none."""
    tour: bool = False
    """For visitors: they may pause it and change its speed; nobody is trained or scored."""
    captions: tuple[StoryCaption, ...] = ()
    devices: tuple[str, ...] = ()
    """Which devices its record plays; all others take no part."""
    period_seconds: Mapping[str, int] = field(default_factory=dict)
    """By feed that is played, how far apart the record's readings are at most."""
    silence: bool = False
    """It is about silence: the rules about that count, and devices are expected as often as they are registered."""

    def as_json(self) -> dict[str, Any]:
        """Return it as people are told of it."""
        return {
            "start": format_time(self.start), "end": None if self.end is None else format_time(self.end),
            "scenario": self.scenario, "title": None if self.title is None else _words(self.title), "tour": self.tour,
            "captions": [{"at": format_time(caption.at), **_words(caption.text)} for caption in self.captions],
        }  # fmt: skip

    def as_file(self) -> dict[str, Any]:
        """Return it as the mark file has it."""
        return {**self.as_json(), "devices": list(self.devices), "period_seconds": dict(self.period_seconds),
                "silence": self.silence}  # fmt: skip

    def expected(self, pack: Pack) -> Pack:
        """Return the pack with feeds that are heard as often as the record speaks, which may be once a day."""
        feeds = {
            name: replace(feed, expected_period=max(feed.expected_period, timedelta(seconds=self.period_seconds[name])))
            if name in self.period_seconds
            else feed
            for name, feed in pack.feeds.items()
        }
        return replace(pack, feeds=feeds)


def read_start(text: str) -> datetime:
    """Return the first instant that `--drill START` names: RFC 3339, or a date, which is its first midnight here.

    Raises:
        InvalidInputError: it is no such time, or none that a record could have.
    """
    try:
        start = parse_time(text)
    except ValueError as error:
        raise InvalidInputError(
            f"--drill {text!r}: a date or RFC 3339 time is expected, such as 2005-09-01", field="drill"
        ) from error
    if not OLDEST_TRUSTED <= start <= datetime.now(UTC) + LATEST:
        raise InvalidInputError(f"--drill {text!r}: a drill begins between 1990 and a year from now", field="drill")
    return start


def default_folder(data_dir: Path, start: datetime) -> Path:
    """Return where a drill lives when no folder was named: beside the instance's own files, by its first day."""
    return data_dir / "drills" / f"{start.astimezone(LOCAL_ZONE):%Y-%m-%d}"


def read_mark(data_dir: Path) -> DrillMark | None:
    """Return what the folder's drill is; None: it is no drill's.

    Raises:
        SettingsError: there is a mark that cannot be read; such a folder is neither.
    """
    path = data_dir / MARK_FILE
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        title = body["title"]
        return DrillMark(
            start=parse_time(body["start"]),
            scenario=body["scenario"],
            title=None if title is None else Label(title["vi"], title["en"]),
            end=None if body.get("end") is None else parse_time(body["end"]),  # folders of before have neither
            tour=bool(body.get("tour", False)),
            captions=tuple(
                StoryCaption(parse_time(item["at"]), Label(item["vi"], item["en"])) for item in body.get("captions", ())
            ),
            devices=tuple(body.get("devices", ())),
            period_seconds={str(feed): int(seconds) for feed, seconds in body.get("period_seconds", {}).items()},
            silence=bool(body.get("silence", False)),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}): restore it, or name another folder") from error


def open_folder(data_dir: Path, wanted: DrillMark) -> DrillMark:
    """Return the folder's mark; an empty folder is marked first, and stays a drill's for life.

    Raises:
        SettingsError: the folder is a real instance's, or another drill's.
    """
    mark = read_mark(data_dir)
    if mark is None:
        if data_dir.exists() and any(data_dir.iterdir()):
            raise SettingsError(
                f"{data_dir} is not empty and no drill's: a real instance's folder never becomes a drill; "
                "name an empty folder with --data"
            )
        data_dir.mkdir(parents=True, exist_ok=True)
        draft = data_dir / f"{MARK_FILE}.new"
        draft.write_text(json.dumps(wanted.as_file(), ensure_ascii=False), encoding="utf-8")
        draft.replace(data_dir / MARK_FILE)
        return wanted
    if (mark.start, mark.scenario) != (wanted.start, wanted.scenario):
        raise SettingsError(
            f"{data_dir} holds the drill {mark.scenario or 'without a scenario'} that began at "
            f"{format_time(mark.start)}: go on with that one, or name an empty folder with --data"
        )
    return mark


def refuse_drill_folder(data_dir: Path) -> None:
    """Let a real instance start on a real folder only.

    Raises:
        SettingsError: the folder is a drill's.
    """
    mark = read_mark(data_dir)
    if mark is not None:
        raise SettingsError(
            f"{data_dir} is a drill's and stays one: start it with `ioc up --drill {format_time(mark.start)}`, "
            "or name another folder with --data"
        )


def _words(label: Label) -> dict[str, Any]:
    return {"vi": label.vi, "en": label.en}
