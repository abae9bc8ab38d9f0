"""Reads `near`."""

from __future__ import annotations

from ioc.rules.kinds.near.spec import Near
from ioc.rules.kinds.reading import DAY_US, SECOND_US, KindParts, RuleSource, number
from ioc.rules.language.members import RuleError, members_of, metres_at, some_duration_at

RADIUS_MAX_M = 50_000.0


def near(source: RuleSource) -> KindParts:
    """Return how near and how many."""
    found = members_of(source.body["near"], "near", needed={"radius", "over", "min"}, allowed=set())
    radius_m = metres_at(found["radius"], "near.radius")
    if not 1.0 <= radius_m <= RADIUS_MAX_M:
        raise RuleError("from 1m to 50km", path="near.radius")
    over_us = some_duration_at(
        found["over"], "near.over", least_us=SECOND_US, most_us=30 * DAY_US, says="from 1s to 30d"
    )
    minimum = found["min"]
    if type(minimum) is not int or not 2 <= minimum <= 1_000:  # noqa: PLR2004
        raise RuleError("a whole number from 2 to 1000", path="near.min")
    names = {
        "n": number("n", "số tin trong cụm", "number of readings in the cluster"),
        "devices": number("devices", "số nguồn gửi trong cụm", "number of sources in the cluster"),
    }
    return KindParts(Near(radius_m, over_us, minimum), names, default_when=f"n >= {minimum}")
