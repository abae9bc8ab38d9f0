"""Each kind of rule that tells how things are now, played second by second, and what it must tell, counted apart.

What the rules make of the readings is made here a second time, from what was acknowledged alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ioc.domain.moment import LOCAL_ZONE
from tests.browser.kinds import LAT, LON

HEAD = """\
rule: {id}
title: {{vi: "{vi}", en: "{vi}"}}
domain: disaster
"""
TAIL = """
summary: {{vi: "{vi}: {{{value}}}; kiểm tra.", en: "{vi}: {{{value}}}; check."}}
"""
BODIES = {
    "now.window": ("Mưa cộng dồn của cụm thử", "total", """\
feed: rainfall
where: 'device.startsWith("now-rain")'
by: [area]
over: 10m
measure: {total: {sum: rain_mm, per: device, take: max}}
levels: [{severity: high, when: 'total > 1.0'}]"""),
    "now.mean": ("Bụi mịn trung bình của trạm thử", "pm", """\
feed: air_quality
where: 'device == "now-air"'
over: 10m
measure: {pm: {avg: pm2_5}}
levels: [{severity: high, when: 'pm > 1.0'}]"""),
    "now.change": ("Bụi thô đổi nhanh ở trạm thử", "delta", """\
feed: air_quality
where: 'device == "now-air"'
by: [device]
delta: pm10
levels: [{severity: high, when: 'delta > 1.0'}]"""),
    "now.near": ("Nhiều điểm Wi-Fi thử gần nhau cùng hỏng", "n", """\
feed: public_wifi
where: 'up == false && device.startsWith("now-wifi")'
near: {radius: 400m, over: 2h, min: 2}
levels: [{severity: high, when: 'n > 1'}]"""),
    "now.together": ("Nhiều hiện tượng thử cùng lúc", "rules", """\
feed: alert
where: 'rule.startsWith("now.") && rule != "now.together"'
by: [area]
levels: [{severity: high, when: 'rules > 1'}]"""),
    "now.silent": ("Trạm mưa thử mất tín hiệu", "device", """\
feed: rainfall
where: 'device == "now-quiet"'
absent: 3s
levels: [{severity: high}]"""),
}  # fmt: skip
POINTS = 6
POINT_EVERY = 5
"""A further access point breaks at every so many steps."""


def text_of(name: str) -> str:
    """Return a rule's YAML."""
    vi, value, body = BODIES[name]
    return HEAD.format(id=name, vi=vi) + body + TAIL.format(vi=vi, value=value)


class KindsNow:
    """The devices of these rules, and what each rule must tell after each step."""

    def __init__(self, publisher: Callable[..., Any]) -> None:
        self._rain = [publisher(f"now-rain-{name}", "rainfall") for name in "ab"]
        self._publisher = publisher
        self._air = publisher("now-air", "air_quality")
        self._wifi = [
            publisher(f"now-wifi-{number}", "public_wifi", lat=LAT + number * 0.0004, lon=LON)
            for number in range(POINTS)
        ]
        self._sums = [0.0, 0.0]
        self._means: list[float] = []
        self._coarse: list[float] = []

    def send(self, step: int, hear: Callable[[str, float], None]) -> None:
        """Send one step; ``hear`` is told what each rule must tell from now on, after each acknowledgement."""
        for number, gauge in enumerate(self._rain):
            rain = round(0.4 + ((step * (3 + number)) % 7) * 0.3, 1)
            gauge.send(json.dumps({"rain_mm": rain}))
            self._sums[number] += rain
            hear("now.window", round(max(self._sums), 1))
        self._means.append(20.0 + (step * 11) % 40)
        self._coarse.append((self._coarse or [40.0])[-1] + 2.0 + step % 4)
        self._air.send(json.dumps({"pm2_5": self._means[-1], "pm10": self._coarse[-1]}))
        hear("now.mean", sum(self._means) / len(self._means))
        if step > 0:
            hear("now.change", self._coarse[-1] - self._coarse[-2])
        if step % POINT_EVERY == 0 and step // POINT_EVERY < POINTS:
            self._wifi[step // POINT_EVERY].send(json.dumps({"up": False}))
            hear("now.near", 1.0 + step // POINT_EVERY)
        if step == 0:
            # One reading and never again: its alert says when that was. Made only here: of a gauge that was silent
            # while the pages opened there is an alert already, which this reading ends.
            self._publisher("now-quiet", "rainfall").send(json.dumps({"rain_mm": 0.0}))
            hear("now.silent", float(datetime.now(LOCAL_ZONE).minute))
