"""What becomes of each message of a batch, as the docstring of the module works it through."""

from __future__ import annotations

from ioc.domain.event import Outcome
from ioc.store.log.outcomes import KeyContent, NewEvents, Outcomes, decide_outcomes
from tests.builders import NOON, message


def said(key: str, content: int):
    return message(id=key)._replace(key=key.encode(), content=bytes([content]), revise=key == "d")


def batch_of(*messages, first: int) -> NewEvents:
    count = len(messages)
    return NewEvents(messages, range(first, first + count), [0] * count, [NOON] * count, [("late",)] * count)


def told(outcomes: Outcomes):
    return [(one.outcome, one.position, one.reason) for one in outcomes.receipts]


def test_the_example():
    known = {b"a": KeyContent(b"\x01", 40, 0), b"d": KeyContent(b"\x01", 41, 0)}
    batch = batch_of(
        said("a", 1), said("b", 1), said("b", 1), said("a", 2), said("d", 2), said("d", 2), said("d", 3), first=42
    )
    found = decide_outcomes(batch, known)
    stored, duplicate = Outcome.STORED, Outcome.DUPLICATE
    assert told(found) == [
        (duplicate, 40, None), (stored, 43, None), (duplicate, 43, None), (Outcome.REFUSED, None, "conflict"),
        (stored, 46, None), (duplicate, 46, None), (stored, 48, None),
    ]  # fmt: skip
    assert [(one.message.key, one.position, one.revision) for one in found.events] == [
        (b"b", 43, 0), (b"d", 46, 1), (b"d", 48, 2),
    ]  # fmt: skip
    assert [(one.message.content, one.position) for one in found.revised()] == [(b"\x03", 48)], "d says 3 from now on"
    assert [letter.reason for letter in found.conflicts] == ["conflict"]
    assert known == {b"a": KeyContent(b"\x01", 40, 0), b"d": KeyContent(b"\x01", 41, 0)}, (
        "what it was given stays as it was"
    )


def test_only_what_is_stored_tells_the_flags_of_its_event():
    found = decide_outcomes(batch_of(said("a", 1), said("a", 1), said("a", 2), first=1), {})
    assert [receipt.flags for receipt in found.receipts] == [("late",), (), ()]
    assert [event.flags for event in found.events] == [("late",)]
