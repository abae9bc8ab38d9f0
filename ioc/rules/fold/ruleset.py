"""The rules in force, compiled and found by the feed of an event and by what they ask of it.

Cost grows with the rules that match, not with all: a rule whose `where` asks for one text (`zone == "luong-son"`,
`device == "x" && ...`) is found under that text, and is not looked at for an event with another.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, tzinfo
from typing import Any

from ioc.domain.feed import FeedSpec, FieldType, Label
from ioc.errors import PackError
from ioc.rules.language.compiled_clauses import required_text
from ioc.rules.language.kinds import ALERTS
from ioc.rules.language.rule import Rule
from ioc.rules.loading.loader import load_rule
from ioc.rules.state.memory import RuleRecord

Matching = Callable[[Mapping[str, Any]], Iterable[Rule]]
"""From an event's values to the rules that may match it, in the order of their ids."""


class FeedIndex:
    """The rules of one feed: those that look at every event, and those that ask for one text."""

    __slots__ = ("always", "by_text", "names", "others")

    def __init__(self, rules: Iterable[Rule]) -> None:
        always: list[tuple[str, Rule]] = []
        self.by_text: dict[tuple[str, str], list[tuple[str, Rule]]] = {}
        for rule in rules:
            asked = None if rule.where is None or rule.spec.asks_registry else required_text(rule.where.text)
            if asked is None:
                always.append((rule.id, rule))
            else:
                self.by_text.setdefault(asked, []).append((rule.id, rule))
        self.always = always
        self.others = [rule for _, rule in always]
        self.names = tuple(sorted({name for name, _ in self.by_text}))

    def __call__(self, values: Mapping[str, Any]) -> Iterable[Rule]:
        """Return the rules that may match."""
        lists = [self.always]
        for name in self.names:
            value = values.get(name)
            found = self.by_text.get((name, value)) if type(value) is str else None
            if found:
                lists.append(found)
        if len(lists) == 1:
            return self.others
        return [rule for _, rule in heapq.merge(*lists, key=lambda pair: pair[0])]


class Everything:
    """The rules of a feed of which none asks for one text: nothing to look up."""

    __slots__ = ("rules",)

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules

    def __call__(self, values: Mapping[str, Any]) -> Iterable[Rule]:  # noqa: ARG002 - all of them, whatever it says
        """Return the rules."""
        return self.rules


class RuleSet:
    """Rules by id and by feed. Derived from the log's rule entries and the pack's feeds; holds no state of its own."""

    def __init__(
        self, feeds: Mapping[str, FeedSpec], zones: Mapping[str, Label] | None = None, *, timezone: tzinfo = UTC
    ) -> None:
        self.feeds = feeds
        self.zones = zones or {}
        self.timezone = timezone
        """The city's, in which rules have their hours and days."""
        self.types: dict[str, dict[str, FieldType]] = {
            feed.id: {name: spec.type for name, spec in feed.fields.items()} for feed in feeds.values()
        }
        self.summed = {feed.id: feed for feed in feeds.values() if feed.sums}
        """The feeds with fields that are sums of others."""
        self.rules: dict[str, Rule] = {}
        self.refused: dict[str, str] = {}
        """Why a rule of the log is not in force."""
        self._by_feed: dict[str, tuple[Rule, ...]] = {}
        self._matching: dict[str, Matching] = {}
        self.over_alerts: tuple[Rule, ...] = ()
        """Those that listen to alerts."""
        self.expecting: tuple[Rule, ...] = ()
        """Those that expect to hear of registered devices."""

    def compile(self, identifier: str, record: RuleRecord) -> Rule | None:
        """Return the rule of a record; None (and the reason in ``refused``) when it cannot be loaded."""
        try:
            rule = load_rule(
                record.body, feeds=self.feeds, hash=record.hash, version=record.version, zone=self.timezone
            )
        except PackError as error:
            self.refused[identifier] = str(error)
            return None
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # A shape that load_rule did not foresee is its mistake; but the log has the rule, and would end the watch
            # of all the others again at each start. It is refused, counted and told, as any rule that cannot be loaded.
            self.refused[identifier] = f"of a shape that no rule has: {error!r}"
            return None
        if rule.id != identifier:
            self.refused[identifier] = f"the body is of rule {rule.id!r}"
            return None
        self.refused.pop(identifier, None)
        return rule

    def put(self, rule: Rule) -> None:
        """Put a rule in force, in the place of an older one of its id."""
        self.rules[rule.id] = rule
        self._index()

    def remove(self, identifier: str) -> Rule | None:
        """Take a rule out of force and return it."""
        rule = self.rules.pop(identifier, None)
        self._index()
        return rule

    def load(self, records: Mapping[str, RuleRecord], failed: Mapping[str, str] | None = None) -> None:
        """Put the rules of a restored memory in force, but for those that were put out of it."""
        self.refused.update(failed or {})
        for identifier, record in records.items():
            if failed and identifier in failed:
                continue
            rule = self.compile(identifier, record)
            if rule is not None:
                self.rules[identifier] = rule
        self._index()

    def matching(self, feed: str) -> Matching | None:
        """Return what finds the rules for an event of a feed; None where no rule listens to it."""
        return self._matching.get(feed)

    def _index(self) -> None:
        index: dict[str, list[Rule]] = {}
        for identifier in sorted(self.rules):
            for feed in self.rules[identifier].feeds:
                index.setdefault(feed, []).append(self.rules[identifier])
        self._by_feed = {feed: tuple(rules) for feed, rules in index.items()}
        self.over_alerts = tuple(rule for rule in self._by_feed.get(ALERTS, ()) if rule.over_alerts)
        self.expecting = tuple(self.rules[name] for name in sorted(self.rules) if self.rules[name].spec.asks_registry)
        self._matching = {}
        for feed, rules in self._by_feed.items():
            by_text = FeedIndex(rules)
            self._matching[feed] = by_text if by_text.names else Everything(rules)
