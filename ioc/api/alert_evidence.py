"""Gathers an alert's evidence: its moves, its rule, the readings to chart, and names for what its details mention."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ioc.api import wire_details, wire_evidence
from ioc.api.caller import Caller
from ioc.api.deps import APIState
from ioc.api.rule_words import feeds_of
from ioc.api.wire import JSONObject, Row
from ioc.api.wire_rules import codes_of
from ioc.errors import InvalidInputError
from ioc.store import alerts, devices, domains
from ioc.store.engine import Connection
from ioc.store.rules_read import form_of


async def read_evidence(connection: Connection, state: APIState, caller: Caller, row: Row) -> JSONObject:
    """Return the evidence of an alert that the caller may see."""
    moves = await alerts.read_history(connection, row["id"])
    body = wire_evidence.body_of(row, await form_of(connection, row["rule"], row["rule_version"]))
    tip = wire_evidence.tipping(moves)
    found: Mapping[str, Any] = tip["evidence"] if tip is not None else {}
    pack = state.parts.pack
    known = await _known(connection, state, caller, row=row, found=found, body=body)
    return wire_evidence.evidence(
        row,
        moves,
        body=body,
        feeds=pack.feeds,
        codes=codes_of(pack),
        series=await _series(connection, state, row, found=found, body=body, known=known),
        known=known,
        masked=caller.principal.masked,
    )


async def _series(
    connection: Connection,
    state: APIState,
    row: Row,
    *,
    found: Mapping[str, Any],
    body: Mapping[str, Any],
    known: wire_details.Known,
) -> list[Row]:
    """Return the raw readings to chart, a window's from its beginning.

    There are none where no single device is spoken of, nor where it lies outside the reader's wall.
    """
    device = wire_evidence.charted_device(row, found)
    field = wire_evidence.charted_field(found, state.parts.pack.feeds.get(row["feed"]), body)
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
        until=state.parts.clock.now(),
    )


async def _known(
    connection: Connection,
    state: APIState,
    caller: Caller,
    *,
    row: Row,
    found: Mapping[str, Any],
    body: Mapping[str, Any],
) -> wire_details.Known:
    """Return the rows that name what evidence mentions, and that say what of it lies outside the wall."""
    details = found.get("details") or {}
    in_details, alerts_named = wire_details.mentioned(details)
    named = sorted({*in_details, *(str(reading["device"]) for reading in found.get("readings") or ())})
    feeds, now = state.parts.pack.feeds, state.parts.clock.now()
    silent: list[Row] = []
    if details.get("kind") == "absence" and row["device"] is None and (row["area"] or row["zone"]):
        silent = await _silent(connection, state, caller, row=row, feeds_named=feeds_of(body) or [row["feed"]])
    titles: dict[str, Mapping[str, str]] = {}
    if details.get("kind") == "correlate":
        titles = {item["id"]: item["body"].get("title") for item in await domains.list_rule_items(connection)}
    return wire_details.Known(
        devices=await devices.load_devices(connection, named, now=now, feeds=feeds) if named else {},
        alerts=await alerts.load_alerts(connection, alerts_named) if alerts_named else {},
        rules=titles,
        silent=silent,
        scope=caller.scope,
        masked=caller.principal.masked,
    )


async def _silent(
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
        now=state.parts.clock.now(),
        feeds=state.parts.pack.feeds,
        after=None,
        limit=wire_details.SILENT_MAX,
    )
