"""Reads the parts of a rule that every kind has: texts, durations, limits, hours. Errors name the member at fault."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from typing import Any

from ioc.domain.alert import Limit
from ioc.domain.feed import Label
from ioc.domain.severity import Severity
from ioc.errors import PackError
from ioc.rules.language.clause import Clause, ClauseError, Vocabulary
from ioc.rules.language.rule import SECOND_US, Due
from ioc.rules.language.schedule import MINUTES_A_DAY, Holidays, Schedule

DURATION = re.compile(r"(\d{1,6})(s|m|h|d)")
DURATION_US = {"s": SECOND_US, "m": 60 * SECOND_US, "h": 3_600 * SECOND_US, "d": 86_400 * SECOND_US}
TABLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LIMITS_MAX = 10
PERIODS_MAX = 6
DUE_MAX_US = 90 * DURATION_US["d"]


class RuleError(PackError):
    """A rule is not acceptable. ``path`` is the member at fault (`levels[1].when`), ``hint`` what to do."""

    def __init__(self, message: str, *, path: str, hint: str = "") -> None:
        super().__init__(f"{path}: {message}" + (f" ({hint})" if hint else ""))
        self.path = path
        self.detail = message
        self.hint = hint


def text_at(body: Mapping[str, Any], name: str) -> str:
    """Return a text that must be there."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RuleError("a text is required", path=name)
    return value


def label_at(body: Mapping[str, Any], name: str) -> Label:
    """Return a text in both languages."""
    value = body.get(name)
    if not isinstance(value, Mapping) or set(value) != {"vi", "en"} or not all(map(is_words, value.values())):
        raise RuleError("both languages are required", path=name, hint='{vi: "...", en: "..."}')
    return Label(vi=value["vi"], en=value["en"])


def is_words(value: object) -> bool:
    """Tell whether ``value`` is a text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def compiled(vocabulary: Vocabulary, text: object, path: str) -> Clause:
    """Return the clause at ``path``."""
    if not isinstance(text, str):
        raise RuleError("a clause is a text", path=path, hint="put it in quotes: 'level_cm > 1900'")
    try:
        return vocabulary.compile(text)
    except ClauseError as error:
        raise RuleError(f"{text!r}: {error}", path=path, hint=error.hint) from error


def members_of(value: object, path: str, *, needed: set[str], allowed: set[str]) -> Mapping[str, Any]:
    """Return a mapping with the needed members and no others than the allowed ones."""
    if not isinstance(value, Mapping):
        raise RuleError("members are required", path=path, hint=f"{{{', '.join(sorted(needed | allowed))}}}")
    for name in sorted(needed - set(value)):
        raise RuleError(f"{name} is missing", path=path, hint=f"known: {', '.join(sorted(needed | allowed))}")
    for name in value:
        if name not in needed | allowed:
            raise RuleError(
                "unknown member", path=f"{path}.{name}", hint=f"known: {', '.join(sorted(needed | allowed))}"
            )
    return value


def severity_at(value: object, path: str) -> Severity:
    """Return the severity named by ``value``."""
    if not isinstance(value, str) or value not in tuple(Severity):
        raise RuleError(f"no severity {value!r}", path=path, hint=f"one of {', '.join(Severity)}")
    return Severity(value)


def duration_at(value: object, path: str, *, default_us: int) -> int:
    """Return a duration such as `10m` in microseconds."""
    if value is None:
        return default_us
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise RuleError(f"{value!r} is no duration", path=path, hint="a whole number and s, m, h or d, such as 10m")
    return int(match[1]) * DURATION_US[match[2]]


def some_duration_at(value: object, path: str, *, least_us: int, most_us: int, says: str) -> int:
    """Return a duration that must be there and lie between two ends, which ``says`` names."""
    found = duration_at(value, path, default_us=0)
    if not least_us <= found <= most_us:
        raise RuleError(f"{value!r} is not {says}", path=path)
    return found


def due_at(value: object) -> Due:
    """Return how long people have; `{acknowledge: 15m, resolve: 24h}`, or one of them."""
    if value is None:
        return Due()
    found = members_of(value, "due", needed=set(), allowed={"acknowledge", "resolve"})
    if not found:
        raise RuleError("acknowledge, resolve or both are required", path="due", hint="{acknowledge: 15m}")
    given = {
        name: some_duration_at(
            found[name], f"due.{name}", least_us=DURATION_US["m"], most_us=DUE_MAX_US, says="from 1m to 90d"
        )
        for name in found
    }
    if given.get("acknowledge", 0) >= given.get("resolve", DUE_MAX_US + 1):
        raise RuleError("it is taken before it is done", path="due.resolve", hint="longer than acknowledge")
    return Due(given.get("acknowledge"), given.get("resolve"))


def metres_at(value: object, path: str, *, default_m: float | None = None) -> float:
    """Return a length such as `300m` or `1.5km`, or a plain number of metres."""
    if value is None and default_m is not None:
        return default_m
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(m|km)", value) if isinstance(value, str) else None
    if match:
        return float(match[1]) * (1_000.0 if match[2] == "km" else 1.0)
    if type(value) in (int, float):
        return float(value)  # type: ignore[arg-type]
    raise RuleError(f"{value!r} is no length", path=path, hint="a number and m or km, such as 300m")


def limit_member(value: object, path: str) -> tuple[str | None, tuple[Limit, ...]]:
    """Return what `limit` says: the table in which it is looked up first, None for none, and the own limits."""
    if not isinstance(value, Mapping) or "table" not in value:
        return None, limits_at(value, path)
    table = value["table"]
    if not isinstance(table, str) or not TABLE.fullmatch(table):
        raise RuleError("not a table of limits", path=f"{path}.table", hint="small letters, digits, dots: river.bd2")
    own = {name: part for name, part in value.items() if name != "table"}
    return table, limits_at(own or None, path)


def limits_at(value: object, path: str) -> tuple[Limit, ...]:
    """Return a threshold with its legal source, or several by the day from which each is valid."""
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        return (limit_at(value, path),)
    if not 0 < len(value) <= LIMITS_MAX:
        raise RuleError(f"one to {LIMITS_MAX} limits are required", path=path)
    limits = tuple(limit_at(one, f"{path}[{number}]") for number, one in enumerate(value))
    days = [limit.valid_from or "" for limit in limits]
    if days != sorted(set(days)):
        raise RuleError("several limits rise by valid_from", path=path, hint="oldest first, each with its own day")
    return limits


def limit_at(value: object, path: str) -> Limit:
    """Return one threshold with its legal source."""
    wanted = {"value", "unit", "source", "verified"}
    if not isinstance(value, Mapping) or not wanted <= set(value) <= wanted | {"valid_from", "name"}:
        raise RuleError("a limit has value, unit, source, verified, and perhaps valid_from and name", path=path)
    number, verified, since = value["value"], value["verified"], value.get("valid_from")
    if type(number) not in (int, float):
        raise RuleError("not a number", path=f"{path}.value")
    if type(verified) is not bool:
        raise RuleError("true or false is required", path=f"{path}.verified", hint="false until somebody has checked")
    for name in ("unit", "source"):
        if not isinstance(value[name], str):
            raise RuleError("a text is required", path=f"{path}.{name}")
    try:
        day = None if since is None else date.fromisoformat(str(since)).isoformat()
    except ValueError as error:
        raise RuleError("not a day", path=f"{path}.valid_from", hint="such as 2026-01-01") from error
    called = None if value.get("name") is None else label_at(value, "name")
    return Limit(float(number), value["unit"], value["source"], verified=verified, valid_from=day, name=called)


def schedule_at(value: object, zone: tzinfo) -> Schedule | None:
    """Return when a rule counts."""
    if value is None:
        return None
    found = members_of(value, "active", needed=set(), allowed={"days", "hours", "holidays"})
    days = found.get("days", DAYS)
    if not isinstance(days, Sequence) or isinstance(days, str) or not days or any(day not in DAYS for day in days):
        raise RuleError("days of the week are required", path="active.days", hint=f"of {', '.join(DAYS)}")
    holidays = found.get("holidays", "include")
    if holidays not in tuple(Holidays):
        raise RuleError(f"{holidays!r} is not known", path="active.holidays", hint=f"one of {', '.join(Holidays)}")
    named = found.get("hours", "00:00-24:00")
    periods = [named] if isinstance(named, str) else named
    if not isinstance(periods, Sequence) or not 0 < len(periods) <= PERIODS_MAX:
        raise RuleError(f"one to {PERIODS_MAX} periods are required", path="active.hours", hint='"22:00-06:00"')
    return Schedule(
        days=frozenset(DAYS.index(day) for day in days),
        hours=tuple(period_at(period) for period in periods),
        holidays=Holidays(holidays),
        zone=zone,
    )


def period_at(value: object) -> tuple[int, int]:
    """Return a period of the day as (from, to) in minutes; one that does not end later ends on the next day."""
    match = HOURS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise RuleError(f"{value!r} is no period of the day", path="active.hours", hint='such as "22:00-06:00"')
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if start >= MINUTES_A_DAY or end > MINUTES_A_DAY or start == end:
        raise RuleError(f"{value!r} is no period of the day", path="active.hours", hint="it begins before 24:00")
    return start, end
