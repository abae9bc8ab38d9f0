"""One change, rendered once for every stream: what a whole reader and what a masked one gets, and who may get it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import orjson

from ioc.api.context import APIContext, AreaCache
from ioc.api.serializers import nouns
from ioc.api.stream.frames import FRAMES
from ioc.store.alerts.now import read_written
from ioc.store.alerts.reader import load_alerts
from ioc.store.changes.reader import ChangeRow, read_changes
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope
from ioc.store.registry.devices import load_devices

BATCH_ROWS = 500


def _is_walled(kind: str) -> bool:
    return kind not in FRAMES or FRAMES[kind].walled


class ChangeReader(Protocol):
    """Reads the change feed; tests hand in one that is wrong on purpose."""

    async def __call__(
        self, connection: Connection, *, after: int, limit: int, until: int | None = None
    ) -> list[ChangeRow]:
        """Return changes after a position, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class RenderedChange:
    """One change as bytes of Server-Sent Events, with what decides who gets which of them.

    ``place`` is the change's own (area, zone); ``noun`` that of the thing now, null when it is gone. Who sees the
    place but not the noun is told `gone`: it has left their area.
    """

    position: int | None
    """Its change position; None for news of an alert and of a device's status, which are no change of theirs."""
    kind: str
    place: tuple[str | None, str | None]
    restricted: bool
    feed: str | None
    whole: bytes
    masked: bytes
    gone: bytes
    noun: tuple[str | None, str | None] | None

    def for_reader(self, scope: Scope, *, masked: bool) -> bytes | None:
        """Return what a reader of such frames gets, null for nothing at all."""
        frame = FRAMES.get(self.kind)
        if frame is None:
            return None
        if not frame.walled:
            return self.whole
        area, zone = self.place
        if self.noun is not None:
            if scope.sees(area=self.noun[0], zone=self.noun[1], restricted=self.restricted, feed=self.feed):
                return self.masked if masked else self.whole
            if self.restricted and not scope.restricted:
                return None
        return self.gone if scope.sees(area=area, zone=zone, restricted=self.restricted, feed=self.feed) else None


def sse(event: str, data: bytes, position: int | None = None) -> bytes:
    """Return one Server-Sent Event. ``data`` is JSON on one line, so no line of it can end the event early."""
    head = f"event: {event}\n" if position is None else f"event: {event}\nid: {position}\n"
    return b"%bdata: %b\n\n" % (head.encode(), data)


class FrameReader:
    """Reads changes and the nouns they speak of, once per batch."""

    def __init__(self, context: APIContext, areas: AreaCache, reader: ChangeReader = read_changes) -> None:
        self._context = context
        self._areas = areas
        self._reader = reader

    async def read(self, *, after: int, until: int | None = None, limit: int = BATCH_ROWS) -> list[RenderedChange]:
        """Return the frames of the changes after a position.

        Raises:
            ChangesPrunedError: some are no longer kept. StoreUnavailableError.
        """
        context = self._context
        book, today, now = await self._areas.book(), context.today(), context.clock.now()
        async with context.database.connection() as connection:
            changes = await self._reader(connection, after=after, limit=limit, until=until)
            alerts = [change.id for change in changes if change.kind == "alert"]
            devices = [change.id for change in changes if change.kind == "device"]
            nouns: dict[str, Mapping[str, Mapping[str, Any]]] = {
                "alert": await load_alerts(connection, sorted(set(alerts))) if alerts else {},
                "device": await load_devices(connection, sorted(set(devices)), now=now, feeds=context.pack.feeds)
                if devices
                else {},
            }
        bodies: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        return [self._frame(change, nouns, bodies, book, today) for change in changes]

    async def read_news(self, *, after: int, since: int | None = None) -> tuple[list[RenderedChange], int]:
        """Return the news of alerts written after a number, and the number of the last of them.

        Each is the whole alert as it is. ``since``: only those written at that change position or later.
        """
        book, today = await self._areas.book(), self._context.today()
        async with self._context.database.connection() as connection:
            written = await read_written(connection, after=after, limit=BATCH_ROWS, since=since)
            if not written:
                return [], after
            rows = await load_alerts(connection, sorted(alert for alert, _ in written))
        frames = [self._news(rows[alert], book, today) for alert, _ in written if alert in rows]
        return frames, written[-1][1]

    async def read_devices(self, ids: Sequence[str]) -> list[RenderedChange]:
        """Return devices as they are now, for who holds them otherwise."""
        book, today, now = await self._areas.book(), self._context.today(), self._context.clock.now()
        async with self._context.database.connection() as connection:
            rows = await load_devices(connection, list(ids), now=now, feeds=self._context.pack.feeds)
        return [self._news(row, book, today, kind="device") for row in rows.values()]

    def _news(self, row: Mapping[str, Any], book: Any, today: date, *, kind: str = "alert") -> RenderedChange:
        whole, masked = self._render(kind, row, book, today)
        place = (row["area"], row["zone"])
        return RenderedChange(
            position=None, kind=kind, place=place, restricted=bool(row.get("restricted")), feed=row["feed"],
            whole=sse(kind, whole), masked=sse(kind, masked), gone=b"", noun=place,
        )  # fmt: skip

    def _frame(
        self,
        change: ChangeRow,
        nouns: Mapping[str, Mapping[str, Mapping[str, Any]]],
        bodies: dict[tuple[str, str], tuple[bytes, bytes]],
        book: Any,
        today: date,
    ) -> RenderedChange:
        row = nouns.get(change.kind, {}).get(change.id)
        name = (change.kind, change.id)
        if row is not None and name not in bodies:
            bodies[name] = self._render(change.kind, row, book, today)
        gone = orjson.dumps({"id": change.id, "gone": True})
        bare = orjson.dumps({"id": change.id, "version": change.version, **(change.data or {})})
        by_id = change.kind in FRAMES and FRAMES[change.kind].by_id
        bare = orjson.dumps({"id": change.id}) if by_id else bare
        told = gone if _is_walled(change.kind) and not by_id else bare
        whole, masked = bodies[name] if row is not None else (told, told)
        place = (change.area, change.zone)
        noun = (row["area"], row["zone"]) if row is not None else place if by_id else None
        position = change.position
        restricted = change.restricted or bool(row is not None and row.get("restricted"))
        return RenderedChange(
            position=position,
            kind=change.kind,
            place=place,
            restricted=restricted,
            feed=row["feed"] if row is not None else None,
            whole=sse(change.kind, whole, position),
            masked=sse(change.kind, masked, position),
            gone=sse(change.kind, gone, position),
            noun=noun,
        )

    def _render(self, kind: str, row: Mapping[str, Any], book: Any, today: date) -> tuple[bytes, bytes]:
        """Return the JSON for whole and for masked readers."""
        if kind == "alert":
            made: Sequence[Any] = [nouns.alert(row, book=book, today=today, masked=masked) for masked in (False, True)]
        else:
            feeds = self._context.pack.feeds
            made = [nouns.device(row, book=book, today=today, feeds=feeds, masked=masked) for masked in (False, True)]
        return orjson.dumps(made[0]), orjson.dumps(made[1])
