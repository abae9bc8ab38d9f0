"""Citizens on HTTP: a thread that posts each report through the HTTP door, and again until it is accepted."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import httpx2

from simulators.feeds.citizen_report import Reading
from simulators.reading_id import ReadingIds
from simulators.world import LOCAL_OFFSET, Moment

FEED = "citizen_report"
POLL_SECONDS = 0.5
TIMEOUT_SECONDS = 5.0
RETRY_FIRST_SECONDS = 1.0
RETRY_MAX_SECONDS = 20.0
TRIES_MAX = 30
ACCEPTED = 202
RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(slots=True)
class ReportTally:
    """What became of the citizens' reports."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    dropped: int = 0
    last_refusal: str = ""


class Teller(Protocol):
    """Knows which report is due."""

    def reading(self, moment: Moment) -> Reading | None:
        """Return the report that is due, or None when none is."""
        ...


class Citizens:
    """All citizens: asks the generator what is due and posts it with the feed's key."""

    def __init__(
        self, generator: Teller, *, url: str, key: str, device: str, ids: ReadingIds, authority: Path | None = None
    ) -> None:  # fmt: skip
        self._verify = ssl.create_default_context(cafile=authority) if authority is not None else True
        self.tally = ReportTally()
        self._generator = generator
        self._url = f"{url.rstrip('/')}/api/v1/feeds/{FEED}/events"
        self._params = {"device": device}
        self._headers = {"Authorization": f"Bearer {key}"}
        self._ids = ids
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, seconds: Callable[[], float | None]) -> None:
        """Start posting; ``seconds`` tells the scenario's time, None before it began."""
        self._thread = threading.Thread(target=self._run, args=(seconds,), name="citizens", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; a report under way is given up after its time-out."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(TIMEOUT_SECONDS + 1)

    def _run(self, seconds: Callable[[], float | None]) -> None:
        with httpx2.Client(
            headers=self._headers, timeout=TIMEOUT_SECONDS, trust_env=False, verify=self._verify
        ) as client:
            while not self._stop.wait(POLL_SECONDS):
                now_seconds = seconds()
                if now_seconds is None:
                    continue
                now = datetime.now(LOCAL_OFFSET)
                reading = self._generator.reading(Moment(seconds=now_seconds, now=now))
                if reading is not None:
                    self._post(client, reading, now)

    def _post(self, client: httpx2.Client, reading: Reading, now: datetime) -> None:
        """Post one report until it is accepted, refused for good, or out of tries."""
        self.tally.sent += 1
        body = {"id": self._ids.next(), "time": now.isoformat(timespec="milliseconds"), **reading}
        for attempt in range(TRIES_MAX):
            try:
                response = client.post(self._url, params=self._params, json=body)
            except httpx2.TransportError:
                response = None
            if response is not None and response.status_code not in RETRY_STATUSES:
                self._count(response)
                return
            if self._stop.wait(pause_seconds(response, attempt)):
                break
        self.tally.dropped += 1

    def _count(self, response: httpx2.Response) -> None:
        """Count the door's answer; a 202 may still have rejected the one report."""
        rejected = response.json().get("rejected", []) if response.status_code == ACCEPTED else True
        if rejected:
            self.tally.refused += 1
            self.tally.last_refusal = f"{response.status_code} {response.text[:200]}"
        else:
            self.tally.accepted += 1


def pause_seconds(response: httpx2.Response | None, attempt: int) -> float:
    """Return the wait before the next try: what the door asked for, else doubling, bounded either way."""
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    pause = float(asked) if asked.isdigit() else RETRY_FIRST_SECONDS * 2 ** min(attempt, 10)
    return min(RETRY_MAX_SECONDS, pause)
