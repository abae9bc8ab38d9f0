"""What an alert asks the lookup tables, and which row answers on a day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ioc.domain.feed import Label
from ioc.domain.lookups.table import KeyMatch, LookupColumn, LookupTable
from ioc.lookups.alert_keys import KEYS_MAX, answers, keys_of

COLUMNS = (LookupColumn("kind", Label("Loại", "Kind")),)


def table(name: str, match: KeyMatch, field: str = "") -> LookupTable:
    label = Label(name, name)
    return LookupTable(name, label, label, match, label, ("cars",), COLUMNS, field)


DEVICES, PLATES, CODES = (
    table("devices", KeyMatch.DEVICE), table("plates", KeyMatch.PLATE, "plate"), table("codes", KeyMatch.TEXT, "code")
)  # fmt: skip


@pytest.mark.parametrize(
    ("of", "one", "other"),
    [
        (PLATES, "28A-123.45", "28a 12345"),
        (PLATES, "29-MĐ1 234.56", "29MD123456"),
        (PLATES, "28A-123.45", "２８A12345"),
        (CODES, "DM-17", "dm-17 "),
        (CODES, "Hồ sơ  7", "HỒ SƠ 7"),
    ],
)
def test_keys_are_the_same_as_their_table_compares_them(of: LookupTable, one: str, other: str):
    assert of.match_key(one) == of.match_key(other) != ""


@pytest.mark.parametrize(
    ("of", "one", "other"),
    [(PLATES, "28A-123.45", "28B-123.45"), (CODES, "DM-17", "DM17"), (DEVICES, "nt-1", "NT-1")],
)
def test_keys_that_are_not(of: LookupTable, one: str, other: str):
    assert of.match_key(one) != of.match_key(other)


def test_devices_are_asked_for_by_their_feed_and_codes_by_their_field_each_once():
    readings: list[dict[str, Any]] = [
        {"feed": "cars", "data": {"plate": "28A-123.45", "code": 7}},
        {"feed": "cars", "data": {"plate": "28a12345", "code": "DM-17"}},
        {"feed": "people", "data": {"plate": "29A-000.01"}},
        {"feed": "cars", "data": {"plate": "..."}},
        {"feed": "cars", "data": None},
    ]
    asked = keys_of((DEVICES, PLATES, CODES), {"car-1": "cars", "rain-1": "rain"}, readings)
    assert [(one.table.id, one.key) for one in asked] == [
        ("devices", "car-1"), ("plates", "28A-123.45"), ("codes", "DM-17")
    ]  # fmt: skip


def test_an_alert_asks_with_so_many_keys_and_no_more():
    readings = [{"feed": "cars", "data": {"plate": f"28A{number:05}"}} for number in range(KEYS_MAX + 5)]
    assert len(keys_of((PLATES,), {}, readings)) == KEYS_MAX


DAY = date(2026, 11, 23)


def row(first: date | None, last: date | None) -> dict[str, Any]:
    return {"table_id": "devices", "match_key": "car-1", "valid_from": first, "valid_to": last}


NOW, SINCE = row(None, None), row(date(2026, 11, 1), None)
LAST_DAY = row(date(2025, 1, 1), DAY)
OVER, LONG_OVER = row(None, date(2026, 11, 22)), row(None, date(2025, 1, 1))
SOON, LATER = row(date(2026, 11, 24), None), row(date(2027, 1, 1), None)


@pytest.mark.parametrize(
    ("rows", "state", "chosen"),
    [
        ([NOW, SINCE, LATER], "holds", SINCE),
        ([LAST_DAY, OVER], "holds", LAST_DAY),
        ([LONG_OVER, OVER, LATER], "ended", OVER),
        ([LATER, SOON], "coming", SOON),
        ([], "missing", None),
    ],
)
def test_the_row_of_the_day_answers_else_the_last_that_ended_else_the_first_to_come(
    rows: list[dict[str, Any]], state: str, chosen: dict[str, Any] | None
):
    asked = keys_of((DEVICES,), {"car-1": "cars"}, [])
    (found,) = answers(asked, rows, DAY)
    assert (found.state, found.row) == (state, chosen)


def test_of_a_code_that_no_table_knows_nothing_is_said():
    asked = keys_of((PLATES,), {}, [{"feed": "cars", "data": {"plate": "28A-123.45"}}])
    assert asked
    assert answers(asked, [], DAY) == []
