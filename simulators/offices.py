"""Sources that are no devices: agencies' systems, hotlines, registers. They report over HTTP with a feed's key."""

from __future__ import annotations

import heapq
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx2

from simulators.citizens import ACCEPTED, TIMEOUT_SECONDS
from simulators.feeds import Generator
from simulators.reading_id import ReadingIds
from simulators.roster import Device
from simulators.world import LOCAL_OFFSET, Moment

POLL_SECONDS = 0.5
RETRY_SECONDS = 5.0
FIRST_SPREAD_SECONDS = 0.2
"""Between the first words of two sources: all have spoken within seconds."""


@dataclass(slots=True)
class OfficeTally:
    """What became of their readings."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    last_refusal: str = ""


class Offices:
    """All such sources, in a thread of their own. A reading that no door took is made anew a little later."""

    def __init__(
        self, sources: Sequence[tuple[Device, Generator]], *, url: str, keys: Mapping[str, str], ids: ReadingIds,
        authority: Path | None = None,
    ) -> None:  # fmt: skip
        self.tally = OfficeTally()
        self._sources = sources
        self._url = url.rstrip("/")
        self._keys = keys
        self._ids = ids
        self._verify = ssl.create_default_context(cafile=authority) if authority is not None else True
        self._due = [(number * FIRST_SPREAD_SECONDS, number) for number in range(len(sources))]
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, seconds: Callable[[], float | None]) -> None:
        """Begin; ``seconds`` tells the scenario's time, None before it began."""
        self._thread = threading.Thread(target=self._run, args=(seconds,), name="offices", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; a request under way is given up after its time-out."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(TIMEOUT_SECONDS + 1)

    def _run(self, seconds: Callable[[], float | None]) -> None:
        with httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False, verify=self._verify) as client:
            while not self._stop.wait(POLL_SECONDS):
                now_seconds = seconds()
                while now_seconds is not None and self._due and self._due[0][0] <= now_seconds:
                    _, number = heapq.heappop(self._due)
                    pause = self._speak(client, number, now_seconds)
                    heapq.heappush(self._due, (now_seconds + pause, number))
                    if self._stop.is_set():
                        return

    def _speak(self, client: httpx2.Client, number: int, seconds: float) -> float:
        """Send one reading; return the scenario seconds until its source speaks again."""
        source, generator = self._sources[number]
        now = datetime.now(LOCAL_OFFSET)
        reading = generator.reading(Moment(seconds=seconds, now=now))
        if reading is None:
            return generator.pause_seconds()
        self.tally.sent += 1
        body = {"id": self._ids.next(), "time": now.isoformat(timespec="milliseconds"), **reading}
        try:
            response = client.post(
                f"{self._url}/api/v1/feeds/{source.feed}/events", json=body, params={"device": source.id},
                headers={"Authorization": f"Bearer {self._keys[source.feed]}"},
            )  # fmt: skip
        except httpx2.TransportError:
            return RETRY_SECONDS
        if response.status_code == ACCEPTED and not response.json().get("rejected"):
            self.tally.accepted += 1
            return generator.pause_seconds()
        self.tally.refused += 1
        self.tally.last_refusal = f"{source.feed}: {response.status_code} {response.text[:200]}"
        return RETRY_SECONDS if response.status_code != ACCEPTED else generator.pause_seconds()
