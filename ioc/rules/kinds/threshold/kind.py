"""The kind `threshold`: what a rule is whose members make no other kind. The fold itself takes its readings."""

from __future__ import annotations

from ioc.rules.kinds.reading import KindParts, RuleSource
from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.language.kinds import THRESHOLD as SPEC
from ioc.rules.words.rule_words import KindWords


def threshold(source: RuleSource) -> KindParts:
    """Return the fields of the feed, and nothing else."""
    return KindParts(SPEC, source.fields, inputs=tuple(source.fields))


THRESHOLD = RuleKind("threshold", (), threshold, None, KindWords())
