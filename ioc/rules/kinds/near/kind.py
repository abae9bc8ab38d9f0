"""The kind `near`: its words and its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ioc.rules.kinds.near.cluster import near_of
from ioc.rules.kinds.near.evaluator import NearEvaluator
from ioc.rules.kinds.near.reader import near
from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.language.geometry import distance_m
from ioc.rules.words.clauses import duration_words, inner, pick
from ioc.rules.words.evidence import Details, EvidenceReader, split
from ioc.rules.words.rule_words import KindWords, RuleWords, metres

DEGREE_DIGITS = 6
"""Of a cluster's middle: a tenth of a metre."""


class NearWords(KindWords):
    """What a cluster says: how near, within what time, and how many."""

    def what(self, told: RuleWords, *, vi: bool) -> str:
        """Return what makes a cluster."""
        spec = near_of(told.rule)
        over, radius = duration_words(spec.over_us, vi=vi), metres(spec.radius_m, vi=vi)
        feed = ", ".join(inner(pick(known.label, vi=vi)) for known in told.specs)
        things = (f"các tin {feed}" if vi else f"readings ({feed})") if feed else ("các cảnh báo" if vi else "alerts")
        return (f"{things} cách nhau không quá {radius} trong vòng {over} là một cụm" if vi
                else f"{things} within {radius} and {over} of each other form a cluster")  # fmt: skip

    def each(self, parts: str, *, vi: bool) -> str:
        """Return that clusters stay apart."""
        return f"mỗi {parts} có cụm riêng" if vi else f"clusters apart for each {parts}"


def evidence(found: Details, told: RuleWords | None, reader: EvidenceReader) -> dict[str, Any]:
    """Return the members, and how far each is from the middle of the cluster."""
    del told
    members = list(found.get("members") or ())
    seen, hidden = split(members, reader)
    centre = _centre(members)
    return {
        "radius_m": found.get("radius_m"),
        "over_seconds": found.get("over_s"),
        "centre": {"lon": centre[0], "lat": centre[1]} if centre and not hidden else None,
        "members": [
            {
                **member,
                "device_name": reader.name(member.get("device")),
                "distance_m": round(distance_m(centre, (member["lon"], member["lat"]))) if centre else None,
            }
            for member in seen
        ],
        "hidden": hidden,
    }


def _centre(members: Sequence[Details]) -> tuple[float, float] | None:
    if not members:
        return None
    count = len(members)
    lon, lat = (sum(member[name] for member in members) / count for name in ("lon", "lat"))
    return round(lon, DEGREE_DIGITS), round(lat, DEGREE_DIGITS)


NEAR = RuleKind("near", ("near",), near, NearEvaluator(), NearWords(), evidence=evidence, over_alerts=True)
