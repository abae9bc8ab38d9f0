"""Lookup tables and their rows as JSON, each value with what people are told of it."""

from collections.abc import Mapping
from typing import Any

from ioc.api.serializers.nouns import JSONObject, Row, both, label, moment
from ioc.domain.dated.row import day_text
from ioc.domain.lookups.table import LookupTable
from ioc.lookups.alert_keys import LookupAnswer


def table(found: LookupTable, rows: int) -> JSONObject:
    """Return a table as the pack declares it, with the number of its rows."""
    return {
        "id": found.id,
        "label": label(found.label),
        "noun": label(found.noun),
        "key": {
            "label": label(found.key_label),
            "match": found.match,
            "feeds": list(found.feeds),
            "field": found.field or None,
        },
        "restricted": found.restricted,
        "rows": rows,
        "columns": [
            {
                "id": column.id,
                "label": label(column.label),
                "type": column.type,
                "unit": column.unit,
                "needed": column.needed,
                "words": [{"value": value, "label": label(said)} for value, said in column.words.items()],
            }
            for column in found.columns
        ],
    }


def values(found: LookupTable, data: Mapping[str, Any]) -> list[JSONObject]:
    """Return the values of a row in the order of its table's columns; one without a value is not there."""
    return [
        {
            "id": column.id,
            "label": label(column.label),
            "type": column.type,
            "unit": column.unit,
            "value": data[column.id],
            "word": label(column.words.get(str(data[column.id]))),
        }
        for column in found.columns
        if column.id in data
    ]


def row(found: Row, of: LookupTable) -> JSONObject:
    """Return one row of a table."""
    return {
        "id": found["id"],
        "table": of.id,
        "key": found["key"],
        "device": found["device"],
        "device_name": both(found, "device"),
        "data": found["data"],
        "columns": values(of, found["data"]),
        "source": found["source"],
        "verified": found["verified"],
        "valid_from": day_text(found["valid_from"]),
        "valid_to": day_text(found["valid_to"]),
        "state": found["state"],
        "restricted": of.restricted,
        "removed": found["removed"],
        "version": found["version"],
        "changed_at": moment(found["changed_at"]),
        "changed_by": found["changed_by"],
        "changed_why": found["changed_why"],
    }


def answer(one: LookupAnswer) -> JSONObject:
    """Return what a table says of a key that an alert names; a row of null: nothing."""
    of, found = one.asked.table, one.row
    return {
        "table": of.id,
        "label": label(of.label),
        "noun": label(of.noun),
        "key": one.asked.key if found is None else found["key"],
        "key_label": label(of.key_label),
        "device": one.asked.key if of.of_devices else None,
        "state": one.state,
        "restricted": of.restricted,
        "row": None if found is None else found["id"],
        "columns": [] if found is None else values(of, found["data"]),
        "source": None if found is None else found["source"],
        "verified": found is not None and found["verified"],
        "valid_from": None if found is None else day_text(found["valid_from"]),
        "valid_to": None if found is None else day_text(found["valid_to"]),
    }


def step(found: Row, of: LookupTable) -> JSONObject:
    """Return one step of a row's history; its row is how it stood after it, null: taken out."""
    body = found["body"]
    plain = ("number", "actor", "action", "why", "version")
    return {
        **{name: found[name] for name in plain},
        "at": moment(found["at"]),
        "row": None if body is None else entry(body, of),
    }


def entry(body: Mapping[str, Any], of: LookupTable | None) -> JSONObject:
    """Return a row as its history and its imports keep it; without columns where the table is gone."""
    plain = ("table", "key", "data", "source", "verified", "valid_from", "valid_to")
    return {**{name: body[name] for name in plain}, "columns": [] if of is None else values(of, body["data"])}
