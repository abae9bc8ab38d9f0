"""The kind `correlate`: its words and its evidence. A rule over alerts is one that no member makes a cluster."""

from __future__ import annotations

from typing import Any

from ioc.rules.kinds.correlate.evaluator import CorrelateEvaluator
from ioc.rules.kinds.correlate.reader import correlate
from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.words.evidence import Details, EvidenceReader, split
from ioc.rules.words.rule_words import KindWords, RuleWords


class CorrelateWords(KindWords):
    """What rules over alerts say."""

    def what(self, told: RuleWords, *, vi: bool) -> str:
        """Return whose alerts are counted."""
        del told
        return ("các điều kiện của quy tắc khác đang cùng báo, kể cả quy tắc theo dõi, không báo" if vi
                else "conditions of other rules that fire together, monitored ones too")  # fmt: skip


def evidence(found: Details, told: RuleWords | None, reader: EvidenceReader) -> dict[str, Any]:
    """Return the alerts together; a key is not told, for it may be a plate."""
    del told
    seen, hidden = split(list(found.get("members") or ()), reader)
    members = [
        {
            **{name: member.get(name) for name in ("rule", "severity", "domain", "device", "at")},
            **reader.alert(member),
            "device_name": reader.name(member.get("device")),
        }
        for member in seen
    ]
    return {"members": members, "hidden": hidden}


CORRELATE = RuleKind(
    "correlate", (), correlate, CorrelateEvaluator(), CorrelateWords(), evidence=evidence, over_alerts=True
)
