"""The batcher: gathers what the doors prepare, commits it in groups, and only then lets them acknowledge.

While one batch commits the next gathers (group commit). The queue is bounded in rows and bytes: at the bound
:meth:`Pipeline.submit` raises, HTTP answers 503 and the MQTT door stops reading sockets.
A batch that cannot be committed is tried again until it can: nothing is acknowledged meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from ioc.domain.batch import BatchToken
from ioc.domain.event import NOT_KEPT, DeadLetter, Message, Outcome, Receipt
from ioc.errors import IntakePausedError, QueueFullError, StoreUnavailableError
from ioc.ingest.pipeline.backlog import Share
from ioc.ingest.pipeline.delivery import Bundle, Delivery, EventSink
from ioc.ingest.pipeline.preparation import Preparer
from ioc.runtime.clock import IOClock, LogClock
from ioc.runtime.liveness import TURN_SECONDS_MAX, Beat, no_beat
from ioc.runtime.metrics import Metrics, observe_all

RETRY_SECONDS = 0.5
COMMIT = "commit"
"""The pause that a failing commit makes by itself."""
OVERHEAD_BYTES = 512
"""What one waiting message costs beside its raw bytes, roughly."""
BUNDLE_ROWS_MAX = 128
"""A bundle that has so many events takes no more: batches are made of whole bundles."""
LINGER_ROWS = 500
"""A batch of so many rows does not wait: the commit costs only as much as fifty rows, so more would save little."""
LINGER_STEP_SECONDS = 0.001
"""A batch that nothing joins for so long stops waiting."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a batch and the queue may grow."""

    batch_rows: int
    batch_seconds: float
    queue_rows_max: int
    queue_bytes_max: int


class Pipeline:
    """The queue between the doors of one process and the log."""

    def __init__(
        self, *, preparer: Preparer, sink: EventSink, log_clock: LogClock, io_clock: IOClock, metrics: Metrics,
        bounds: Bounds, share: Share | None = None, beat: Beat = no_beat,
    ) -> None:  # fmt: skip
        self._preparer = preparer
        self._sink = sink
        self._log_clock = log_clock
        self._io_clock = io_clock
        self._metrics = metrics
        self._bounds = bounds
        self._beat = beat
        self._bundle_rows_max = min(BUNDLE_ROWS_MAX, bounds.batch_rows)
        self.share = share or Share(None, metrics)
        """What backlogs may send: a door asks it before it submits for a lane."""
        self.share.attach(self)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: deque[Bundle] = deque()
        self._rows = 0
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._empty = asyncio.Event()
        self._stopping = False
        metrics.ingest_queue_bytes.set_function(lambda: self._bytes)  # asked at a scrape, not set at every event
        self._paused: dict[str, str] = {}
        self.failing_since: float | None = None
        """Monotonic seconds since which commits fail, or None: readiness asks."""

    def pause(self, reason: str, why: str) -> None:
        """Take nothing more until :meth:`resume`: what is queued is committed, if that is possible."""
        self._paused[reason] = why
        self._metrics.intake_paused.labels(reason).set(1)

    def resume(self, reason: str) -> None:
        """End one pause; the intake goes on after the last one."""
        if self._paused.pop(reason, None) is not None:
            self._metrics.intake_paused.labels(reason).set(0)
            self._room.set()

    @property
    def paused(self) -> Mapping[str, str]:
        """Why nothing is taken now, by reason; empty while it is."""
        return self._paused

    @property
    def has_room(self) -> bool:
        """Tell whether another delivery may be submitted."""
        return (
            not self._paused and self._rows < self._bounds.queue_rows_max and self._bytes < self._bounds.queue_bytes_max
        )

    @property
    def rows(self) -> int:
        """How many events wait for their commit."""
        return self._rows

    async def wait_for_room(self) -> None:
        """Return when there is room again (the MQTT door reads no socket meanwhile)."""
        while not self.has_room:
            self._room.clear()
            await self._room.wait()

    def submit(self, delivery: Delivery) -> asyncio.Future[list[Receipt]]:
        """Queue a delivery; the future holds one receipt per event once they are committed.

        Raises:
            QueueFullError: the queue is at its bound, or the process is stopping. Nothing was taken.
        """
        return self.add(delivery).done

    def submit_letter(self, letter: DeadLetter) -> asyncio.Future[list[Receipt]]:
        """Queue what a door itself refused (a foreign topic, a body past its bound), to be kept with its reason.

        Raises:
            QueueFullError: as :meth:`submit`.
        """
        return self.add_letter(letter).done

    def add(self, delivery: Delivery, bundle: Bundle | None = None) -> Bundle:
        """Queue a delivery: in ``bundle``, its sender's last, while that is open and has room, else in a new one.

        Raises:
            QueueFullError: as :meth:`submit`.
        """
        self.check_room(delivery.door)
        items = self._preparer.prepare(delivery)
        if delivery.lane is not None:
            self.share.note(delivery.lane, items, delivery.received_at, delivery.door)
        return self._add(items, len(delivery.body), bundle)

    def add_letter(self, letter: DeadLetter, bundle: Bundle | None = None) -> Bundle:
        """Queue what a door itself refused, as :meth:`add`.

        Raises:
            QueueFullError: as :meth:`submit`.
        """
        self.check_room(letter.door)
        return self._add([letter], len(letter.raw), bundle)

    def count_held(self, door: str) -> None:
        """Count a sender that was told to come back because it catches up."""
        self._metrics.ingest_backlog_held.labels(door).inc()

    def check_room(self, door: str) -> None:
        """Do nothing while another delivery may be submitted.

        Raises:
            IntakePausedError: the intake is paused; it says why.
            QueueFullError: the queue is at its bound, or the process is stopping.
        """
        for reason, why in self._paused.items():
            self._metrics.ingest_full.labels(door).inc()
            raise IntakePausedError(f"{reason}: {why}", reason=reason)
        if self._stopping or not self.has_room:
            self._metrics.ingest_full.labels(door).inc()
            raise QueueFullError("the intake is full; come back in a moment")

    def _add(self, items: list[Message | DeadLetter], body_bytes: int, bundle: Bundle | None) -> Bundle:
        count = len(items)
        if bundle is None or not bundle.is_open or len(bundle.items) + count > self._bundle_rows_max:
            if self._loop is None:  # asking for it is a system call, so it is asked once
                self._loop = asyncio.get_running_loop()
            bundle = Bundle(self._loop.create_future())
            self._queue.append(bundle)
            self._arrived.set()
        size = body_bytes + OVERHEAD_BYTES * count
        bundle.items += items
        bundle.size += size
        self._rows += count
        self._bytes += size
        return bundle

    async def run(self) -> None:
        """Commit batches until cancelled. Cancel only after :meth:`stop`."""
        while True:
            self._beat()
            if not self._queue and not await self._something_came():
                continue
            await self._gather()
            await self._commit(self._take())

    async def _something_came(self) -> bool:
        """Wait for something to commit, and not too long to beat in between."""
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TURN_SECONDS_MAX):
                await self._arrived.wait()
        return bool(self._queue)

    async def _gather(self) -> None:
        """Let a small batch grow as long as more comes, at most ``batch_seconds``.

        A lone event is committed after one step. When all senders wait for their acknowledgements nothing more comes,
        so they wait one step too.
        """
        seen = 0
        for _ in range(round(self._bounds.batch_seconds / LINGER_STEP_SECONDS)):
            if self._rows == seen or self._rows >= min(LINGER_ROWS, self._bounds.batch_rows) or self._stopping:
                return
            seen = self._rows
            await asyncio.sleep(LINGER_STEP_SECONDS)

    async def stop(self, deadline_seconds: float) -> None:
        """Refuse new deliveries and wait until the queue is empty, at most ``deadline_seconds``."""
        self._stopping = True
        if self._rows:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), deadline_seconds)
        _fail(self._queue)

    def _take(self) -> list[Bundle]:
        bundles: list[Bundle] = []
        rows = 0
        while self._queue and (not bundles or rows + len(self._queue[0].items) <= self._bounds.batch_rows):
            bundle = self._queue.popleft()
            bundle.is_open = False
            rows += len(bundle.items)
            bundles.append(bundle)
        return bundles

    async def _commit(self, bundles: list[Bundle]) -> None:
        items = [item for bundle in bundles for item in bundle.items]
        started = self._io_clock.seconds()
        try:
            receipts = await self._append(items)
        except BaseException:
            # Cancelled, or failed beyond repair: whoever waits for it must learn that it was not committed.
            _fail(bundles)
            raise
        self._count(items, receipts)
        start = 0
        for bundle in bundles:
            end = start + len(bundle.items)
            if not bundle.done.done():
                bundle.done.set_result(receipts[start:end])
            start = end
            self._rows -= len(bundle.items)
            self._bytes -= bundle.size
        self._room.set()
        self.share.committed(len(items), self._io_clock.seconds() - started)
        if not self._rows:
            self._empty.set()

    async def _append(self, items: Sequence[Message | DeadLetter]) -> list[Receipt]:
        receipts: list[Receipt] | None = None
        token = BatchToken()
        while receipts is None:
            started = self._io_clock.seconds()
            self._beat()
            try:
                receipts = await self._sink.append(items, self._log_clock.now(), token=token)
            except StoreUnavailableError as error:
                if self.failing_since is None:
                    self.failing_since = started
                    structlog.get_logger().warning("append_failed", rows=len(items), error=str(error))
                    # No more may pile up behind it: an HTTP sender hears 503 at once instead of after its deadline.
                    self.pause(COMMIT, "the database does not commit")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._metrics.ingest_commit_seconds.observe(self._io_clock.seconds() - started)
        self.failing_since = None
        self.resume(COMMIT)
        return receipts

    def _count(self, items: Sequence[Message | DeadLetter], receipts: Sequence[Receipt]) -> None:
        # Summed up first: to find a labelled metric is the dearest step here, and a batch has few different labels.
        stored: Counter[tuple[str, str]] = Counter()
        others: Counter[tuple[str, str, Outcome]] = Counter()
        letters: Counter[tuple[str, str, bool]] = Counter()
        lags: defaultdict[str, list[float]] = defaultdict(list)
        for item, receipt in zip(items, receipts, strict=True):
            if receipt.outcome is Outcome.STORED and type(item) is Message:
                stored[item.feed, item.door] += 1
                if item.time is not None:
                    lags[item.feed].append(max((item.received_at - item.time).total_seconds(), 0.0))
                continue
            # A refused message may name a feed that does not exist: a label is a feed that the pack has.
            feed = item.feed if item.feed is not None and item.feed in self._preparer.feeds else "unknown"
            if receipt.outcome is Outcome.REFUSED:
                letters[feed, receipt.reason or "unknown", NOT_KEPT in receipt.flags] += 1
            others[feed, item.door, receipt.outcome] += 1
        for feed, seconds in lags.items():
            observe_all(self._metrics.ingest_lag_seconds.labels(feed), seconds)
        for (feed, door), count in stored.items():
            self._metrics.ingest_events.labels(feed, door, Outcome.STORED).inc(count)
        for labels, count in others.items():
            self._metrics.ingest_events.labels(*labels).inc(count)
        for (feed, reason, is_over), count in letters.items():
            counter = self._metrics.dead_letters_over if is_over else self._metrics.dead_letters
            counter.labels(feed, reason).inc(count)


def _fail(bundles: Iterable[Bundle]) -> None:
    for bundle in bundles:
        bundle.is_open = False
        if not bundle.done.done():
            bundle.done.set_exception(StoreUnavailableError("stopped before it was committed"))
