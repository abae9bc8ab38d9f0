"""A system that sends batches over HTTP and repeats each until it is answered 202."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx2

from proof.harness.readings import FEED, SentReading
from proof.harness.recorder import Recorder

BATCH = 5
RETRY_SECONDS = 0.2
ANSWER_SECONDS = 15.0
UNANSWERED = (408, 429, 500, 502, 503, 504)


class HTTPWriter:
    """One sender with a device's key: a batch at a time, the same bytes again until they are accepted."""

    def __init__(
        self,
        url: str,
        *,
        device: str,
        key: str,
        make: Callable[[int], SentReading],
        per_second: float,
        recorder: Recorder,
    ) -> None:
        self._url = f"{url}/api/v1/feeds/{FEED}/events"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._device = device
        self._make = make
        self._pause_seconds = BATCH / per_second
        self._recorder = recorder
        self._number = 0
        self._measuring = True
        self.waiting = 0
        """Readings sent and not accepted yet."""
        self.retries = 0

    def stop_measuring(self) -> None:
        """Begin no new batch; the one under way is still repeated."""
        self._measuring = False

    async def run(self) -> None:
        """Send until stopped."""
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS) as client:
            while self._measuring:
                batch = [self._make(self._number + offset) for offset in range(1, BATCH + 1)]
                self._number += BATCH
                self.waiting = len(batch)
                for made in batch:
                    self._recorder.note("invoke", self._device, made.id, values=made.values)
                await self._deliver(client, batch)
                self.waiting = 0
                await asyncio.sleep(self._pause_seconds)

    async def _deliver(self, client: httpx2.AsyncClient, batch: list[SentReading]) -> None:
        body = b"[" + b",".join(made.payload for made in batch) + b"]"
        while True:
            try:
                response = await client.post(self._url, content=body, headers=self._headers)
            except httpx2.HTTPError:
                status, answer = 503, {}
            else:
                status, answer = response.status_code, _read(response)
            if status in UNANSWERED:
                self.retries += 1
                for made in batch:
                    self._recorder.note("info", self._device, made.id)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            refused = {item["index"] for item in answer.get("rejected", ())}
            for index, made in enumerate(batch):
                fine = status == 202 and index not in refused
                self._recorder.note("ok" if fine else "fail", self._device, made.id, status=status)
            return


def _read(response: httpx2.Response) -> dict[str, list[dict[str, int]]]:
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
