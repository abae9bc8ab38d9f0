"""Reads `sequence` and `within`."""

from __future__ import annotations

from collections.abc import Sequence

from ioc.domain.feed import FieldSpec, FieldType, Label
from ioc.rules.kinds.reading import DAY_US, SECOND_US, KindParts, RuleSource, number
from ioc.rules.kinds.sequence.spec import Sequence as Steps
from ioc.rules.kinds.sequence.spec import Step
from ioc.rules.language.clause import Vocabulary
from ioc.rules.language.members import RuleError, compiled, members_of, some_duration_at

STEPS_MAX = 5


def sequence(source: RuleSource) -> KindParts:
    """Return the steps of a sequence, each with the vocabulary of its own feed."""
    body, feeds = source.body, source.feeds
    found = body.get("sequence")
    if not isinstance(found, Sequence) or isinstance(found, str) or not 2 <= len(found) <= STEPS_MAX:  # noqa: PLR2004
        raise RuleError(
            f"two to {STEPS_MAX} steps are required", path="sequence", hint="[{feed, where}, {feed, where}]"
        )
    within_us = some_duration_at(
        body.get("within"), "within", least_us=SECOND_US, most_us=DAY_US, says="from 1s to 24h"
    )
    steps = []
    for number_, step in enumerate(found):
        path = f"sequence[{number_}]"
        known = members_of(step, path, needed={"feed"}, allowed={"where"})
        if known["feed"] not in feeds:
            raise RuleError(
                f"no feed {known['feed']!r}", path=f"{path}.feed", hint=f"there are {', '.join(sorted(feeds))}"
            )
        vocabulary = Vocabulary(
            {name: spec.type for name, spec in feeds[known["feed"]].fields.items()}, compiles=source.compiles
        )
        where = None if known.get("where") is None else compiled(vocabulary, known["where"], f"{path}.where")
        steps.append(Step(known["feed"], where))
    names = {
        "complete": FieldSpec("complete", Label("đủ chuỗi", "the chain is complete"), FieldType.BOOLEAN),
        "took": number("took", "cả chuỗi diễn ra", "the chain took", unit="s", whole=False),
    }
    return KindParts(Steps(tuple(steps), within_us), names, default_when="complete")
