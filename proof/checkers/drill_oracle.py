"""What a drill's stored rows say that its alerts must be: SQL over the rows, thresholds out of the pack's own rules.

It shares no code with the engine. It reads the YAML itself and understands the simple form only: levels of one number
above a threshold, held for a time, and a recovery band. The threshold stands in the condition or is the `limit` of the
level or the rule. A rule of another form is named as not judged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import yaml

NUMBER = r"-?\d+(?:\.\d+)?"
ABOVE = re.compile(rf"(\w+) > (limit|{NUMBER})")
BAND = re.compile(rf"(\w+) (<|==) (limit|{NUMBER})(?: - (\d+(?:\.\d+)?))?")
OTHER_KINDS = frozenset({"over", "measure", "delta", "rate", "absent", "near", "enter", "leave", "active", "mode"})
"""Members of rules that are no plain thresholds."""
ONE_DEVICE = re.compile(r'device == "([\w.-]+)"')
DURATION = re.compile(r"(\d+)(s|m|h|d)")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

RUNS = """
WITH given AS (
  SELECT effective, (data ->> $3)::float8 AS value, lead(effective) OVER (ORDER BY effective) AS following FROM event
  WHERE kind = 'event' AND feed = $1 AND device = $2 AND data ? $3
), reading AS (
  SELECT effective, value FROM given
  UNION ALL
  SELECT effective + make_interval(secs => $7), '-Infinity'::float8 FROM given
  WHERE $7 > 0 AND (following IS NULL OR following > effective + make_interval(secs => $7))
), marked AS (
  SELECT effective, {holds} AS holds,
         count(*) FILTER (WHERE NOT ({holds})) OVER (ORDER BY effective) AS before
  FROM reading
), run AS (
  SELECT min(effective) AS began, before FROM marked WHERE holds GROUP BY before
), ended AS (
  SELECT began, (SELECT min(effective) FROM marked WHERE NOT holds AND effective > began) AS until FROM run
)
SELECT began + make_interval(secs => $5) AS at FROM ended
WHERE (until IS NULL OR until >= began + make_interval(secs => $5)) AND began + make_interval(secs => $5) <= $6
ORDER BY 1
"""
"""When a condition has held for its time: a run of readings begins, and nothing contradicts it for so long.

A reading that is not followed within the rule's hold ($7, 0: none) no longer stands: as if the lowest value had come.
"""
HOLDS = {">": "value > $4", "<": "value < $4", "==": "value = $4"}

HISTORY = """
SELECT a.rule, a.key, h.kind, h.severity, h.at, (h.at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day
FROM alert_history h JOIN alert a ON a.id = h.alert WHERE h.actor IS NULL ORDER BY h.at, h.position, a.rule
"""
DEVICES = "SELECT DISTINCT device FROM event WHERE kind = 'event' AND feed = $1 AND data ? $2 ORDER BY 1"


@dataclass(frozen=True, slots=True)
class RuleLevel:
    """One level: its severity, what its field must be above, for how long."""

    severity: str
    above: float
    seconds: float


@dataclass(frozen=True, slots=True)
class SimpleRule:
    """A rule of the simple form."""

    rule: str
    feed: str
    field: str
    levels: tuple[RuleLevel, ...]
    band: tuple[str, float]
    band_seconds: float
    hold_seconds: float
    device: str | None


def read_rules(pack: Path, feeds: Sequence[str]) -> tuple[list[SimpleRule], list[str]]:
    """Return the pack's rules that hear these feeds, and the names of those of another form."""
    judged, others = [], []
    tables = _tables(pack)
    for path in sorted((pack / "rules").glob("*.yaml")):
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        if _heard(body) & {*feeds, "alert"}:
            rule = _judged(body, tables)
            if rule is None:
                others.append(str(body["rule"]))
            else:
                judged.append(rule)
    return judged, others


def _heard(body: Mapping[str, Any]) -> set[str]:
    """Return the feeds of a rule; a sequence names them in its steps, a rule of orders beside what it measures."""
    if "orders" in body:
        return {body["orders"]["feed"], body["measured"]["feed"]}
    named = body.get("feed", [step["feed"] for step in body.get("sequence", [])])
    return {named} if isinstance(named, str) else set(named)


def _tables(pack: Path) -> frozenset[str]:
    """Return the tables of limits in which the pack has rows: a rule that asks one is not judged."""
    path = pack / "limits.yaml"
    body = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return frozenset(row["name"] for row in body.get("limits", ()))


def _number(text: str, limit: object, tables: frozenset[str]) -> float | None:
    """Return a threshold; `limit` is the one that is given, None where it depends on the day or on rows of a table."""
    if text != "limit":
        return float(text)
    if not isinstance(limit, Mapping) or "value" not in limit or "valid_from" in limit or limit.get("table") in tables:
        return None
    return float(limit["value"])


def _judged(body: Mapping[str, Any], tables: frozenset[str]) -> SimpleRule | None:
    if OTHER_KINDS & set(body) or not isinstance(body.get("feed"), str) or body["feed"] == "alert":
        return None
    levels = [(ABOVE.fullmatch(level["when"]), level) for level in body["levels"]]
    band = BAND.fullmatch((body.get("clear") or {}).get("when", ""))
    where = ONE_DEVICE.fullmatch(body["where"]) if "where" in body else None
    fields = {match[1] for match, _ in levels if match} | ({band[1]} if band else set())
    simple = all(match for match, _ in levels) and len(fields) == 1 and body.get("by") == ["device"]
    if not simple or band is None or ("where" in body and where is None) or ("hold" in body and band[2] != "<"):
        return None
    limits = [level.get("limit", body.get("limit")) for level in body["levels"]]
    above = [_number(match[2], limit, tables) for (match, _), limit in zip(levels, limits, strict=True) if match]
    cleared = _number(band[3], limits[0], tables)
    if cleared is None or None in above:
        return None
    return SimpleRule(
        rule=body["rule"],
        feed=body["feed"],
        field=fields.pop(),
        levels=tuple(
            RuleLevel(level["severity"], value, _seconds(level.get("for")))
            for (_, level), value in zip(levels, above, strict=True)
            if value is not None
        ),
        band=(band[2], cleared - float(band[4] or 0)),
        band_seconds=_seconds(body["clear"].get("for")),
        hold_seconds=_seconds(body.get("hold")),
        device=where[1] if where else None,
    )


def _seconds(text: str | None) -> float:
    match = DURATION.fullmatch(text or "0s")
    assert match is not None, text
    return int(match[1]) * SECONDS[match[2]]


@dataclass(frozen=True, slots=True)
class DrillFindings:
    """What the rows say and where the alerts differ."""

    days: dict[str, list[str]]
    """By rule and device, the local days on which SQL says that an alert opens."""
    openings: int
    clearings: int
    rises: int
    problems: list[str]


async def judge(
    connection: asyncpg.Connection, rules: Sequence[SimpleRule], until: datetime, *, others: Sequence[str]
) -> DrillFindings:
    """Compare the alerts of a drill that ran until ``until`` with what its rows say; ``others`` nobody judges here."""
    history = await connection.fetch(HISTORY)
    days: dict[str, list[str]] = {}
    problems: list[str] = []
    openings = clearings = rises = 0
    for rule in rules:
        for row in await connection.fetch(DEVICES, rule.feed, rule.field):
            device = row["device"]
            if rule.device not in (None, device):
                continue
            begins = {
                level.severity: await _times(connection, rule, device, (">", level.above), level.seconds, until)
                for level in rule.levels
            }
            ends = await _times(connection, rule, device, rule.band, rule.band_seconds, until)
            opened, cleared = _episodes(begins, ends)
            moves = [move for move in history if (move["rule"], move["key"]) == (rule.rule, device)]
            name = f"{rule.rule} {device}"
            problems += _differences(
                name, "opens", opened, [m["at"] for m in moves if m["kind"] in ("opened", "reopened")]
            )
            problems += _differences(name, "clears", cleared, [m["at"] for m in moves if m["kind"] == "cleared"])
            problems += _severities(name, begins, moves)
            openings, clearings = openings + len(opened), clearings + len(cleared)
            rises += sum(len(times) for times in begins.values())
            if opened:
                days[name] = [str(m["day"]) for m in moves if m["kind"] in ("opened", "reopened")]
    known = {*(rule.rule for rule in rules), *others}
    problems += [
        f"{move['rule']} {move['key']}: an alert of a rule that nobody judged"
        for move in history
        if move["rule"] not in known
    ]
    return DrillFindings(days, openings, clearings, rises, problems)


async def _times(
    connection: asyncpg.Connection,
    rule: SimpleRule,
    device: str,
    test: tuple[str, float],
    seconds: float,
    until: datetime,
) -> list[datetime]:
    statement = RUNS.format(holds=HOLDS[test[0]])
    rows = await connection.fetch(statement, rule.feed, device, rule.field, test[1], seconds, until, rule.hold_seconds)
    return [row["at"] for row in rows]


def _episodes(begins: Mapping[str, list[datetime]], ends: list[datetime]) -> tuple[list[datetime], list[datetime]]:
    """Return when an alert opens (a level lives and none did) and clears (the band has held, and one did)."""
    marks = sorted([(at, 0) for at in ends] + [(at, 1) for times in begins.values() for at in times])
    opened, cleared, firing = [], [], False
    for at, up in marks:
        if up and not firing:
            opened.append(at)
        elif not up and firing:
            cleared.append(at)
        firing = bool(up)
    return opened, cleared


def _differences(name: str, what: str, wanted: list[datetime], found: list[datetime]) -> list[str]:
    missing = [
        f"{name} {what} at {at:%Y-%m-%d %H:%M} by the rows, not by the alerts" for at in wanted if at not in found
    ]
    return missing + [
        f"{name} {what} at {at:%Y-%m-%d %H:%M} by the alerts, not by the rows" for at in found if at not in wanted
    ]


def _severities(name: str, begins: Mapping[str, list[datetime]], moves: list[asyncpg.Record]) -> list[str]:
    """Whenever a level comes to life the alert shows at least it, and each rise has a level that came to life."""
    order = list(begins)
    problems = []
    for severity, times in begins.items():
        for at in times:
            shown = [move["severity"] for move in moves if move["at"] <= at and move["kind"] != "cleared"]
            if not shown or order.index(shown[-1]) < order.index(severity):
                problems.append(f"{name}: {severity} since {at:%Y-%m-%d %H:%M} by the rows, not shown")
    return problems + [
        f"{name}: {move['kind']} {move['severity']} at {move['at']:%Y-%m-%d %H:%M}, by no row"
        for move in moves
        if move["kind"] in ("opened", "raised", "reopened") and move["at"] not in begins.get(move["severity"], [])
    ]
