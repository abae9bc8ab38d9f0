"""A backtest: one pass of the very fold that runs live over a stretch of the log, for one or two forms of a rule.

Pure. A form that was never in force has no ticks of its own in the log, so ticks are made here when its timers are
due, as the engine would have written them: everywhere but in our own outages, which the log's gap entries tell. Ticks
change nothing (docs/rules.md), so over a log that the engine folded live the form in force gives its very alerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from ioc.domain.event import Entry, EntryKind
from ioc.domain.feed import FeedSpec, Label
from ioc.errors import PackError
from ioc.rules.fold.announce import DEPTH_MAX
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.language.compiled_clauses import required_text
from ioc.rules.language.kinds import ALERTS
from ioc.rules.language.rule import SECOND_US, Rule, from_us, to_us
from ioc.rules.loading.loader import load_rule
from ioc.rules.recompute.backtest_sheet import Sheet
from ioc.rules.state.memory import Memory
from ioc.rules.state.tally import Tally

LOOK_BACK_MIN_US = 24 * 3_600 * SECOND_US
"""What a rule stands on at the span's beginning is read from at least so long before."""
CANDIDATE, PRESENT = "candidate", "present"
"""The two sides; also the ids under which two forms of one id are folded together."""
TICK_US = SECOND_US
"""The engine ticks once a second while a timer runs."""


@dataclass(frozen=True, slots=True)
class BacktestForm:
    """One form of a rule. ``version`` is the log's, None for one that was never in force."""

    body: Mapping[str, Any]
    hash: str
    version: int | None = None

    @property
    def id(self) -> str:
        """Return the rule's id."""
        return str(self.body.get("rule", ""))


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch in which the engine wrote no tick: after ``last_us`` (None: since the beginning) up to a gap entry."""

    last_us: int | None


@dataclass(frozen=True, slots=True)
class City:
    """What rules are read against."""

    feeds: Mapping[str, FeedSpec]
    zones: Mapping[str, Label] = field(default_factory=dict)
    timezone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Plan:
    """What a backtest needs of the log: which events, and from how long before the span."""

    feeds: frozenset[str]
    devices: frozenset[str] | None
    """Only events of these are looked at; None: of all."""
    look_back_us: int
    base: tuple[BacktestForm, ...] = ()
    """The rules that a rule over alerts listens to, and theirs."""


def plan(city: City, forms: Sequence[BacktestForm], in_force: Sequence[BacktestForm]) -> Plan:
    """Return what backtesting ``forms`` of one rule needs; ``in_force`` are the forms of all rules in force.

    Raises:
        PackError: a form cannot be loaded; the message says which member and why.
    """
    rules = [loaded(city, form) for form in forms]
    base = base_of(city, rules, [form for form in in_force if form.id != forms[0].id])
    listening = [*rules, *(loaded(city, form) for form in base)]
    feeds = frozenset(feed for rule in listening for feed in rule.feeds) - {ALERTS}
    return Plan(feeds, devices_of(rules, base), max(map(look_back_us, listening)), tuple(base))


def loaded(city: City, form: BacktestForm) -> Rule:
    """Return a form's rule, compiled.

    Raises:
        PackError: with the member at fault and a hint.
    """
    return load_rule(form.body, feeds=city.feeds, hash=form.hash, version=form.version or 0, zone=city.timezone)


def look_back_us(rule: Rule) -> int:
    """Return from how long before an instant a rule's state at it is made, a day at least."""
    waits = max(level.for_us for level in rule.levels) + rule.clear.for_us
    again_us = rule.event_idle_us if rule.per_event else rule.refire_us
    return max(rule.spec.look_back_us + waits + (rule.hold_us or 0) + again_us, LOOK_BACK_MIN_US)


def devices_of(rules: Sequence[Rule], base: Sequence[BacktestForm]) -> frozenset[str] | None:
    """Return the devices whose events alone the rules look at, where each asks for one by name."""
    found = set()
    for rule in rules:
        asked = None if rule.where is None or rule.spec.asks_registry else required_text(rule.where.text)
        if base or asked is None or asked[0] != "device":
            return None
        found.add(asked[1])
    return frozenset(found)


def base_of(city: City, rules: Iterable[Rule], in_force: Sequence[BacktestForm]) -> list[BacktestForm]:
    """Return the rules whose alerts the given ones can see, down to the depth to which they are evaluated.

    One that can no longer be loaded is not in force, here as live.
    """
    chosen: dict[str, BacktestForm] = {}
    above = [rule for rule in rules if rule.over_alerts]
    for _ in range(DEPTH_MAX):
        below = []
        for form in in_force:
            if form.id in chosen or not any(sees(rule, form) for rule in above):
                continue
            try:
                rule = loaded(city, form)
            except PackError:
                continue
            chosen[form.id] = form
            below.append(rule)
        above = [rule for rule in below if rule.over_alerts]
    return [chosen[name] for name in sorted(chosen)]


def sees(rule: Rule, form: BacktestForm) -> bool:
    """Tell whether a rule over alerts may look at the alerts of another."""
    asked = None if rule.where is None else required_text(rule.where.text)
    if asked is None or asked[0] not in ("rule", "domain"):
        return True
    return bool(form.body.get(asked[0]) == asked[1])


class Run:
    """One memory and the forms that are folded with it, each with its sheet."""

    def __init__(
        self, city: City, forms: Mapping[str, BacktestForm], base: Sequence[BacktestForm], sheets: Mapping[str, Sheet]
    ) -> None:
        """``forms`` and ``sheets`` go by the id under which each form is folded."""
        self.memory = Memory()
        self.rules = RuleSet(city.feeds, city.zones, timezone=city.timezone)
        self._forms, self._base, self._sheets = forms, base, sheets

    def begin(self, position: int, log_us: int) -> None:
        """Put the forms, and what they listen to, in force.

        Raises:
            PackError: one of them cannot be loaded.
        """
        # A backtest shows what a form would raise, also where it is in monitor mode or switched off.
        tried = {
            name: {**form.body, "rule": name, "mode": "alert", "enabled": True} for name, form in self._forms.items()
        }
        bodies = {**{form.id: form.body for form in self._base}, **tried}
        hashes = {form.id: form.hash for form in self._base} | {name: form.hash for name, form in self._forms.items()}
        for name in sorted(bodies):
            value = {"body": bodies[name], "hash": hashes[name], "version": 0}
            self.enter(Entry(position, from_us(log_us), EntryKind.RULE, subject=name, value=value))
        refused = next((self.rules.refused[name] for name in tried if name in self.rules.refused), None)
        if refused is not None:
            raise PackError(refused)

    def enter(self, entry: Entry) -> None:
        """Fold one entry, and note what the forms' alerts do.

        Raises:
            PackError: a form broke in our own code; live it would be out of force from here on.
        """
        for transition in step(self.rules, self.memory, entry):
            sheet = self._sheets.get(transition.rule)
            if sheet is not None:
                sheet.note(transition)
        if self.memory.failed:
            broken = next((reason for name, reason in self.memory.failed.items() if name in self._forms), None)
            if broken is not None:
                raise PackError(broken)

    def tick(self, at_us: int) -> None:
        """Fold a tick that the log does not have."""
        self.enter(Entry(self.memory.position, from_us(at_us), EntryKind.TICK))

    def tick_until(self, log_us: int) -> None:
        """End the timers that are due by then, as ticks of the engine would have.

        A tick comes at most a second after a timer is due; an entry that comes first ends the timer itself.
        """
        memory = self.memory
        due_us = memory.next_due_log_us()
        while due_us is not None and due_us + TICK_US <= log_us:
            self.tick(due_us + TICK_US)
            due_us = memory.next_due_log_us()
        memory.tick_us = max(memory.tick_us, log_us - TICK_US)  # the engine was there: no gap is open


class Backtest:
    """Takes the log's entries in order, then says what each form did. Times are microseconds since 1970.

    First :meth:`register` with what was registered before the look-back, then :meth:`begin`, :meth:`take`, :meth:`end`.
    """

    def __init__(
        self, city: City, *, candidate: BacktestForm, present: BacktestForm | None, base: Sequence[BacktestForm],
        from_us: int, to_us: int, outages: Sequence[Outage] = (),
    ) -> None:  # fmt: skip
        self.from_us, self.to_us = from_us, to_us
        forms = {CANDIDATE: candidate} if present is None else {CANDIDATE: candidate, PRESENT: present}
        self.sheets = {side: sheet_of(city, form, from_us, to_us) for side, form in forms.items()}
        self._forms = forms
        self._base = base
        if base:
            # Rules over alerts may name each other's rules, so each form is folded with a city of its own.
            self.runs = [Run(city, {form.id: form}, base, {form.id: self.sheets[side]}) for side, form in forms.items()]
        else:
            self.runs = [Run(city, forms, (), self.sheets)]
        self.entries = 0
        """Taken so far, the look-back's too."""
        self._outages = iter(outages)
        self._outage = next(self._outages, None)
        self._entered = False
        self._inside = False

    def register(self, entry: Entry) -> None:
        """Take a device, area or calendar from before the look-back, or a limit of the present table."""
        for run in self.runs:
            run.enter(entry)

    def begin(self, position: int, log_us: int, *, tick_us: int | None = None) -> None:
        """Put the forms in force after ``position``; ``tick_us`` is the log's last tick before, None where none was."""
        for run in self.runs:
            run.begin(position, log_us)
            run.memory.tick_us = tick_us or 0

    def take(self, entry: Entry) -> None:
        """Fold the next entry of the log (ticks and rules are not asked for)."""
        log_us = to_us(entry.log_time)
        self.entries += 1
        self._enter_span(log_us)
        self._pass_time(log_us)
        for run in self.runs:
            run.enter(entry)
        if entry.kind is EntryKind.GAP:
            self._outage, self._entered = next(self._outages, None), False

    def _enter_span(self, log_us: int) -> None:
        """Count anew from the span's beginning on."""
        if not self._inside and log_us >= self.from_us:
            self._inside = True
            for run in self.runs:
                run.memory.tally = Tally()

    def _pass_time(self, log_us: int) -> None:
        """Make the ticks up to ``log_us``; in an outage there were none after its last one."""
        outage = self._outage
        if outage is None:
            for run in self.runs:
                run.tick_until(log_us)
        elif outage.last_us is not None and not self._entered:
            for run in self.runs:
                run.tick_until(min(log_us, outage.last_us))
            if log_us > outage.last_us:
                self._entered = True
                for run in self.runs:
                    run.tick(outage.last_us)

    def end(self) -> None:
        """Let time pass to the end of the span, and close the sheets."""
        self._enter_span(self.to_us)
        self._pass_time(self.to_us)
        for sheet in self.sheets.values():
            sheet.close()

    def result(self) -> dict[str, Any]:
        """Return what each form did, JSON-ready; counts are those of the candidate inside the span."""
        tally = self.runs[0].memory.tally
        name = self._forms[CANDIDATE].id if self._base else CANDIDATE
        return {
            "entries": self.entries,
            "events": tally.evaluated[name],
            "late": tally.late[name],
            "no_data": tally.no_data[name],
            "errors": tally.errors[name],
            "full": tally.full[name],
            "candidate": self._side(CANDIDATE),
            "present": self._side(PRESENT) if PRESENT in self._forms else None,
            "truncated": any(sheet.truncated for sheet in self.sheets.values()),
        }

    def _side(self, side: str) -> dict[str, Any]:
        """Return one form and what it did."""
        form = self._forms[side]
        return {"version": form.version, "hash": form.hash, **self.sheets[side].result()}


def sheet_of(city: City, form: BacktestForm, from_us: int, to_us: int) -> Sheet:
    """Return an empty sheet for a form's transitions.

    Raises:
        PackError: the form cannot be loaded.
    """
    return Sheet(from_us, to_us, city.timezone, refire_us=loaded(city, form).refire_us)
