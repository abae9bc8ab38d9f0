"""`ioc backtest`: tries a rule's text over the stored log of a running instance, and prints what it would have done."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from ioc.assembly.context import open_context, settle_memory
from ioc.assembly.progress import progress
from ioc.backtests.run import BacktestProgress, Question, city_of, conduct, form_of
from ioc.domain.moment import parse_time
from ioc.errors import InvalidInputError
from ioc.packs.pack import Pack
from ioc.rules.loading.check import Surroundings, check_rule
from ioc.rules.recompute.backtest import BacktestForm
from ioc.settings import Settings
from ioc.store.rules.backtest_log import BacktestLog
from ioc.store.rules.backtests import checked_span

NICE = 10
READ_TIMEOUT_SECONDS = 60.0
"""Counting imported history may take longer than a commit may."""
DAYS_SHOWN_MAX = 92
ALERTS_SHOWN_MAX = 20
OK, FOUND = 0, 1


@dataclass(frozen=True, slots=True)
class BacktestQuestion:
    """What the command line asks."""

    file: Path
    start: str
    end: str
    history: bool
    as_json: bool


def give_way() -> None:
    """Let this process run where nothing else wants to: a backtest comes after whatever the machine does.

    A low priority alone still keeps its processor for a slice of some milliseconds when a live process wakes, and an
    alert on its way to the screen wakes five processes in turn. So it is idle work, which is put aside at once, and
    stays on one processor: moved about, it would empty the caches of all of them. Where the system knows these.
    """
    os.nice(NICE)
    with contextlib.suppress(AttributeError, OSError):  # no Linux, or a sandbox: then the priority has to do
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


async def run_backtest(settings: Settings, asked: BacktestQuestion, *, say: Callable[[str], None]) -> int:
    """Run one; return the exit code: 0, or 1 when the rule's text is not acceptable.

    Raises:
        InvalidInputError: the file cannot be read, or the times are none.
        StoreUnavailableError: PostgreSQL does not answer.
    """
    try:
        text = asked.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{asked.file} cannot be read: {error}", field="RULE") from error
    start, end = moment_of(asked.start, "--from"), moment_of(asked.end, "--to")
    own = settings.model_copy(update={"commit_timeout_seconds": READ_TIMEOUT_SECONDS})
    async with open_context(own, "backtest", connections_max=2, patient=False) as context:
        checked = check_rule(text, surroundings(context.pack))
        for fault in checked.errors:
            hint = f" ({fault.hint})" if fault.hint else ""
            say(f"{asked.file}:{fault.line}: {fault}{hint}")
        if checked.body is None or checked.rule is None:
            return FOUND
        start, end = checked_span(start, end, context.log_clock.now())
        log = BacktestLog(context.database)
        present = await log.rule(checked.rule.id)
        question = Question(
            BacktestForm(checked.body, checked.hash),
            None if present is None else form_of(present),
            start,
            end,
            asked.history,
        )
        give_way()
        settle_memory()
        with progress("backtest", "lines of the log") as tell:

            async def told(how_far: BacktestProgress) -> None:
                tell(how_far.done, how_far.total)

            result = await conduct(log, city_of(context.pack), question, told)
        zone = context.pack.zone
    if asked.as_json:
        say(json.dumps({"rule": checked.rule.id, **result}, ensure_ascii=False))
    else:
        for line in table(checked.rule.id, result, zone):
            say(line)
    return OK


def surroundings(pack: Pack) -> Surroundings:
    """Return what a rule's text is checked against."""
    return Surroundings(pack.feeds, {domain.id for domain in pack.domains}, pack.zone)


def moment_of(text: str, name: str) -> datetime:
    """Return the moment that an option names; a bare date is its midnight in the city's time.

    Raises:
        InvalidInputError: it names none.
    """
    try:
        return parse_time(text)
    except ValueError as error:
        raise InvalidInputError(f"{name}: {error}; such as 2026-10-11 or 2026-10-11T06:00:00+07:00") from error


def table(rule: str, result: Mapping[str, Any], zone: tzinfo) -> list[str]:
    """Return what a backtest found, as lines that a person reads: days, sums, then the newest alerts, in local time."""
    candidate, present = result["candidate"], result["present"]
    span = f"{_local(result['from'], zone)} to {_local(result['to'], zone)}"
    sides = ("candidate",) if present is None else ("candidate", "in force")
    lines = [
        f"{rule}, {span}: {result['events']:,} readings evaluated in {result['seconds']} s",
        "" if present is not None else "no form of this rule is in the log: there is nothing beside it",
        f"{'day':<12}" + "".join(f"{side:>24}" for side in sides),
        f"{'':<12}" + f"{'opened':>10}{'hours firing':>14}" * len(sides),
    ]
    days = [
        (mine, theirs)
        for mine, theirs in zip(candidate["days"], (present or candidate)["days"], strict=True)
        if any(day["opened"] or day["firing_seconds"] for day in (mine, theirs))
    ]
    for mine, theirs in days[-DAYS_SHOWN_MAX:]:
        lines.append(f"{mine['day']:<12}{_figures(mine)}{_figures(theirs) if present else ''}")
    if len(days) > DAYS_SHOWN_MAX:
        lines.append(f"({len(days) - DAYS_SHOWN_MAX} earlier days with alerts are in --json)")
    if not days:
        lines.append("no day with an alert")
    lines.append(f"{'sum':<12}{_figures(candidate)}{_figures(present) if present else ''}")
    lines += ["", *(f"{name}: {result[name]:,}" for name in ("late", "no_data", "errors", "full") if result[name])]
    for alert in candidate["alerts"][:ALERTS_SHOWN_MAX]:
        ended = "still firing" if alert["cleared_at"] is None else _local(alert["cleared_at"], zone)
        when = f"{_local(alert['opened_at'], zone)} to {ended}"
        lines.append(f"{when}  {alert['severity']:<8} {alert['key']}: {alert['summary']['vi']}")
    hidden = candidate["opened"] - min(len(candidate["alerts"]), ALERTS_SHOWN_MAX)
    if hidden > 0:
        lines.append(f"({hidden:,} earlier alerts are not shown)")
    return lines


def _figures(side: Mapping[str, Any]) -> str:
    return f"{side['opened']:>10,}{side['firing_seconds'] / 3_600:>14,.2f}"


def _local(text: str, zone: tzinfo) -> str:
    return parse_time(text).astimezone(zone).isoformat(sep=" ", timespec="seconds")
