"""What the lookup tables say of an alert: of its device and of the codes in the readings that it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

from ioc.api.context import APIContext
from ioc.api.serializers.lookups import answer
from ioc.api.serializers.nouns import JSONObject, Row
from ioc.api.wall.caller import Caller
from ioc.domain.event import Flag
from ioc.domain.lookups.table import LookupTable
from ioc.domain.people.account import USER
from ioc.lookups.alert_keys import TOLD_MAX, answers, keys_of
from ioc.store.lookups import reader
from ioc.store.postgres.engine import Connection


@dataclass(frozen=True, slots=True)
class AlertLookups:
    """What is told, how much more there is, and which of the rows told are restricted."""

    told: list[JSONObject]
    left: int
    restricted: list[str]


def shown_tables(context: APIContext, caller: Caller) -> list[LookupTable]:
    """Return the tables that a caller may read: what is restricted is for people alone."""
    if caller.principal.masked:
        return []
    is_person = caller.principal.kind == USER
    return [table for table in context.pack.lookups if is_person or not table.restricted]


async def alert_lookups(
    connection: Connection, context: APIContext, caller: Caller, alert: Row, events: Sequence[Row]
) -> AlertLookups:
    """Return what was known on the day the alert opened; ``events`` are those behind it inside the caller's wall."""
    tables = shown_tables(context, caller)
    if not tables:
        return AlertLookups([], 0, [])
    standing = [event for event in events if Flag.WITHDRAWN not in event["flags"]]
    named = [alert["device"]] if alert["device"] else list(dict.fromkeys(event["device"] for event in standing))
    devices = await reader.read_devices(connection, [name for name in named if name])
    asked = keys_of(tables, devices, standing)
    rows = await reader.find_rows(connection, [(one.table.id, one.match_key) for one in asked], caller.scope)
    found = answers(asked, rows, alert["opened_at"].astimezone(context.pack.zone).date())
    told = found[:TOLD_MAX]
    seen = [str(one.row["id"]) for one in told if one.row is not None and one.asked.table.restricted]
    return AlertLookups([answer(one) for one in told], len(found) - len(told), seen)
