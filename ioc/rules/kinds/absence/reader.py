"""Reads `absent`."""

from __future__ import annotations

from ioc.domain.feed import FieldSpec, FieldType, Label
from ioc.rules.kinds.absence.spec import Absence
from ioc.rules.kinds.reading import DAY_US, SECOND_US, KindParts, RuleSource
from ioc.rules.language.members import RuleError, members_of, some_duration_at


def absence(source: RuleSource) -> KindParts:
    """Return how long and of what the silence is."""
    value, fields = source.body["absent"], source.fields
    if isinstance(value, str):
        value = {"for": value}
    found = members_of(value, "absent", needed={"for"}, allowed={"field"})
    absent_us = some_duration_at(found["for"], "absent", least_us=SECOND_US, most_us=30 * DAY_US, says="from 1s to 30d")
    looked_at = found.get("field")
    if looked_at is not None and looked_at not in fields:
        raise RuleError(
            f"no field {looked_at!r}", path="absent.field", hint=f"the feed has {', '.join(sorted(fields))}"
        )
    names = {"silent": FieldSpec("silent", Label("mất tín hiệu", "silent"), FieldType.BOOLEAN)}
    return KindParts(
        Absence(absent_us, looked_at), names, inputs=(looked_at,) if looked_at else (),
        default_when="silent", when_allowed=False, hold_allowed=False,
    )  # fmt: skip
