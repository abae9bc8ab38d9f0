"""Anchors of the audit trail: its end at a time, written by the keeper outside the database, so that a cut is found.

An anchor is (id, hash) of the last row. The chain alone holds after its end was cut off; an anchor that it does not
reach any more, or whose row has another hash, shows it. They lie in a file, by default of the data folder, or in
another PostgreSQL: who can cut the trail should not be able to reach them.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import asyncpg
import structlog

from ioc.errors import InvalidInputError, StoreUnavailableError
from ioc.runtime.clock import LogClock
from ioc.runtime.metrics import Metrics
from ioc.store.postgres.connection import connect
from ioc.store.postgres.engine import UNREACHABLE, Connection, Database, describe_error

ANCHORS_MAX = 10_000
"""The newest are kept: a month where something happens in every five minutes."""
ANCHORS_SLACK = 2_000
RETRY_SECONDS = 5.0
ANCHOR_SECONDS_MAX = 5.0
FILE = "audit-anchors.jsonl"
MAKE = """
CREATE TABLE IF NOT EXISTS ioc_audit_anchor (
    instance TEXT NOT NULL, id BIGINT NOT NULL, hash BYTEA NOT NULL, at TIMESTAMPTZ NOT NULL, PRIMARY KEY (instance, id)
)
"""
WRITE = "INSERT INTO ioc_audit_anchor (instance, id, hash, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
READ = "SELECT id, hash, at FROM ioc_audit_anchor WHERE instance = $1 ORDER BY id DESC LIMIT $2"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The end of the trail at a time."""

    id: int
    hash: bytes
    at: datetime


class Anchors(Protocol):
    """Where anchors lie."""

    async def read(self) -> list[Anchor]:
        """Return what is kept, oldest first."""
        ...

    async def write(self, anchor: Anchor) -> None:
        """Keep one more."""
        ...


class FileAnchors:
    """One JSON object a line, appended and synced."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> list[Anchor]:
        """Return what is kept; nothing where there is no file yet.

        Raises:
            InvalidInputError: the file is there and cannot be read as anchors.
        """
        return await asyncio.to_thread(self._read)

    def _read(self) -> list[Anchor]:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"the anchors in {self._path} cannot be read: {error}") from error
        found = []
        for number, line in enumerate(lines, start=1):
            try:
                body = json.loads(line)
                anchor = Anchor(int(body["id"]), bytes.fromhex(body["hash"]), datetime.fromisoformat(body["at"]))
            except (ValueError, KeyError, TypeError) as error:
                if number == len(lines):
                    break  # the power went while it was written: what was not finished never counted
                raise InvalidInputError(f"{self._path}:{number} is no anchor") from error
            found.append(anchor)
        return found

    async def write(self, anchor: Anchor) -> None:
        """Append one and sync it.

        Raises:
            StoreUnavailableError: the file cannot be written.
        """
        try:
            await asyncio.to_thread(self._write, anchor)
        except OSError as error:
            raise StoreUnavailableError(f"the anchor cannot be written to {self._path}: {error.strerror}") from error

    def _write(self, anchor: Anchor) -> None:
        kept = self._read()
        whole = len(kept) < ANCHORS_MAX + ANCHORS_SLACK
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Write the whole file anew: that drops a line which a crash had left unfinished.
        target = self._path if whole and self._ends_whole() else self._path.with_suffix(".new")
        anchors = [anchor] if target == self._path else [*kept[-ANCHORS_MAX:], anchor]
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if target == self._path else os.O_TRUNC)
        descriptor = os.open(target, flags, 0o600)
        try:
            os.write(descriptor, b"".join(_line(item) for item in anchors))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if target != self._path:
            target.replace(self._path)

    def _ends_whole(self) -> bool:
        try:
            with self._path.open("rb") as file:
                if file.seek(0, os.SEEK_END) == 0:
                    return True
                file.seek(-1, os.SEEK_END)
                return file.read(1) == b"\n"
        except FileNotFoundError:
            return True


def _line(anchor: Anchor) -> bytes:
    body = {"id": anchor.id, "hash": anchor.hash.hex(), "at": anchor.at.astimezone(UTC).isoformat()}
    return json.dumps(body).encode() + b"\n"


class DatabaseAnchors:
    """A table of another PostgreSQL, whose account needs to insert and to read, and no more once the table is there."""

    def __init__(self, dsn: str, instance: str) -> None:
        self._dsn = dsn
        self._instance = instance

    async def read(self) -> list[Anchor]:
        """Return what is kept.

        Raises:
            StoreUnavailableError: that database does not answer.
        """

        async def ask(connection: Connection) -> list[Anchor]:
            rows = await connection.fetch(READ, self._instance, ANCHORS_MAX)
            return [Anchor(row["id"], row["hash"], row["at"]) for row in reversed(rows)]

        return await self._with(ask)

    async def write(self, anchor: Anchor) -> None:
        """Keep one more.

        Raises:
            StoreUnavailableError: that database does not take it.
        """

        async def ask(connection: Connection) -> list[Anchor]:
            await connection.execute(WRITE, self._instance, anchor.id, anchor.hash, anchor.at)
            return []

        await self._with(ask)

    async def _with(self, ask: Callable[[Connection], Awaitable[list[Anchor]]]) -> list[Anchor]:
        connection = await connect(
            self._dsn, name="audit-anchor", command_timeout_seconds=ANCHOR_SECONDS_MAX,
            connect_timeout_seconds=ANCHOR_SECONDS_MAX,
        )  # fmt: skip
        try:
            if await connection.fetchval("SELECT to_regclass('ioc_audit_anchor')") is None:
                await connection.execute(MAKE)
            return await ask(connection)
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            raise StoreUnavailableError(f"the database of the anchors: {describe_error(error)}") from error
        finally:
            connection.terminate()


def by_id(anchors: list[Anchor]) -> dict[int, bytes]:
    """Return the hash that each anchored row must have; of two for one row the older counts."""
    found: dict[int, bytes] = {}
    for anchor in anchors:
        found.setdefault(anchor.id, anchor.hash)
    return found


class AuditAnchoring:
    """Writes the end of the trail down, again and again until cancelled, and never over a cut."""

    def __init__(
        self, *, database: Database, anchors: Anchors, wall: LogClock, metrics: Metrics, period_seconds: float
    ) -> None:
        self._database = database
        self._anchors = anchors
        self._wall = wall
        self._metrics = metrics
        self._period_seconds = period_seconds
        self._told = ""

    async def run(self) -> None:
        """Anchor once every period; what cannot be reached is tried again soon."""
        while True:
            try:
                await self.work()
            except (StoreUnavailableError, InvalidInputError) as error:
                if str(error) != self._told:
                    self._told = str(error)
                    structlog.get_logger().warning("audit_anchor_waits", error=str(error))
                await asyncio.sleep(min(RETRY_SECONDS, self._period_seconds))
            else:
                self._told = ""
                await asyncio.sleep(self._period_seconds)

    async def work(self) -> bool:
        """Write the end down where it has moved; return whether the trail still reaches its newest anchor."""
        anchors = await self._anchors.read()
        newest = anchors[-1] if anchors else None
        async with self._database.connection() as connection:
            last = await connection.fetchrow("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")
            there = await connection.fetchval("SELECT hash FROM audit WHERE id = $1", newest.id if newest else 0)
        holds = newest is None or there == newest.hash
        self._metrics.audit_anchor_broken.set(not holds)
        if newest is not None and not holds:
            structlog.get_logger().error("audit_cut_off", anchored_id=newest.id, last_id=last["id"] if last else 0)
        elif last is not None and (newest is None or last["id"] > newest.id):
            await self._anchors.write(Anchor(last["id"], last["hash"], self._wall.now()))
        return holds
