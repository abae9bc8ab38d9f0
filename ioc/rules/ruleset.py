"""The rules in force, compiled and found by the feed of an event: cost grows with the rules that match only."""

from __future__ import annotations

from collections.abc import Mapping

from ioc.domain.feed import FeedSpec, FieldType, Label
from ioc.errors import PackError
from ioc.rules.load import load_rule
from ioc.rules.memory import RuleRecord
from ioc.rules.rule import Rule


class RuleSet:
    """Rules by id and by feed. Derived from the log's rule entries and the pack's feeds; holds no state of its own."""

    def __init__(self, feeds: Mapping[str, FeedSpec], zones: Mapping[str, Label] | None = None) -> None:
        self.feeds = feeds
        self.zones = zones or {}
        self.types: dict[str, dict[str, FieldType]] = {
            feed.id: {name: spec.type for name, spec in feed.fields.items()} for feed in feeds.values()
        }
        self.rules: dict[str, Rule] = {}
        self.refused: dict[str, str] = {}
        """Why a rule of the log is not in force."""
        self._by_feed: dict[str, tuple[Rule, ...]] = {}

    def compile(self, identifier: str, record: RuleRecord) -> Rule | None:
        """Return the rule of a record; None (and the reason in ``refused``) when it cannot be loaded."""
        try:
            rule = load_rule(record.body, feeds=self.feeds, hash=record.hash, version=record.version)
        except PackError as error:
            self.refused[identifier] = str(error)
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

    def load(self, records: Mapping[str, RuleRecord]) -> None:
        """Put the rules of a restored memory in force."""
        for identifier, record in records.items():
            rule = self.compile(identifier, record)
            if rule is not None:
                self.rules[identifier] = rule
        self._index()

    def of_feed(self, feed: str) -> tuple[Rule, ...]:
        """Return the rules that listen to a feed, in the order of their ids."""
        return self._by_feed.get(feed, ())

    def _index(self) -> None:
        index: dict[str, list[Rule]] = {}
        for identifier in sorted(self.rules):
            for feed in self.rules[identifier].feeds:
                index.setdefault(feed, []).append(self.rules[identifier])
        self._by_feed = {feed: tuple(rules) for feed, rules in index.items()}
