"""What schemathesis is told of this API beyond its description. It runs in the fuzzer's own process and environment.

A description says which requests have the right form, not which rules, areas or versions there are. So valid data may
be refused, but only for one of the reasons below; any other refusal of valid data is a fault, as schemathesis has it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import schemathesis

OWN_ACCOUNT = os.environ.get("IOC_FUZZ_ACCOUNT", "")
REFUSALS_OF_THE_FORM = (400, 410, 412, 422)
ANYWHERE: Mapping[str, frozenset[str]] = {
    "version_conflict": frozenset({""}),  # a made-up If-Match is a version that somebody has changed since
    "changes_pruned": frozenset({""}),  # a made-up position lies ahead of this instance
    "unknown_value": frozenset({"area", "zone", "table"}),  # areas are imported, lookup tables are the pack's
    "invalid_rule": frozenset({"yaml"}),  # the rule language is docs/rules.md, not JSON Schema
    "invalid_input": frozenset({"area", "from", "to"}),  # areas, again; `from` lies before `to`, whatever each is
    "invalid_sheet": frozenset({"id", "name", "source", "value", "key"}),  # a CSV's columns are the template's
    "damaged": frozenset({""}),  # a picture's bytes have a standard of their own
    "unreadable_body": frozenset({""}),  # a CloudEvents batch, and what each event must hold, have their own standard
}
"""Refusals of valid data by code: the members that they may name."""
UNIT_MEMBERS = frozenset({"name_vi", "domains", "areas", "hours", "parent", "next_level"})
"""A name of letters; what the pack, the city and the directory have; a period that begins and ends at once."""
CONTACT_MEMBERS = frozenset({"title_vi", "unit", "methods", "hours", "deputy"})
"""A title of letters; a unit and a contact that are there; numbers and addresses."""
SHIFT_MEMBERS = frozenset({"unit", "contact", "starts_at", "ends_at"})
"""A unit and a contact that are there; times near today, in their order."""
PATTERN_MEMBERS = frozenset({"unit", "contact", "contacts", "starts_at", "ends_at", "days"})
"""The same; not more shifts than a pattern may make."""
SILENCE_MEMBERS = frozenset(
    {"match", "match.domain", "match.area", "match.device", "match.rule", "from", "to", "active"}
)
"""One of several is named, of what there is; times near today, in their order; hours that some time is within."""
OF_OPERATION: Mapping[str, frozenset[str]] = {
    "GET /api/v1/air-quality": frozenset({"device"}),  # looking back asks for at most five stations by name
    "GET /api/v1/limits": frozenset({"device"}),  # with `inherited=true`, of one device by name
    "GET /api/v1/series": frozenset({"device", "step"}),  # a device or a feed, one of both; at most 5,000 points
    "POST /api/v1/dead-letters/release": frozenset({"names"}),  # names are the feed's fields
    "POST /api/v1/indicators/import": frozenset({"rows"}),  # columns are the template's
    "POST /api/v1/devices": frozenset({"feed", "lat", "lon", "parent", "owner"}),  # feeds of the pack; the box
    "PATCH /api/v1/devices/{device}": frozenset({"lat", "lon", "parent", "owner"}),  # a half position; the province
    "POST /api/v1/devices/{device}/maintenance": frozenset({"starts_at", "ends_at", "repeat_until"}),  # in their order
    "PATCH /api/v1/maintenance/{window}": frozenset({"starts_at", "ends_at", "repeat_until"}),  # the same
    "POST /api/v1/manual/{feed}": frozenset({"device", "time", "values", "place"}),  # the feed; 31 days; a half place
    "GET /api/v1/silences/preview": frozenset({"match"}),  # one of several is named
    "POST /api/v1/silences": SILENCE_MEMBERS,
    "PATCH /api/v1/silences/{silence}": SILENCE_MEMBERS,
    "POST /api/v1/units": UNIT_MEMBERS,
    "PUT /api/v1/units/{unit}": UNIT_MEMBERS,
    "POST /api/v1/contacts": CONTACT_MEMBERS,
    "PUT /api/v1/contacts/{contact}": CONTACT_MEMBERS,
    "POST /api/v1/shift-notes": frozenset({"text", "alert", "corrects"}),  # words; an alert and a line that are there
    "POST /api/v1/duty-modes": frozenset({"decision", "starts_at", "ends_at"}),  # with a level; near, in their order
    "GET /api/v1/shifts": frozenset({"to"}),  # behind `from`, and not too far
    "GET /api/v1/shifts/coverage": frozenset({"to"}),  # the same
    "POST /api/v1/shifts": SHIFT_MEMBERS,
    "PUT /api/v1/shifts/{shift}": SHIFT_MEMBERS,
    "POST /api/v1/shifts/{shift}/swap": frozenset({"other"}),  # another shift of the unit
    "POST /api/v1/shifts/{shift}/override": SHIFT_MEMBERS,
    "POST /api/v1/shifts/patterns": PATTERN_MEMBERS,
    "POST /api/v1/shifts/patterns/preview": PATTERN_MEMBERS,
    "POST /api/v1/alerts/{alert}/call": frozenset({"contact", "outcome"}),  # both or neither; one of the directory
    "PUT /api/v1/lookups": frozenset({"table", "key", "values"}),  # tables and their columns are the pack's
    "POST /api/v1/lookups/imports": frozenset({"table"}),  # the same
    "POST /api/v1/alerts/{alert}/assign": frozenset({"assignee"}),  # who may handle it
    "POST /api/v1/alerts/{alert}/shelve": frozenset({"until"}),  # within 24 hours
    "POST /api/v1/alerts/bulk": frozenset({"text", "assignee", "until"}),  # what the action asks for
    "PUT /api/v1/limits": frozenset({"device"}),  # of one device, of one class or of one area
    "POST /api/v1/media": frozenset({"event", "id"}),  # an event is named by its key, or by feed, device and id
    "POST /api/v1/devices/{device}/messages": frozenset({"topic_suffix", "payload"}),  # levels of a topic; bytes
    "POST /api/v1/keys": frozenset({"feed", "expires_at"}),  # a feed key names a feed, no other does; not over yet
    "PUT /api/v1/session/password": frozenset({"current", "new"}),  # the present one; a strong one
}
"""Members that an operation may name with `invalid_input`: what binds several members, or this instance's registry."""


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:  # noqa: ARG001 - the hook's own form
    """Leave out made-up cursors, which only answers give, and spare the account that is asking."""
    if case.meta is not None and case.meta.generation.mode.is_positive and case.query:
        case.query.pop("cursor", None)
    if OWN_ACCOUNT and (case.path_parameters or {}).get("username") == OWN_ACCOUNT:
        case.path_parameters["username"] = f"{OWN_ACCOUNT}-not"


@schemathesis.check
def valid_data_is_refused_for_a_known_reason(context: Any, response: Any, case: Any) -> None:  # noqa: ARG001 - as above
    """Hold a refusal of valid data against the reasons above."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in REFUSALS_OF_THE_FORM:
        return
    problem = json.loads(response.content)
    named = {fault["field"] for fault in problem.get("errors", ())} or {""}
    fields = {"values" if field.startswith("values.") else field for field in named}  # fields of a feed are the pack's
    allowed = ANYWHERE.get(problem["code"], frozenset())
    if problem["code"] == "invalid_input":
        allowed |= OF_OPERATION.get(case.operation.label, frozenset())
    if not fields <= allowed:
        raise AssertionError(f"valid data was refused: {problem['code']} {sorted(fields)}: {problem['detail']}")
