"""Which data folder is a drill's: a folder is one for life, and a real one never becomes one.

The mark is a file in the folder, so that every role and every command that is pointed at it knows, however it was
started.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ioc.domain.feed import Label
from ioc.domain.moment import LOCAL_ZONE, OLDEST_TRUSTED, format_time, parse_time
from ioc.errors import InvalidInputError, SettingsError

MARK_FILE = "drill.json"
LATEST = timedelta(days=366)
"""A drill may begin at most this far ahead of today."""


@dataclass(frozen=True, slots=True)
class DrillMark:
    """What a folder's drill is: its first instant, and the scenario it plays, if it plays one."""

    start: datetime
    scenario: str | None = None
    title: Label | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as the mark file has it."""
        title = None if self.title is None else {"vi": self.title.vi, "en": self.title.en}
        return {"start": format_time(self.start), "scenario": self.scenario, "title": title}


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
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
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
        draft.write_text(json.dumps(wanted.as_json(), ensure_ascii=False), encoding="utf-8")
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
