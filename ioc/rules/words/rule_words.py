"""A rule ready to be told: the names that its clauses use, with their labels; and what a kind says in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ioc.domain.alert import Limit
from ioc.domain.feed import FeedSpec
from ioc.rules.language.clause import Clause
from ioc.rules.language.rule import Level, Rule
from ioc.rules.words.clauses import Codes, DisplayLabel, clause_words, display_labels, duration_words, number_words


@dataclass(frozen=True, slots=True)
class RuleWords:
    """A rule beside what its names and codes are called."""

    rule: Rule
    feeds: Mapping[str, FeedSpec]
    """All of the pack's."""
    codes: Codes
    events: Mapping[str, DisplayLabel]
    """What `where` may name."""
    names: Mapping[str, DisplayLabel]
    """What levels and the clear band may name."""

    @property
    def specs(self) -> list[FeedSpec]:
        """Return the feeds that it listens to."""
        return [self.feeds[name] for name in self.rule.feeds if name in self.feeds]

    def clause(self, when: Clause, *, vi: bool, level: Level | None = None) -> str:
        """Return a clause of a level or of the clear band."""
        limits = level.limits if level is not None and level.own_limit else self.rule.limits
        table = (level or self.rule.levels[0]).table
        limit = limit_words(limits, vi=vi) if table is None else table_words(limits, vi=vi)
        return clause_words(when.text, self.names, vi=vi, limit=limit, codes=self.codes)

    def event_clause(self, where: Clause, *, vi: bool, feed: str | None = None) -> str:
        """Return a clause on events; ``feed``: on those of one feed alone."""
        names = self.events
        if feed is not None:
            names = display_labels([self.feeds[feed]] if feed in self.feeds else [])
        return clause_words(where.text, names, vi=vi, codes=self.codes)


class KindWords:
    """What a kind says in its own words; a threshold says nothing but its levels."""

    def names(self, told: RuleWords) -> Mapping[str, DisplayLabel]:
        """Return what the kind finds out, as its reader called it; ``told`` knows the names of events only."""
        rule = told.rule
        if rule.spec.by_reading:
            return {}
        return {name: DisplayLabel(rule.fields[name].label, rule.fields[name].unit) for name in rule.measures}

    def what(self, told: RuleWords, *, vi: bool) -> str:  # noqa: ARG002
        """Return what the kind looks at, where its levels do not say it."""
        return ""

    def level(self, told: RuleWords, level: Level, *, vi: bool) -> str:
        """Return when a level holds."""
        return told.clause(level.when, vi=vi, level=level) + lasting(level.for_us, vi=vi)

    def each(self, parts: str, *, vi: bool) -> str:
        """Return what there is one of for each of the ``parts`` of the key."""
        return f"mỗi {parts} có cảnh báo riêng" if vi else f"an alert for each {parts}"


def limit_words(limits: tuple[Limit, ...], *, vi: bool) -> str:
    """Return the one limit with its unit; of several, which take turns by their day, that the one in force is meant."""
    if len(limits) > 1:
        return "đang có hiệu lực" if vi else "in force"
    return "".join(f"{number_words(str(limit.value), vi=vi)} {limit.unit}".rstrip() for limit in limits)


def table_words(limits: tuple[Limit, ...], *, vi: bool) -> str:
    """Return that each device or place has a limit of its own, and the rule's for those that have none."""
    own = "riêng của từng nơi" if vi else "of each place"
    usual = limit_words(limits, vi=vi)
    return f"{own} (không có thì {usual})" if usual and vi else f"{own} (else {usual})" if usual else own


def lasting(value_us: int, *, vi: bool) -> str:
    """Return `, kéo dài 3 giờ` or ` for 3 h`; empty without a duration."""
    text = duration_words(value_us, vi=vi)
    return "" if not text else f", kéo dài {text}" if vi else f" for {text}"


def metres(value_m: float, *, vi: bool) -> str:
    """Return a length in metres, in kilometres where that says it in at most one decimal: `300 m`, `1,5 km`."""
    if value_m >= 1_000 and value_m % 100 == 0:  # noqa: PLR2004 - a kilometre, and a tenth of it
        return f"{number_words(str(value_m / 1_000), vi=vi)} km"
    return f"{number_words(str(value_m), vi=vi)} m"


def degrees(value: float, *, vi: bool) -> str:
    """Return a coordinate to about a metre."""
    text = f"{value:.5f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if vi else text
