"""Yesterday: what each device would have measured on a calm day before the demo began, sent once as recorded history.

History is stored and charted, and no rule ever evaluates it live. A file says that it was sent, so that the next start
on the same data folder does not send another yesterday.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from simulators.citizens import ACCEPTED, RETRY_STATUSES, TIMEOUT_SECONDS, TRIES_MAX, pause_seconds
from simulators.feeds import make_generator
from simulators.roster import Device
from simulators.world import LOCAL_OFFSET, Moment, World

BACK = timedelta(hours=24)
STEP = timedelta(minutes=10)
"""As often as the city's stations report."""
STEP_MAX = timedelta(hours=1)
"""Of figures that come once a day too, so that their line has a day."""
CALM_SECONDS = 0.0
"""The scenario's time of every reading: yesterday nothing of today's story had begun."""
NDJSON = "application/x-ndjson"


@dataclass(slots=True)
class HistoryTally:
    """What became of yesterday's readings."""

    devices: int = 0
    accepted: int = 0
    refused: int = 0
    given_up: int = 0
    """Devices whose day no door took."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a device was heard: its readings of that time are in the log."""

    device: str
    first: datetime
    last: datetime

    def has(self, device: str, moment: datetime) -> bool:
        """Tell whether the device was heard at this moment."""
        return device == self.device and self.first <= moment <= self.last


def read_heard(path: Path) -> list[Span]:
    """Return the spans of a file (README.md); none where there is no such file."""
    try:
        items = json.loads(path.read_text(encoding="utf-8"))["heard"]
    except FileNotFoundError:
        return []
    return [
        Span(item["device"], datetime.fromisoformat(item["from"]), datetime.fromisoformat(item["to"])) for item in items
    ]


class History:
    """Sends yesterday from a thread of its own, device by device, beside the live readings."""

    def __init__(
        self, devices: Sequence[Device], *, world: World, url: str, keys: Mapping[str, str], sent_file: Path,
        authority: Path | None = None, heard: Sequence[Span] = (), plays: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        """``keys``: of feeds; only those may bring history. ``world`` must be a calm one.

        Of ``heard`` the log has other readings already: a calm one between them would not be true.
        """
        self.tally = HistoryTally()
        self._plays = plays or {}
        self._devices = [
            device
            for device in devices
            if device.feed in keys and make_generator(device, world, self._plays) is not None
        ]
        self._world = world
        self._url = url.rstrip("/")
        self._keys = keys
        self._sent_file = sent_file
        self._heard = heard
        self._verify = ssl.create_default_context(cafile=authority) if authority is not None else True
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, now: datetime) -> None:
        """Begin, unless it was sent before; yesterday ends a step before ``now``."""
        if self._sent_file.exists():
            return
        self._thread = threading.Thread(target=self._run, args=(now,), name="history", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; a request under way is given up after its time-out."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(TIMEOUT_SECONDS + 1)

    def _run(self, now: datetime) -> None:
        with httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False, verify=self._verify) as client:
            for device in self._devices:
                if self._stop.is_set():
                    return
                self._send(client, device, list(self.day_of(device, now)))
        if not self.tally.given_up:
            self._sent_file.write_text(json.dumps({"until": now.isoformat(), "readings": self.tally.accepted}) + "\n")

    def day_of(self, device: Device, now: datetime) -> Iterator[dict[str, object]]:
        """Yield what a device measured in the 24 hours before ``now``, oldest first."""
        generator = make_generator(device, self._world, self._plays)
        assert generator is not None, device.feed
        period = timedelta(seconds=self._plays.get(device.feed, {}).get("period_seconds", 0.0))
        step = min(max(STEP, period), STEP_MAX)
        moment = now.astimezone(LOCAL_OFFSET) - BACK
        while moment < now:
            reading = generator.reading(Moment(seconds=CALM_SECONDS, now=moment))
            if reading is not None and not any(span.has(device.id, moment) for span in self._heard):
                yield {"time": moment.isoformat(timespec="milliseconds"), **reading}
            moment += step

    def _send(self, client: httpx2.Client, device: Device, day: Sequence[Mapping[str, object]]) -> None:
        """Post one device's day until it is taken, or out of tries: live readings go first, so it may have to wait."""
        body = "\n".join(json.dumps(reading, ensure_ascii=False) for reading in day).encode()
        headers = {"Authorization": f"Bearer {self._keys[device.feed]}", "Content-Type": NDJSON}
        for attempt in range(TRIES_MAX):
            try:
                response = client.post(
                    f"{self._url}/api/v1/feeds/{device.feed}/events", content=body, headers=headers,
                    params={"device": device.id, "history": "true"},
                )  # fmt: skip
            except httpx2.TransportError:
                response = None
            if response is not None and response.status_code not in RETRY_STATUSES:
                answer = response.json() if response.status_code == ACCEPTED else {}
                self.tally.devices += 1
                self.tally.accepted += answer.get("accepted", 0) + answer.get("duplicate", 0)
                self.tally.refused += len(answer.get("rejected", ())) if answer else len(day)
                return
            if self._stop.wait(pause_seconds(response, attempt)):
                break
        self.tally.given_up += 1
