"""One change, rendered once for every stream: what a whole reader and what a masked one gets, and who may get it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import orjson

from ioc.api import wire
from ioc.api.parts import APIParts, AreaCache
from ioc.store.alerts import load_alerts
from ioc.store.changes_read import ChangeRow, read_changes
from ioc.store.devices import load_devices
from ioc.store.engine import Connection
from ioc.store.scope import Scope

WALLED = frozenset({"alert", "device"})
PLAIN = frozenset({"rule", "domain", "backtest"})
BATCH_ROWS = 500


class ChangeReader(Protocol):
    """Reads the change feed; tests hand in one that is wrong on purpose."""

    async def __call__(
        self, connection: Connection, *, after: int, limit: int, until: int | None = None
    ) -> list[ChangeRow]:
        """Return changes after a position, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One change as bytes of Server-Sent Events, with what decides who gets which of them.

    ``place`` is the change's own (area, zone); ``noun`` that of the thing now, null when it is gone. Who sees the
    place but not the noun is told `gone`: it has left their area.
    """

    position: int
    kind: str
    place: tuple[str | None, str | None]
    restricted: bool
    feed: str | None
    whole: bytes
    masked: bytes
    gone: bytes
    noun: tuple[str | None, str | None] | None

    def for_reader(self, scope: Scope, *, masked: bool) -> bytes | None:
        """Return what a reader gets, null for nothing at all."""
        if self.kind in PLAIN:
            return self.whole
        if self.kind not in WALLED:
            return None
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

    def __init__(self, parts: APIParts, areas: AreaCache, reader: ChangeReader = read_changes) -> None:
        self._parts = parts
        self._areas = areas
        self._reader = reader

    async def read(self, *, after: int, until: int | None = None, limit: int = BATCH_ROWS) -> list[Frame]:
        """Return the frames of the changes after a position.

        Raises:
            ChangesPrunedError: some are no longer kept. StoreUnavailableError.
        """
        parts = self._parts
        book, today, now = await self._areas.book(), parts.today(), parts.clock.now()
        async with parts.database.connection() as connection:
            changes = await self._reader(connection, after=after, limit=limit, until=until)
            alerts = [change.id for change in changes if change.kind == "alert"]
            devices = [change.id for change in changes if change.kind == "device"]
            nouns: dict[str, Mapping[str, Mapping[str, Any]]] = {
                "alert": await load_alerts(connection, sorted(set(alerts))) if alerts else {},
                "device": await load_devices(connection, sorted(set(devices)), now=now, feeds=parts.pack.feeds)
                if devices
                else {},
            }
        bodies: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        return [self._frame(change, nouns, bodies, book, today) for change in changes]

    def _frame(
        self,
        change: ChangeRow,
        nouns: Mapping[str, Mapping[str, Mapping[str, Any]]],
        bodies: dict[tuple[str, str], tuple[bytes, bytes]],
        book: Any,
        today: date,
    ) -> Frame:
        row = nouns.get(change.kind, {}).get(change.id)
        name = (change.kind, change.id)
        if row is not None and name not in bodies:
            bodies[name] = self._render(change.kind, row, book, today)
        gone = orjson.dumps({"id": change.id, "gone": True})
        bare = orjson.dumps({"id": change.id, "version": change.version, **(change.data or {})})
        whole, masked = bodies[name] if row is not None else (bare if change.kind in PLAIN else gone,) * 2
        position = change.position
        restricted = change.restricted or bool(row is not None and row.get("restricted"))
        return Frame(
            position=position,
            kind=change.kind,
            place=(change.area, change.zone),
            restricted=restricted,
            feed=row["feed"] if row is not None else None,
            whole=sse(change.kind, whole, position),
            masked=sse(change.kind, masked, position),
            gone=sse(change.kind, gone, position),
            noun=(row["area"], row["zone"]) if row is not None else None,
        )

    def _render(self, kind: str, row: Mapping[str, Any], book: Any, today: date) -> tuple[bytes, bytes]:
        """Return the JSON for whole and for masked readers."""
        if kind == "alert":
            made: Sequence[Any] = [wire.alert(row, book=book, today=today, masked=masked) for masked in (False, True)]
        else:
            feeds = self._parts.pack.feeds
            made = [wire.device(row, book=book, today=today, feeds=feeds, masked=masked) for masked in (False, True)]
        return orjson.dumps(made[0]), orjson.dumps(made[1])
