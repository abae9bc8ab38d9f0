"""Gathers an alert's evidence: its moves, its rule, the readings to chart, and names for what its details mention."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ioc.api.deps import APIState
from ioc.api.serializers import evidence as evidence_json
from ioc.api.serializers import evidence_details as details_json
from ioc.api.serializers.media import medium_json
from ioc.api.serializers.nouns import JSONObject, Row
from ioc.api.serializers.rules import codes_of
from ioc.api.views.alert_lookups import alert_lookups
from ioc.api.wall.caller import Caller
from ioc.errors import InvalidInputError
from ioc.rules.language.rule import Rule
from ioc.store.alerts import domains
from ioc.store.alerts import reader as alerts
from ioc.store.log import reader as events
from ioc.store.media.reader import media_of_positions
from ioc.store.postgres.engine import Connection
from ioc.store.registry import devices
from ioc.store.rules.reader import form_of

EVENTS_MAX = 50


async def read_evidence(
    connection: Connection, state: APIState, caller: Caller, row: Row
) -> tuple[JSONObject, list[str]]:
    """Return the evidence of an alert that the caller may see, and which restricted rows of lookup tables it tells."""
    moves = await alerts.read_moves(connection, row["id"])
    tip = await alerts.read_tipping(connection, row["id"])
    found: Mapping[str, Any] = tip["evidence"] if tip is not None else {}
    pack = state.context.pack
    rule = evidence_json.form_that_fired(row, await form_of(connection, row["rule"], row["rule_version"]), pack.feeds)
    known = await _read_names(connection, state, caller, row=row, found=found, rule=rule)
    media: list[Row] = []
    behind: list[Row] = []
    if tip is not None and not caller.principal.masked:
        media = await media_of_positions(connection, _positions(found), tip["log_time"], caller.scope)
        behind = await events.read_positions(connection, _positions(found), tip["log_time"], caller.scope)
    lookups = await alert_lookups(connection, state.context, caller, row, behind)
    told = evidence_json.evidence(
        row,
        tip,
        moves,
        rule=rule,
        feeds=pack.feeds,
        codes=codes_of(pack),
        series=await _series(connection, state, row, found=found, rule=rule, known=known),
        known=known,
        masked=caller.principal.masked,
    )
    shown = {"media": [medium_json(each) for each in media], "lookups": lookups.told, "lookups_left": lookups.left}
    return {**told, **shown}, lookups.restricted


def _positions(found: Mapping[str, Any]) -> list[int]:
    """Return the newest positions of the log that evidence names, at most 50."""
    told = [*(found.get("readings") or ()), *((found.get("details") or {}).get("members") or ())]
    positions = {found.get("position"), *(part.get("position") for part in told)} - {None}
    return sorted(positions, reverse=True)[:EVENTS_MAX]


async def read_events(connection: Connection, caller: Caller, row: Row) -> list[Row]:
    """Return the events behind an alert that the caller may see, newest first, each by its newest revision."""
    tip = await alerts.read_tipping(connection, row["id"])
    if tip is None:
        return []
    return await events.read_positions(connection, _positions(tip["evidence"]), tip["log_time"], caller.scope)


async def _series(
    connection: Connection,
    state: APIState,
    row: Row,
    *,
    found: Mapping[str, Any],
    rule: Rule | None,
    known: details_json.DetailNames,
) -> list[Row]:
    """Return the raw readings to chart, a window's from its beginning.

    There are none where no single device is spoken of, nor where it lies outside the reader's wall.
    """
    device = evidence_json.device_to_chart(row, found)
    field = evidence_json.field_to_chart(found, state.context.pack.feeds.get(row["feed"]), rule)
    if device is None or not field or not known.sees({"device": device}):
        return []
    begins = (found.get("details") or {}).get("from")
    return await alerts.evidence_series(
        connection,
        device=device,
        feed=row["feed"],
        field=field,
        opened_at=row["opened_at"],
        begins_at=datetime.fromisoformat(begins) if begins else None,
        until=state.context.clock.now(),
    )


async def _read_names(
    connection: Connection,
    state: APIState,
    caller: Caller,
    *,
    row: Row,
    found: Mapping[str, Any],
    rule: Rule | None,
) -> details_json.DetailNames:
    """Return the rows that name what evidence mentions, and that say what of it lies outside the wall."""
    details = found.get("details") or {}
    in_details, alerts_named = details_json.mentioned_ids(details)
    named = sorted({*in_details, *(str(reading["device"]) for reading in found.get("readings") or ())})
    feeds, now = state.context.pack.feeds, state.context.clock.now()
    silent: list[Row] = []
    if details_json.lists_silent(details) and row["device"] is None and (row["area"] or row["zone"]):
        named_feeds = [row["feed"]] if rule is None else list(rule.feeds)
        silent = await _read_silent_devices(connection, state, caller, row=row, feeds_named=named_feeds)
    titles: dict[str, Mapping[str, str]] = {}
    if details_json.mentions_rules(details):
        titles = {item["id"]: item["body"].get("title") for item in await domains.list_rule_items(connection)}
    return details_json.DetailNames(
        feeds=feeds,
        devices=await devices.load_devices(connection, named, now=now, feeds=feeds) if named else {},
        alerts=await alerts.load_alerts(connection, alerts_named) if alerts_named else {},
        rules=titles,
        silent=silent,
        scope=caller.scope,
        masked=caller.principal.masked,
    )


async def _read_silent_devices(
    connection: Connection, state: APIState, caller: Caller, *, row: Row, feeds_named: list[str]
) -> list[Row]:
    """Return the devices of a silent area or zone that are silent now, inside the wall."""
    try:
        scope = caller.within(row["area"], None if row["area"] else row["zone"])
    except InvalidInputError:  # a unit that no longer is
        return []
    return await devices.list_devices(
        connection,
        devices.DeviceFilter(feeds=feeds_named, statuses=["silent", "never"]),
        scope,
        now=state.context.clock.now(),
        feeds=state.context.pack.feeds,
        after=None,
        limit=details_json.SILENT_MAX,
    )
