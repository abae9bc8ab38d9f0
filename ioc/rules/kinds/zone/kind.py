"""The kind `zone`: its words and its evidence."""

from __future__ import annotations

from typing import Any

from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.kinds.zone.evaluator import ZoneEvaluator, spec_of
from ioc.rules.kinds.zone.reader import zone
from ioc.rules.words.evidence import Details, EvidenceReader
from ioc.rules.words.rule_words import KindWords, RuleWords, degrees, metres


class ZoneWords(KindWords):
    """What a place says: which one, and whether it is entered or left."""

    def what(self, told: RuleWords, *, vi: bool) -> str:
        """Return the place of an `enter` or `leave`."""
        spec = spec_of(told.rule)
        if spec.centre is not None:
            (lon, lat), radius = (degrees(part, vi=vi) for part in spec.centre), metres(spec.radius_m, vi=vi)
            where = f"bán kính {radius} quanh {lat}; {lon}" if vi else f"{radius} around {lat}; {lon}"
        else:
            points = len(spec.polygon)
            where = f"đa giác {points} đỉnh" if vi else f"a polygon of {points} corners"
        slack = ""
        if spec.margin_m:
            margin = metres(spec.margin_m, vi=vi)
            slack = (f", chỉ tính là ra ngoài khi cách biên trên {margin}" if vi
                     else f", outside only beyond {margin} from its edge")  # fmt: skip
        if vi:
            return f"vị trí {'ra khỏi' if spec.leave else 'đi vào'} vùng {where}{slack}"
        return f"the position {'leaves' if spec.leave else 'enters'} {where}{slack}"


def evidence(found: Details, told: RuleWords | None, reader: EvidenceReader) -> dict[str, Any]:
    """Return on which side it is, and the outline of the place."""
    del reader
    spec = None if told is None else spec_of(told.rule)
    circle = None if spec is None else spec.centre
    return {
        "inside": found.get("inside"),
        "margin_m": found.get("margin_m"),
        "polygon": None if spec is None or circle is not None else [list(point) for point in spec.polygon],
        "circle": None if circle is None else list(circle),
        "radius_m": None if spec is None or circle is None else spec.radius_m,
    }


ZONE = RuleKind("zone", ("enter", "leave"), zone, ZoneEvaluator(), ZoneWords(), evidence=evidence)
