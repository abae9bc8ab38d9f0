"""One rule of each kind that looks at more than one reading, and readings that make each of them fire."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

AREA, LAT, LON = "04795", 20.8272, 105.3383
HEAD = """\
rule: {id}
title: {{vi: "{vi}", en: "{en}"}}
domain: disaster
"""
TAIL = """
summary: {{vi: "{vi}: {value}", en: "{en}: {value}"}}
"""
BODIES = {
    "kind.window": ("Mưa dồn trong hai phút", "Rain adding up in two minutes", "{total} mm", """\
feed: rainfall
where: 'device.startsWith("kind-rain")'
by: [area]
over: 2m
measure:
  total: {sum: rain_mm, per: device, take: max}
levels:
  - {severity: high, when: 'total > 40.0'}
limit: {value: 40, unit: mm, source: "Cấu hình địa phương, chưa kiểm chứng", verified: false}"""),
    "kind.mean": ("Bụi mịn trung bình cao", "Mean of fine particles high", "{pm}", """\
feed: air_quality
where: 'device.startsWith("kind-air")'
over: 2m
measure:
  pm: {avg: pm2_5}
levels:
  - {severity: medium, when: 'pm > 60.0'}
  - {severity: high, when: 'pm > 80.0'}
limit: {value: 80, unit: "µg/m³", source: "QĐ 1459/QĐ-TCMT, mức Xấu", verified: true, valid_from: 2019-11-12}"""),
    "kind.absence": ("Trạm mưa mất tín hiệu", "Rain gauge silent", "{device}", """\
feed: rainfall
where: 'device.startsWith("kind-silent")'
absent: 3s
levels:
  - {severity: medium}"""),
    "kind.sequence": ("Mưa lớn rồi nước sông lên", "Heavy rain, then the river rises", "{area}", """\
sequence:
  - {feed: rainfall, where: 'rain_mm > 30.0 && device.startsWith("kind-")'}
  - {feed: river_level, where: 'level_cm > 1900.0 && device.startsWith("kind-")'}
within: 2h
by: [area]
levels:
  - {severity: critical}"""),
    "kind.near": ("Nhiều điểm Wi-Fi gần nhau cùng hỏng", "Several access points down close together", "{n}", """\
feed: public_wifi
where: 'up == false && device.startsWith("kind-wifi")'
near: {radius: 400m, over: 2h, min: 3}
levels:
  - {severity: low}
  - {severity: high, when: 'n >= 5'}"""),
    "kind.zone": ("Thiết bị đi vào vùng cấm", "Device in a closed place", "{device}", """\
feed: public_wifi
where: 'device == "kind-wifi-0"'
enter: {circle: [105.3383, 20.8272], radius: 300m, margin: 50m}
levels:
  - {severity: low}"""),
    "kind.together": ("Nhiều hiện tượng thiên tai cùng lúc", "Several disasters at once", "{rules}", """\
feed: alert
where: 'rule.startsWith("kind.") && rule != "kind.together" && domain == "disaster"'
by: [area]
levels:
  - {severity: critical, when: 'rules >= 2'}"""),
}  # fmt: skip


def text_of(identifier: str) -> str:
    """Return a rule's YAML."""
    vi, en, value, body = BODIES[identifier]
    return HEAD.format(id=identifier, vi=vi, en=en) + body + TAIL.format(vi=vi, en=en, value=value)


def fire(publisher: Callable[..., Any], *, readings: int = 8, every_seconds: float = 1.5) -> None:
    """Make each of them fire: ``publisher`` makes a device and returns what sends for it.

    Readings carry no time: they count as of now, so that panes fill only as time passes.
    """
    gauges = [publisher(f"kind-rain-{name}", "rainfall", lat=LAT, lon=LON) for name in "ab"]
    air, river = publisher("kind-air", "air_quality"), publisher("kind-river", "river_level")
    publisher("kind-silent", "rainfall").send(json.dumps({"rain_mm": 0.0}))
    for number in range(readings):
        gauges[0].send(json.dumps({"rain_mm": 2.0 + number}))
        gauges[1].send(json.dumps({"rain_mm": 4.0 + (32.0 if number == readings - 2 else number)}))
        air.send(json.dumps({"pm2_5": 45.0 + number * 12.0}))
        river.send(json.dumps({"level_cm": 1850.0}))
        time.sleep(every_seconds)
    river.send(json.dumps({"level_cm": 1960.0}))
    for number in range(5):
        point = publisher(f"kind-wifi-{number}", "public_wifi",
                          lat=LAT + (number % 3) * 0.0011, lon=LON + (number // 2) * 0.0013)  # fmt: skip
        point.send(json.dumps({"up": False}))
