"""Who is on duty by the roster, and where nobody is: read, and held against the units' hours in the city's time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ioc.api.context import APIContext, AreaCache
from ioc.api.views.open_hours import hours_at, stretches_in
from ioc.domain.contacts.directory import Unit, unit_of
from ioc.domain.places.area_book import AreaBook
from ioc.domain.roster.mode import declaration_of
from ioc.domain.roster.shift import Duty
from ioc.domain.roster.state import RosterState
from ioc.packs.pack import Pack
from ioc.roster.duty import Gap, duty_at, gaps
from ioc.store.contacts import reader as directory
from ioc.store.postgres.engine import Connection
from ioc.store.roster import reader
from ioc.store.roster.modes import current_mode

MOMENT = timedelta(microseconds=1)
RosterWatch = Callable[[Connection], Awaitable[RosterState]]


@dataclass(frozen=True, slots=True)
class DutyCoverage:
    """Who is on duty at a moment, and where nobody is between two."""

    duty: Duty
    gaps: Sequence[Gap]
    units: Sequence[str]
    """Units that keep a roster."""


async def read_duty(connection: Connection, units: Mapping[str, Unit], at: datetime, pack: Pack) -> Duty:
    """Return who is on duty at a moment."""
    shifts = await reader.read_roster(connection, at, at + MOMENT)
    return duty_at(shifts, at, is_open=lambda unit, when: hours_at(when, pack)(units[unit].hours))


async def read_coverage(
    connection: Connection, units: Mapping[str, Unit], *, at: datetime, start: datetime, end: datetime, pack: Pack
) -> DutyCoverage:
    """Return who of these units is on duty at a moment, and where nobody is between two."""
    shifts = [one for one in await reader.read_roster(connection, start, end) if one.unit in units]
    found = gaps(
        shifts, start, end, open_in=lambda unit, first, last: stretches_in(units[unit].hours, first, last, pack)
    )
    now = await read_duty(connection, units, at, pack)
    kept = sorted({*(one.unit for one in shifts), *now.on_duty, *now.unstaffed} & units.keys())
    return DutyCoverage(now, found, kept)


async def read_roster_state(connection: Connection, context: APIContext, book: AreaBook) -> RosterState:
    """Return what the clock of every stream tells of the roster."""
    changed_at, at = await reader.changed_at(connection), context.clock.now()
    row = await current_mode(connection, at)
    mode = None if row is None else declaration_of(row)
    if changed_at is None:
        return RosterState(mode=mode)
    shifts = await reader.read_roster(connection, at, at + MOMENT)
    names = sorted({one.unit for one in shifts})
    wanted = directory.DirectoryFilter(ids=names)
    rows = await directory.list_units(connection, wanted, inside=None, after=None, limit=len(names))
    units = {row["id"]: unit_of(row) for row in rows}
    duty = duty_at(shifts, at, is_open=lambda unit, when: hours_at(when, context.pack)(units[unit].hours))
    zones = {zone.code: zone.areas for zone in book.zones}
    places = [
        frozenset(code for place in units[unit].areas for code in zones.get(place, (place,)))
        for unit in sorted(duty.unstaffed)
    ]
    return RosterState(tuple(places), changed_at, mode)


def roster_watch(context: APIContext, areas: AreaCache) -> RosterWatch:
    """Return what reads the roster's state each second."""

    async def look(connection: Connection) -> RosterState:
        return await read_roster_state(connection, context, await areas.book())

    return look
