"""A tour from inside: the drill that visitors look at. They steer its clock, and come in with a code of one use.

Who starts a tour (:mod:`ioc.drills.tour_host`) and the tour itself share nothing but the tour's folder: the clock's
file, and one small file for each code, named after the code's hash and gone once it was used.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ioc.api.context import Visitor
from ioc.api.identity.passwords import Passwords
from ioc.assembly.context import ProcessContext
from ioc.domain.moment import format_time, parse_time
from ioc.domain.people.capabilities import Role
from ioc.errors import InvalidInputError, UnauthenticatedError
from ioc.runtime.drill_clock import DrillClock
from ioc.store.accounts.accounts import Actor, create_account, get_account, set_password

ENTRY_SECONDS = 60.0
"""So long a code may be used: the way from one page to the next."""
ENTRIES_MAX = 100
SPEED_MIN, SPEED_MAX = 1.0, 10_000.0
WHOLE_SECONDS = (600, 60)
"""The whole story in ten minutes, or in one."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Whom a code lets in: as who they are on the instance that the tour belongs to."""

    username: str
    name: str
    role: str
    area: str | None


def entries_folder(data_dir: Path) -> Path:
    """Return where codes that were not used yet lie."""
    return data_dir / "entries"


def write_entry(data_dir: Path, visitor: Visitor, now: datetime) -> str:
    """Return a code that lets ``visitor`` in once, within a minute.

    Raises:
        InvalidInputError: too many codes wait.
    """
    folder = entries_folder(data_dir)
    folder.mkdir(mode=0o700, exist_ok=True)
    waiting = sorted(folder.iterdir())
    for path in waiting:
        if now.timestamp() - path.stat().st_mtime > ENTRY_SECONDS:
            path.unlink(missing_ok=True)
    if sum(path.exists() for path in waiting) >= ENTRIES_MAX:
        raise InvalidInputError("too many visitors at once: try again in a minute")
    code = secrets.token_urlsafe(32)
    body = {
        "username": visitor.username, "name": visitor.name, "role": visitor.role, "area": visitor.area,
        "until": format_time(now + timedelta(seconds=ENTRY_SECONDS)),
    }  # fmt: skip
    with os.fdopen(os.open(_path(folder, code), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(body, file)
    return code


def take_entry(data_dir: Path, code: str, now: datetime) -> Admission | None:
    """Return whom the code lets in; None: it is none, was used, or is too old. It is gone afterwards."""
    path = _path(entries_folder(data_dir), code)
    taken = path.with_suffix(".taken")
    try:
        path.rename(taken)  # of two who come with the same code one finds it
        body = json.loads(taken.read_text(encoding="utf-8"))
        taken.unlink()
        if now > parse_time(body["until"]):
            return None
        return Admission(body["username"], body["name"], body["role"], body["area"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def speeds_of(start: datetime, end: datetime) -> list[float]:
    """Return the speeds that visitors may choose between: sixty times, and the whole story in ten minutes or in one."""
    seconds = (end - start).total_seconds()
    whole = [round(seconds / length, 1) for length in WHOLE_SECONDS]
    return sorted({60.0, *(min(max(speed, SPEED_MIN), SPEED_MAX) for speed in whole)})


class TourDesk:
    """What the screens of a tour ask and say."""

    def __init__(self, context: ProcessContext) -> None:
        assert context.mark is not None
        assert context.mark.end is not None
        assert context.drill is not None
        self._context = context
        self._mark = context.mark
        self._start, self._end = context.mark.start, context.mark.end
        self._clock: DrillClock = context.drill

    def state(self) -> dict[str, Any]:
        """Return how far the tour is, and note that somebody looks."""
        self._clock.visited = self._context.wall.now()
        return {"title": self._mark.as_json()["title"], **clock_state(self._clock, self._start, self._end)}

    def steer(self, *, paused: bool | None, speed: float | None) -> None:
        """Pause, go on, or change the speed."""
        if speed is not None:
            self._clock.wished = speed
        if paused is not None:
            self._clock.paused = paused

    async def admit(self, code: str) -> str:
        """Return the account of whom the code lets in; the first one sets the clock going.

        Raises:
            UnauthenticatedError: it lets nobody in.
        """
        now = self._context.wall.now()
        visitor = await asyncio.to_thread(take_entry, self._context.settings.data_dir, code, now)
        if visitor is None:
            raise UnauthenticatedError("this way in was used or is too old: open the tour again")
        async with self._context.database.connection() as connection:
            known = await get_account(connection, visitor.username)
        if known is None:
            # Nobody knows this password: the codes are the only way in.
            password_hash = await Passwords().hash(secrets.token_urlsafe(32))
            await create_account(
                self._context.database, username=visitor.username, name=visitor.name, role=Role(visitor.role),
                area=visitor.area, password_hash=password_hash, temporary=False, actor=Actor("tour"), now=now,
            )  # fmt: skip
            await set_password(
                self._context.database, visitor.username, password_hash, temporary=False, keep_session=None,
                actor=Actor(visitor.username), now=now,
            )  # fmt: skip
        if self._clock.visited is None:
            self._clock.paused = False
        self._clock.visited = now
        return visitor.username


def clock_state(clock: DrillClock, start: datetime, end: datetime) -> dict[str, Any]:
    """Return how a tour's clock stands."""
    now = clock.now()
    return {
        "start": format_time(start),
        "end": format_time(end),
        "clock": format_time(now),
        "progress": round(min(max((now - start) / (end - start), 0.0), 1.0), 4),
        "over": now >= end,
        "paused": clock.paused,
        "speed": clock.wished or clock.speed,
        "speeds": speeds_of(start, end),
    }


def _path(folder: Path, code: str) -> Path:
    return folder / hashlib.sha256(code.encode()).hexdigest()
