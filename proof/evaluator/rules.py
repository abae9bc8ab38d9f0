"""A rule's body as the independent evaluator reads it: plain values, conditions asked of CEL itself.

Written from docs/rules.md alone; of the engine it uses nothing. A body is taken to be one that `ioc check` accepts.
Times and durations are whole microseconds.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from proof.evaluator.log import Feed

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANKS = {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}
PANES = [*(n * SECOND for n in (1, 2, 5, 10, 15, 30)), *(n * MINUTE for n in (1, 2, 5, 10, 15, 20, 30)),
         *(n * HOUR for n in (1, 2, 3, 4, 6, 12, 24))]  # fmt: skip
PLACE = {"device": "text", "feed": "text", "area": "text", "zone": "text", "lat": "number", "lon": "number",
         "place": "text", "owner": "text", "parent": "text", "critical": "boolean", "limit": "number",
         "flags": "flags", "extra": "extra"}  # fmt: skip
ALERT_NAMES = {"rule": "text", "key": "text", "domain": "text", "severity": "text", "rank": "integer", "mode": "text"}
KIND_NAMES: Mapping[str, Mapping[str, str]] = {
    "absence": {"silent": "boolean"},
    "sequence": {"complete": "boolean", "took": "number"},
    "near": {"n": "integer", "devices": "integer"},
    "zone": {"inside": "boolean"},
    "order": dict.fromkeys(("measured", "ordered", "ordered_min", "ordered_max"), "integer"),
    "correlate": dict.fromkeys(("firing", "rules", "domains", "devices", "rank"), "integer"),
}
SIGNATURE = (
    "over",
    "measure",
    "delta",
    "rate",
    "absent",
    "sequence",
    "within",
    "near",
    "enter",
    "leave",
    "measured",
    "orders",
)
BY_MEMBER = (
    ("absent", "absence", "silent"), ("sequence", "sequence", "complete"), ("enter", "zone", "inside"),
    ("leave", "zone", "!inside"), ("over", "window", ""), ("measure", "change", ""), ("delta", "change", ""),
    ("rate", "change", ""), ("orders", "order", "measured < ordered_min || measured > ordered_max"),
)  # fmt: skip
DAY_MINUTES, SCHEDULE_DAYS = 1_440, 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class FailedError(Exception):
    """A condition has all its data and still no answer."""


class Clause:
    """One condition: true, false, or None for *no data*."""

    def __init__(self, text: str, types: Mapping[str, str]) -> None:
        self.text = text
        words = set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", re.sub(r"\"[^\"]*\"|'[^']*'", '""', text)))
        self.names = sorted(words & types.keys())
        self.types = types
        self.program = compiled(text, tuple((name, types[name]) for name in self.names))

    def __call__(self, values: Mapping[str, Any]) -> bool | None:
        """Ask CEL, with null members left out."""
        known = {name: values[name] for name in self.names if values.get(name) is not None}
        answer = self.program.eval(data=known)
        if answer.type() == cel.Type.BOOL:
            return bool(answer.value())
        if len(known) < len(self.names) or "NOT_FOUND" in str(answer.value()):
            return None
        raise FailedError(f"{self.text}: {answer.value()}")


@lru_cache(maxsize=4_096)
def compiled(text: str, types: tuple[tuple[str, str], ...]) -> Any:
    """Return CEL's program of a condition; whole numbers become doubles where that makes it fit, as few as possible."""
    kinds = {"number": cel.Type.DOUBLE, "integer": cel.Type.INT, "boolean": cel.Type.BOOL, "text": cel.Type.STRING,
             "time": cel.Type.STRING, "object": cel.Type.DYN, "flags": cel.Type.List(cel.Type.STRING),
             "extra": cel.Type.Map(cel.Type.STRING, cel.Type.DYN)}  # fmt: skip
    environment = cel.NewEnv(variables={name: kinds[kind] for name, kind in types})
    pieces = re.split(r"(?<![\w.\"'])(\d+)(?![\w.\"'])", text)
    numbers = range(1, len(pieces), 2)
    for count in range(len(numbers) + 1):
        for chosen in itertools.combinations(numbers, count):
            tried = "".join(piece + ".0" * (number in chosen) for number, piece in enumerate(pieces))
            try:
                return environment.compile(tried)
            except RuntimeError:
                continue
    raise ValueError(f"{text!r} is no condition over {types}")


@dataclass(frozen=True)
class Level:
    """One level; two that are equal in severity, `when` and `for` are the same level."""

    severity: str
    when: str
    wait: int
    limits: tuple[tuple[str, float], ...] = field(compare=False)
    table: str | None = field(compare=False)
    """Where its limit is looked up first."""
    clause: Clause = field(compare=False)


@dataclass(frozen=True)
class Rule:
    """One rule in force."""

    id: str
    body: Mapping[str, Any]
    kind: str
    feeds: tuple[str, ...]
    by: tuple[str, ...]
    where: Clause | None
    levels: tuple[Level, ...]
    clear: Clause | None
    clear_for: int
    limits: tuple[tuple[str, float], ...]
    hold: int | None
    refire: int
    live_micros: Mapping[str, int]
    types: Mapping[str, str]
    """Of the fields of its events."""
    looked_at: tuple[str, ...]
    """What tells two readings of a threshold apart."""
    clauses: Mapping[str, Clause] = field(default_factory=dict)
    """The conditions inside its measures and steps, by their text."""

    @property
    def signature(self) -> str:
        """Return all that must stay for keys to stay."""
        kept = {name: self.body.get(name) for name in (*SIGNATURE, *(() if self.kind == "threshold" else ("where",)))}
        return json.dumps([self.kind, self.feeds, self.by, self.body.get("mode", "alert"), kept], sort_keys=True)

    def limit(self, level: Level | None, at: int, zone: tzinfo) -> float | None:
        """Return what the name `limit` stands for on the local day of an instant."""
        day = local(at, zone).date().isoformat()
        limits = level.limits if level else self.limits
        return next((value for since, value in reversed(limits) if since <= day), None)


def duration(text: Any, default: int = 0) -> int:
    """Return a duration in microseconds."""
    return default if text is None else int(text[:-1]) * UNITS[text[-1]]


def metres(text: Any) -> float:
    """Return a length in metres."""
    text = str(text or 0)
    return float(text.removesuffix("km")) * 1_000 if text.endswith("km") else float(text.removesuffix("m"))


def local(at: int, zone: tzinfo) -> datetime:
    """Return an instant on the city's clock."""
    return (EPOCH + timedelta(microseconds=at)).astimezone(zone)


def read_rule(body: Mapping[str, Any], feeds: Mapping[str, Feed]) -> Rule:
    """Return the rule that a body says."""
    named = feeds_of(body)
    names = tuple(dict.fromkeys([named] if isinstance(named, str) else named))
    types: dict[str, str] = {**PLACE, **ALERT_NAMES} if names == ("alert",) else {**PLACE}
    for name in names if names != ("alert",) else ():
        types |= {item: str(spec.type) for item, spec in feeds[name].fields.items()}
    kind, default = kind_of(body)
    own = types if kind == "threshold" else {**PLACE, **(KIND_NAMES.get(kind) or measure_types(body))}
    levels = tuple(
        Level(item["severity"], item.get("when", default), duration(item.get("for")),
              limits(item.get("limit", body.get("limit"))), table(item.get("limit", body.get("limit"))),
              Clause(item.get("when", default), own))
        for item in body["levels"]
    )  # fmt: skip
    clear = body.get("clear") or {}
    band = Clause(clear["when"], own) if "when" in clear else None
    hold = body.get("hold")
    within = max(duration(body["within"]), MINUTE) if kind == "sequence" else None
    shown = set(re.findall(r"{(\w+)}", " ".join(body["summary"].values())))
    asked = shown.union(*(item.clause.names for item in levels), band.names if band else ())
    inner = [item.get("where") for item in (*measures(body).values(), *body.get("sequence", ()))]
    inner.append(body.get("orders", {}).get("on"))
    by = body.get("by", [] if kind == "near" else ["device"])
    return Rule(
        id=body["rule"], body=body, kind=kind, feeds=names, by=(by,) if isinstance(by, str) else tuple(by),
        where=Clause(body["where"], types) if body.get("where") else None, levels=levels, clear=band,
        clear_for=duration(clear.get("for")), limits=limits(body.get("limit")),
        hold=duration(hold) if hold else within, refire=duration(body.get("refire"), refire_default(body)),
        live_micros={name: duration(body.get("live_within"), 15 * MINUTE if name == "alert" else
                                    feeds[name].live_within // timedelta(microseconds=1)) for name in names},
        types=types, looked_at=tuple(sorted(asked & types.keys() - PLACE.keys())),
        clauses={text: Clause(text, types) for text in inner if text},
    )  # fmt: skip


def feeds_of(body: Mapping[str, Any]) -> Any:
    """Return the feeds that a body names, in whichever of its members."""
    if "sequence" in body:
        return [step["feed"] for step in body["sequence"]]
    return [body["measured"]["feed"], body["orders"]["feed"]] if "orders" in body else body["feed"]


def refire_default(body: Mapping[str, Any]) -> int:
    """Return in what time the same alert opens again where a body does not say."""
    by = body.get("by", [])
    for_ever = body.get("ends") == "by_person" and "event" in ([by] if isinstance(by, str) else by)
    return 36_500 * DAY if for_ever else 5 * MINUTE


def limits(value: Any) -> tuple[tuple[str, float], ...]:
    """Return (first day, value) of each limit, rising by day."""
    listed = value if isinstance(value, list) else [value] if value and "value" in value else []
    return tuple((str(item.get("valid_from") or ""), float(item["value"])) for item in listed)


def table(value: Any) -> str | None:
    """Return the table that a `limit` names."""
    return value.get("table") if isinstance(value, dict) else None


def kind_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return a body's kind and what a level says that has no `when`."""
    if "near" in body:
        return "near", f"n >= {body['near']['min']}"
    if body.get("feed") == "alert":
        return "correlate", ""
    for member, kind, default in BY_MEMBER:
        if member in body:
            return kind, default
    return "threshold", ""


def measures(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return a body's measures by name."""
    short: dict[str, Mapping[str, Any]] = {name: {name: body[name]} for name in ("delta", "rate") if name in body}
    return dict(body.get("measure") or short)


def aggregate_of(measure: Mapping[str, Any]) -> str:
    """Return the word for what a measure computes."""
    return next(name for name in measure if name not in ("where", "per", "take"))


def measure_types(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the types of a body's measures."""
    whole = ("count", "distinct", "vn_aqi")
    return {
        name: "integer" if item.get("take") == "count" or (aggregate_of(item) in whole and item.get("take") != "avg")
        else "number"
        for name, item in measures(body).items()
    }  # fmt: skip


def pane_width(body: Mapping[str, Any]) -> int:
    """Return how wide the panes of a window are."""
    over = duration(body["over"])
    used = {aggregate_of(item) for item in measures(body).values()}
    if used & {"nowcast", "vn_aqi"}:
        return HOUR
    if used & {"antecedent_rain", "nesterov"}:
        return DAY
    most = 6 if any(re.fullmatch(r"p\d+", name) for name in used) else 12 if "distinct" in used else 72
    return next(width for width in PANES if over % width == 0 and over // width <= most)


def active(rule: Rule, at: int, zone: tzinfo, holidays: Iterable[str]) -> bool:
    """Tell whether a rule counts at an instant."""
    schedule = rule.body.get("active")
    if schedule is None:
        return True
    now, free = local(at, zone), set(holidays)
    minute = now.hour * 60 + now.minute
    for start, end in periods(schedule):
        for begun in (0, 1):  # the day on which the period began: today or yesterday
            day = now.date() - timedelta(days=begun)
            if DAYS[day.weekday()] not in schedule.get("days", DAYS):
                continue
            kind, holiday = schedule.get("holidays", "include"), day.isoformat() in free
            if (kind == "exclude" and holiday) or (kind == "only" and not holiday):
                continue
            last = end if end > start else end + DAY_MINUTES
            if start <= minute + DAY_MINUTES * begun < last:
                return True
    return False


def periods(schedule: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the periods of a day, in minutes from midnight."""
    hours = schedule.get("hours", "00:00-24:00")
    found = []
    for text in [hours] if isinstance(hours, str) else hours:
        start, end = (int(part[:2]) * 60 + int(part[3:]) for part in re.split(r"\s*-\s*", text))
        found.append((start, end))
    return found


def next_switch(rule: Rule, after: int, zone: tzinfo, holidays: Sequence[str], *, counts: bool) -> int | None:
    """Return the next instant after ``after`` at which a period begins or ends: no edge of a period is passed over."""
    schedule = rule.body.get("active")
    if schedule is None:
        return None
    edges = {0, *(edge % DAY_MINUTES for period in periods(schedule) for edge in period)}
    midnight = local(after, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(SCHEDULE_DAYS):
        for edge in sorted(edges):
            moment = midnight + timedelta(days=day, minutes=edge)
            at = (moment - EPOCH) // timedelta(microseconds=1)
            if at > after and active(rule, at, zone, holidays) is not counts:
                return at
    return None
