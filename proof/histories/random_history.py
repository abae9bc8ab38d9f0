"""Random histories in which what is rare in life is common: values at limits, instants at the very end of a wait.

The same seed gives the same history.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, TypeVar

from proof.histories.history import Item, lawful
from proof.histories.withdrawals import with_withdrawals

FOR, CLEAR, WINDOW, ABSENT, WITHIN, HOLD = 60, 30, 120, 60, 60, 90
GAPS = (
    0, 0, 1, 2, 5, 9, 10, 11, CLEAR - 1, CLEAR, CLEAR + 1, FOR - 1, FOR, FOR + 1, HOLD, WINDOW - 1, WINDOW, 300, 301,
)  # fmt: skip
HOURS = (0, 1, 600, 1_800, 3_599, 3_600, 3_601, 7_200, 43_200, 86_400)
SKEWS = (
    *[0] * 14,
    1,
    30,
    119,
    120,
    121,
    -1,
    -5,
    -CLEAR,
    -FOR,
    -FOR - 1,
    -WINDOW,
    -300,
    -901,
    90_000,
    -400_000,
    -1_200_000_000,
)
VALUES = (None, 5, 8, 9, 10, 10, 10.5, 15, 20, 20.5, 25)
HIGH: Sequence[float | None] = (15, 20.5, 25, 10)
FLAPPING: Sequence[float | None] = (5, 15, 5, 15, 25)
BORDERS: Sequence[float] = (0, CLEAR, CLEAR, FOR, FOR, HOLD, WINDOW)
SHORT: Sequence[float] = (1, 2, 5, 9)
DEVICES = ("d1", "d1", "d2", "d3")
ZONES = ("z1", "z2")
SPOTS = ((105.300, 20.800), (105.302, 20.800), (105.304, 20.801), (105.3028, 20.8), (105.33, 20.81))
WHENS = ("value > 10", "value >= 10", "value < 9", "value > 10 && other > 5", "value > 10 || up", "value / 0.0 > other",
         "100 / count > 7", "other - value > 3", "value > 10 && critical", 'word == "a" || value > 20',
         "value > limit", "!(value <= 10) && count >= 2")  # fmt: skip
BANDS = ("value < 8", "value <= 10", "other < 9", 'word != "a" && value < 10')
WHERES = ('zone == "z1"', 'device != "d2"', "value > 5", "other >= 0 || value > 9", "lat > 20.0")
T = TypeVar("T")


class Maker:
    """Makes one history."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        self.now = 0.0
        self.items: list[Item] = []
        self.bodies: dict[str, dict[str, Any]] = {}
        self.slow = False
        self.feeds: tuple[str, ...] = ("meter",)
        self.devices = self.pick((DEVICES, DEVICES, ("d1",), ("d1", "d2")))
        self.values: Sequence[float | None] = self.pick((VALUES, VALUES, HIGH, FLAPPING))
        self.gaps = self.pick((GAPS, GAPS, BORDERS, SHORT if self.values is FLAPPING else GAPS))

    def chance(self, share: float) -> bool:
        """Tell yes in ``share`` of all cases."""
        return self.dice.random() < share

    def pick(self, from_: Sequence[T]) -> T:
        """Return one of several."""
        return self.dice.choice(from_)

    def history(self) -> list[Item]:
        """Return a history."""
        for device in ("d1", "d2", "d3"):
            if self.chance(0.7):
                self.items.append(Item(0, "device", (device, self.device())))
        if self.chance(0.2):
            self.items.append(Item(0, "calendar", self.holidays()))
        if self.values is FLAPPING and self.chance(0.6):
            plain = [{"severity": "low", "when": "value > 10"}, {"severity": "high", "when": "value > 20"}]
            self.devices = ("d1",)
            self.add_rule("b.plain", {"feed": "meter", "levels": plain})
        for number in range(self.pick((1, 1, 2, 2, 3))):
            self.add_rule(f"{self.pick('abc')}.{number}", self.body())
        for number in range(self.pick((0, 0, 0, 1, 2, 3))):
            self.add_rule(f"{self.pick('amz')}.over{number}", self.over_alerts(number))
        ticking = self.pick((0, 0, 3, 7, 10, 30))
        for _ in range(self.pick((4, 8, 12, 20)) + 10 * (self.gaps is SHORT)):
            before = self.now
            self.now += self.pick(HOURS if self.slow else self.gaps)
            self.tick(before, ticking)
            self.happen()
        for wait in self.pick(((), (FOR,), (1, CLEAR, FOR, FOR), (10, 400))):
            self.now += wait
            self.items.append(Item(self.now, "tick"))
        return lawful(with_withdrawals(self.seed, self.items))

    def tick(self, before: float, spacing: float) -> None:
        """Let ticks come while time passes, or one gap's at its end."""
        if spacing and not self.slow:
            steps = int((self.now - before) // spacing)
            self.items += [Item(before + step * spacing, "tick") for step in range(1, min(steps, 12) + 1)]
        elif self.chance(0.25):
            self.items.append(Item(self.now, self.pick(("tick", "tick", "gap"))))

    def happen(self) -> None:
        """Let something happen."""
        dice = self.dice.random()
        if dice < 0.80:
            self.items.append(Item(self.now, "send", self.reading()))
        elif dice < 0.85:
            self.edit()
        elif dice < 0.90:
            value = self.pick((self.device(), self.device(), {"state": "maintenance"}, {"state": "retired"}, None))
            self.items.append(Item(self.now, "device", (self.pick(DEVICES), value)))
        elif dice < 0.92:
            self.items.append(Item(self.now, "calendar", self.holidays()))
        elif dice < 0.96:
            self.items.append(Item(self.now, self.pick(("restart", "crash"))))
        else:
            self.items.append(Item(self.now, self.pick(("tick", "gap"))))

    def reading(self) -> dict[str, Any]:
        """Return an event; some repeat the one before under another identity."""
        sent = [item.data for item in self.items if item.what == "send"]
        if sent and self.chance(0.08):
            return dict(sent[-1])
        found: dict[str, Any] = {"feed": self.pick(self.feeds), "device": self.pick(self.devices)}
        if skew := self.pick(SKEWS):
            found["time"] = skew
        if self.chance(0.3):
            found["zone"] = self.pick(ZONES)
        if self.chance(0.3):
            found["lon"], found["lat"] = self.pick(SPOTS)
        if self.chance(0.1):
            found["id"], found["revision"] = "same", self.pick((0, 1, 2))
        if found["feed"] == "air":
            return {**found, **{gas: self.pick((10, 60.5, 100, 200)) for gas in ("pm2_5", "pm10", "no2", "o3")
                                if self.chance(0.8)}}  # fmt: skip
        if found["feed"] == "sky":
            return {**found, "temperature_c": self.pick((20, 30.5, 38)), "humidity_pct": self.pick((40, 70)),
                    "rain_mm": self.pick((0, 0.4, 6.5, 40))}  # fmt: skip
        fields = {"value": self.pick(self.values), "other": self.pick((None, 0, 6, 8, 14)),
                  "count": self.pick((None, 0, 2, 9)),
                  "up": self.pick((None, True, False)), "word": self.pick(("a", "b", None))}  # fmt: skip
        return {
            **found,
            **{name: value for name, value in fields.items() if self.chance(0.8 if name == "value" else 0.4)},
        }

    def device(self) -> dict[str, Any]:
        """Return what the registry says of a device."""
        found: dict[str, Any] = {"feed": self.pick(("meter", "meter", "gauge")), "critical": self.chance(0.5)}
        if self.chance(0.8):
            found["zone"] = self.pick(ZONES)
        if self.chance(0.6):
            found["lon"], found["lat"] = self.pick(SPOTS)
        return found

    def holidays(self) -> list[str]:
        """Return a calendar's days."""
        return self.pick(([], ["2026-11-23"], ["2026-11-24"], ["2026-11-23", "2026-11-24"]))

    # ------------------------------------------------------------------ rules

    def add_rule(self, name: str, body: dict[str, Any]) -> None:
        """Put a rule in force."""
        self.bodies[name] = body
        self.items.append(Item(self.now, "rule", (name, body)))

    def edit(self) -> None:
        """Write a rule anew, take it out or put it back as it was."""
        name = self.pick(sorted(self.bodies))
        body = dict(self.bodies[name])
        dice = self.dice.random()
        if dice < 0.15:
            self.items.append(Item(self.now, "remove", name))
            return
        if dice < 0.55 and "absent" not in body:
            body["levels"] = [{**level, **({"for": f"{self.pick((0, CLEAR, FOR))}s"} if self.chance(0.7) else {})}
                              for level in body["levels"]]  # fmt: skip
            if "when" in body["levels"][0] and self.chance(0.4):
                body["levels"][0]["when"] = body["levels"][0]["when"].replace(">", ">=").replace(">==", ">=")
        elif dice < 0.7:
            body["clear"] = {"for": f"{self.pick((0, CLEAR, FOR))}s"}
        elif dice < 0.8:
            body.update(self.schedule())
        elif dice < 0.85:
            body["mode"] = self.pick(("alert", "monitor"))
        elif dice < 0.95 and "feed" in body and body["feed"] == "meter" and "absent" not in body:
            body["where"] = self.pick(WHERES)
        if body.get("hold") and any(level.get("for") == f"{HOLD}s" for level in body["levels"]):
            return
        self.add_rule(name, body)

    def schedule(self) -> dict[str, Any]:
        """Return hours around those in which a history plays, days and holidays."""
        found: dict[str, Any] = {}
        if self.chance(0.8):
            found["hours"] = self.pick(("12:00-12:02", "11:00-12:01", "12:01-13:00", "12:02-12:01",
                                        ["11:00-12:01", "12:02-12:04"], "22:00-06:00"))  # fmt: skip
        if self.chance(0.3):
            found["days"] = self.pick((["mon"], ["tue", "sun"], ["mon", "tue"]))
        if self.chance(0.3):
            found["holidays"] = self.pick(("include", "exclude", "only"))
        return {"active": found}

    def frame(self, *, hold: bool = True) -> dict[str, Any]:
        """Return what every kind may have."""
        found: dict[str, Any] = {}
        if self.chance(0.15):
            found |= self.schedule()
        if self.chance(0.15):
            found["mode"] = "monitor"
        if self.chance(0.3):
            found["refire"] = self.pick(("0s", "30s", "60s"))
        if self.chance(0.2):
            found["live_within"] = self.pick(("0s", "60s"))
        if hold and self.chance(0.2):
            found["hold"] = f"{HOLD}s"
        if self.chance(0.5):
            found["clear"] = {"for": f"{self.pick((CLEAR, FOR))}s"}
        return found

    def levels(self, whens: Sequence[str | None]) -> list[dict[str, Any]]:
        """Return levels, lowest first."""
        severities = sorted(self.dice.sample(range(5), self.pick((1, 1, 2, 3))))
        found = []
        for rank in severities:
            level: dict[str, Any] = {"severity": ("info", "low", "medium", "high", "critical")[rank]}
            if (when := self.pick(whens)) is not None:
                level["when"] = when
            if self.chance(0.5):
                level["for"] = f"{self.pick((CLEAR, FOR))}s"
            found.append(level)
        return found

    def body(self) -> dict[str, Any]:
        """Return a rule of any kind that listens to feeds."""
        kind = self.pick((self.threshold, self.threshold, self.window, self.window, self.change, self.absence,
                          self.sequence, self.near, self.zone, self.slow_window))  # fmt: skip
        found = kind()
        if "feed" in found and found["feed"] == "meter" and self.chance(0.2) and "absent" not in found:
            found["where"] = self.pick(WHERES)
        if "near" not in found and "absent" not in found and self.chance(0.35):
            found["by"] = self.pick(
                (["zone"], ["zone", "device"], ["word"]) if found.get("feed") == "meter" else (["zone"],)
            )
        return found

    def threshold(self) -> dict[str, Any]:
        """Return a rule over single readings."""
        found = {"feed": "meter", "levels": self.levels(WHENS), **self.frame()}
        if any("limit" in level["when"] for level in found["levels"]):
            found["limit"] = [
                {"value": 9, "unit": "", "source": "", "verified": False},
                {"value": 14, "unit": "", "source": "", "verified": False,
                 "valid_from": self.pick(("2026-11-24", "2026-11-20"))},
            ]  # fmt: skip
        if self.chance(0.3):
            found["clear"] = {**found.get("clear", {}), "when": self.pick(BANDS)}
        if "hold" in found and self.chance(0.4):
            found["by"] = ["event"]
        return found

    def window(self) -> dict[str, Any]:
        """Return a rule over a stretch of time."""
        named = self.dice.sample(("count", "sum", "avg", "min", "max", "first", "last", "delta", "rate", "rise", "fall",
                                  "laeq", "distinct", "p50", "p90"), self.pick((1, 1, 2)))  # fmt: skip
        measures: dict[str, Any] = {}
        for number, aggregate in enumerate(named):
            item: dict[str, Any] = {aggregate: True if aggregate == "count" and self.chance(0.5) else "value"}
            if self.chance(0.3):
                item |= {"per": self.pick(("device", "word")), "take": self.pick(("max", "min", "avg", "sum", "count"))}
            if self.chance(0.2):
                item["where"] = self.pick(("value > 9", "up", 'zone == "z1"'))
            measures[f"m{number}"] = item
        limits = {"count": (1, 2, 3), "distinct": (1, 2), "delta": (0, 5), "rate": (0, 100), "rise": (0, 5),
                  "fall": (0, 5), "sum": (10, 25)}  # fmt: skip
        whens = [f"m{number} {sign} {limit}" for number, name in enumerate(named) for limit in limits.get(name, (9, 10))
                 for sign in (">", ">=", "<")]  # fmt: skip
        found = {"feed": "meter", "over": self.pick(("1m", f"{WINDOW}s", f"{WINDOW}s", "5m", "10m")),
                 "measure": measures, "levels": self.levels(whens), **self.frame()}  # fmt: skip
        if self.chance(0.2):
            found["clear"] = {**found.get("clear", {}), "when": self.pick(whens).replace(">", "<")}
        return found

    def slow_window(self) -> dict[str, Any]:
        """Return a rule over hours or days."""
        if self.chance(0.6):
            return self.window()
        self.slow = True
        kind = self.pick(("nowcast", "vn_aqi", "antecedent_rain", "sum", "nesterov"))
        air = kind in ("nowcast", "vn_aqi")
        self.feeds = (*self.feeds, "air" if air else "sky")
        measure: dict[str, Any] = {kind: {"nowcast": "pm2_5", "vn_aqi": True, "nesterov": True}.get(kind, "rain_mm")}
        if self.chance(0.3):
            measure |= {"per": "device", "take": "max"}
        whens = ("m > 60", "m >= 100", "m < 40", "m > 5")
        return {"feed": "air" if air else "sky", "over": "12h" if air else self.pick(("2d", "3d")),
                "measure": {"m": measure}, "levels": self.levels(whens), **self.frame()}  # fmt: skip

    def change(self) -> dict[str, Any]:
        """Return a rule over differences."""
        whens = (
            "delta > 4",
            "delta >= 5",
            "delta < -4",
            "delta == 0.0",
            "rate > 300",
            "rate < 0 || delta > 4",
            "rate == 0.0",
        )
        return {"feed": "meter", "delta": "value", "rate": self.pick(("value", "other")), "levels": self.levels(whens),
                **self.frame()}  # fmt: skip

    def absence(self) -> dict[str, Any]:
        """Return a rule over silence."""
        found = {"feed": self.pick(("meter", "gauge", ["meter", "gauge"])), "levels": self.levels((None,)),
                 "absent": self.pick((f"{ABSENT}s", f"{ABSENT}s", {"for": f"{CLEAR}s", "field": "value"})),
                 "by": [self.pick(("device", "device", "zone"))], **self.frame(hold=False)}  # fmt: skip
        if self.chance(0.2):
            found["where"] = self.pick(('zone == "z1"', "critical"))
        return found

    def sequence(self) -> dict[str, Any]:
        """Return a rule over one thing after another."""
        self.feeds = ("meter", "gauge")
        wheres = (None, "value > 9", "value > 10", "other > 5", "up")
        steps = []
        for _ in range(self.pick((2, 2, 3))):
            where = self.pick(wheres)
            steps.append({"feed": self.pick(self.feeds), **({"where": where} if where else {})})
        levels = self.levels((None, None, "took > 5.0", "took <= 30.0"))
        found = {"sequence": steps, "within": f"{WITHIN}s", "levels": levels, **self.frame()}
        return (
            found
            if "hold" in found or all(level.get("for") != f"{FOR}s" for level in levels)
            else {**found, "hold": f"{HOLD}s"}
        )

    def near(self) -> dict[str, Any]:
        """Return a rule over clusters."""
        found = {"feed": "meter", "near": {"radius": "300m", "over": f"{WINDOW}s", "min": self.pick((2, 2, 3))},
                 "levels": self.levels((None, None, "n >= 3", "devices >= 2", "n < 2")), **self.frame()}  # fmt: skip
        if self.chance(0.3):
            found["by"] = self.pick((["zone"], ["feed"]))
        return found

    def zone(self) -> dict[str, Any]:
        """Return a rule over a place on the map."""
        place: dict[str, Any] = {"circle": [105.3, 20.8], "radius": "250m"}
        if self.chance(0.5):
            place = {"polygon": [[105.2995, 20.7995], [105.3025, 20.7995], [105.3025, 20.8008], [105.2995, 20.8008]]}
        if self.chance(0.6):
            place["margin"] = self.pick(("30m", "200m"))
        return {"feed": "meter", self.pick(("enter", "leave")): place, "levels": self.levels((None,)), **self.frame()}

    def over_alerts(self, number: int) -> dict[str, Any]:
        """Return a rule over other alerts; a later one may listen to an earlier."""
        wheres = (None, None, "rank >= 2", 'mode == "alert"', 'zone == "z1"', f'rule.endsWith("over{number - 1}")')
        where = self.pick(wheres)
        found: dict[str, Any] = {"feed": "alert", **({"where": where} if where else {})}
        if self.chance(0.2):
            return {**found, "near": {"radius": "500m", "over": f"{WINDOW}s", "min": 2}, "levels": self.levels((None,)),
                    **self.frame()}  # fmt: skip
        whens = ("firing >= 1", "firing >= 2", "rules >= 2", "devices > 1", "rank >= 3", "firing < 1")
        return {
            **found,
            "by": [self.pick(("device", "zone", "domain"))],
            "levels": self.levels(whens),
            **self.frame(hold=False),
        }


def random_history(seed: int) -> list[Item]:
    """Return the history of a seed."""
    return Maker(seed).history()
