"""Histories of alerts for the fold of incidents: drawn at random, near each other and apart, soon and late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from ioc.domain.alert import Evidence, Transition, TransitionKind, alert_id
from ioc.domain.feed import Label
from ioc.domain.incidents.family import IncidentFamily, IncidentPlace, Nearness
from ioc.domain.severity import Severity

START = datetime(2026, 10, 10, tzinfo=UTC)
NOTHING = Label("", "")
FAMILIES = (
    IncidentFamily("dam", NOTHING, NOTHING, Nearness.PLACE, 86_400, rules=("lake.*", "river.*"), places=(
        IncidentPlace("north", NOTHING, frozenset({"n1", "n2"})),
        IncidentPlace("south", NOTHING, frozenset({"s1"}), frozenset({"lake.order"})),
    )),
    IncidentFamily("storm", NOTHING, NOTHING, Nearness.ZONE, 21_600, rules=("rain.*", "river.*")),
    IncidentFamily("blackout", NOTHING, NOTHING, Nearness.RADIUS, 10_800, ("power.out", "wifi.*"), radius_m=1_000),
    IncidentFamily("health", NOTHING, NOTHING, Nearness.AREA, 3_600, domains=frozenset({"health"})),
)  # fmt: skip
PLAIN = (
    {"id": "dam", "rules": ["lake.*", "river.*"], "within": 86_400,
     "places": [{"id": "north", "devices": ["n1", "n2"]}, {"id": "south", "devices": ["s1"], "rules": ["lake.order"]}]},
    {"id": "storm", "rules": ["rain.*", "river.*"], "same": "zone", "within": 21_600},
    {"id": "blackout", "rules": ["power.out", "wifi.*"], "radius": 1_000, "within": 10_800},
    {"id": "health", "rules": [], "domains": ["health"], "same": "area", "within": 3_600},
)  # fmt: skip
"""The same families as the independent evaluator reads them."""
RULES = ("lake.gates", "lake.order", "river.rise", "rain.1h", "power.out", "wifi.down", "wifi.down", "power.out", "flu",
         "fire")  # fmt: skip
DOMAINS = {"flu": "health", "fire": "utilities"}
STEP_DEGREES = 0.0037
"""Some 400 m: no two places are about a radius apart."""
NEXT = {
    None: (TransitionKind.OPENED,),
    TransitionKind.CLEARED: (TransitionKind.REOPENED,),
}
GOING_ON = (TransitionKind.RAISED, TransitionKind.LOWERED, TransitionKind.CLEARED, TransitionKind.CLEARED)
PAUSES = (0, 1, 60, 1_800, 3_600, 10_800, 10_801, 21_600, 40_000, 90_000)


def move(
    kind: TransitionKind, rule: str, key: str, *, seconds: float = 0.0, position: int = 1, opened: int | None = None,
    device: str | None = None, area: str | None = None, zone: str | None = None, lat: float | None = None,
    lon: float | None = None, severity: Severity = Severity.MEDIUM, domain: str = "disaster",
) -> Transition:  # fmt: skip
    """Return a move of the alert of (rule, key) that opened at a position, some seconds after the beginning."""
    at = START + timedelta(seconds=seconds)
    begun = position if opened is None else opened
    return Transition(
        kind=kind, alert_id=alert_id(rule, key, begun), rule=rule, rule_version=1, rule_hash="", key=key,
        opened_position=begun, position=position, at=at, log_time=at, severity=severity, title=Label(rule, rule),
        summary=NOTHING, domain=domain, evidence=Evidence("", {}, (), position), device=device, area=area, zone=zone,
        lat=lat, lon=lon,
    )  # fmt: skip


def random_moves(seed: int) -> list[Transition]:
    """Return some moves of some alerts, as an engine could make them."""
    random = Random(seed)
    alerts: list[dict[str, Any]] = []
    for number in range(random.randint(2, 14)):
        rule = random.choice(RULES)
        placed = random.random() < 0.9
        alerts.append({
            "rule": rule, "key": f"k{number}", "domain": DOMAINS.get(rule, "disaster"),
            "device": random.choice(("n1", "n2", "s1", "x1", None)), "area": random.choice(("a1", "a2", "b1", None)),
            "zone": random.choice(("a", "b", None)),
            "lat": 20.8 + STEP_DEGREES * random.randint(0, 14) if placed else None, "lon": 105.3 if placed else None,
        })  # fmt: skip
    state: list[tuple[TransitionKind | None, int]] = [(None, 0)] * len(alerts)
    made, seconds = [], 0.0
    for position in range(1, random.randint(6, 40)):
        seconds += random.choice(PAUSES) if random.random() < 0.4 else random.choice(PAUSES[:3])
        for _ in range(random.choice((1, 1, 1, 2))):
            chosen = random.randrange(len(alerts))
            before, opened = state[chosen]
            kind = random.choice(NEXT.get(before, GOING_ON))
            opened = position if kind is TransitionKind.OPENED else opened
            state[chosen] = (kind, opened)
            made.append(move(kind, seconds=seconds, position=position, opened=opened, **alerts[chosen]))
    return made
