"""What says who a person is, taken out of readings and of refused bodies."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.domain.people.personal import TAKEN_OUT, is_reference, new_reference, set_apart, without_persons

FIELDS = {
    "text": FieldSpec("text", Label("x", "x"), FieldType.TEXT),
    "contact": FieldSpec("contact", Label("x", "x"), FieldType.TEXT, personal=True),
}
REPORT = FeedSpec("report", Label("x", "x"), "d", FIELDS)
RAIN = FeedSpec("rain", Label("x", "x"), "d", {"text": FIELDS["text"]})
RESERVED = frozenset({"id", "time"})


def test_what_is_personal_or_undeclared_is_set_apart_and_a_reference_stands_for_it():
    data: dict[str, Any] = {"text": "ngập", "contact": "0912", "phone2": 912, "gone": None}
    apart = set_apart(REPORT, data)
    assert [(one.field, one.value) for one in apart] == [("contact", "0912"), ("phone2", 912)]
    assert data["contact"] == apart[0].reference
    assert data["text"] == "ngập"
    assert all(is_reference(one.reference) for one in apart)


def test_where_nobody_speaks_nothing_is_set_apart():
    data: dict[str, Any] = {"text": "x", "unknown": "y"}
    assert (set_apart(RAIN, data), data) == ((), {"text": "x", "unknown": "y"})


def test_references_are_made_by_chance():
    assert len({new_reference() for _ in range(1_000)}) == 1_000
    assert not is_reference("person:0912")
    assert not is_reference(7)


@pytest.mark.parametrize(("raw", "kept"), [
    (b'{"id": "1", "text": "a", "contact": "0912"}', {"id": "1", "text": "a", "contact": TAKEN_OUT}),
    (b'[{"contact": "0912"}, {"phone2": 1}]', [{"contact": TAKEN_OUT}, {"phone2": TAKEN_OUT}]),
])  # fmt: skip
def test_a_refused_body_is_kept_without_it(raw, kept):
    assert orjson.loads(without_persons(REPORT, raw, reserved=RESERVED)) == kept


@pytest.mark.parametrize("raw", [b"0912 345 678", b'{"contact": "0912', b'"0912"', b"[1]", b"\xff"])
def test_of_one_that_cannot_be_read_nothing_is_kept(raw):
    assert without_persons(REPORT, raw, reserved=RESERVED) == b""
