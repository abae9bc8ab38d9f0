"""What the proof's devices say: numbered readings whose values swing across the limits of rules.

The id of a reading is its number and its values follow from it, so that what is found in the log can be compared with
what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FEED = "rainfall"
SWING_RULE = """\
rule: proof.swing
title: {vi: "Mưa dao động (kiểm chứng)", en: "Swinging rain (proof)"}
domain: disaster
feed: rainfall
by: [device]
levels:
  - {severity: low, when: 'rain_mm > 10.0'}
  - {severity: high, when: 'rain_mm > 20.0', for: 1s}
clear: {when: 'rain_mm < 5.0', for: 1s}
limit: {value: 10, unit: mm, source: "proof", verified: false}
summary:
  vi: "Mưa {rain_mm} mm tại {device}."
  en: "{rain_mm} mm of rain at {device}."
"""
"""A rule that opens, rises after a second and clears after a second: its timers live on ticks, across the kills."""


@dataclass(frozen=True, slots=True)
class SentReading:
    """One reading as it is sent."""

    id: str
    values: Mapping[str, Any]
    payload: bytes


def reading(number: int, *, period_readings: int) -> SentReading:
    """Return the reading of that number, measured now: calm and rain in turn, ``period_readings`` each."""
    rain = (0.0, 12.0, 0.0, 25.0)[number // period_readings % 4] + (number % 40) / 10
    values = {"rain_mm": rain, "rain_24h_mm": float(60 + number % 100)}
    identifier = str(number)
    body = {"id": identifier, "time": datetime.now(UTC).isoformat(), **values}
    return SentReading(identifier, values, json.dumps(body).encode())
