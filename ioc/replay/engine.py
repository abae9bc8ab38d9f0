"""The replay itself: read, wait for each reading's turn, send in batches, count what became of them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx2
import orjson

from ioc.domain.moment import format_time
from ioc.errors import InvalidInputError
from ioc.replay.door import TIMEOUT_SECONDS, Answer, DoorClient
from ioc.replay.mapping import resolve_columns
from ioc.replay.options import ReplayOptions
from ioc.replay.reading import BadRow, EmptyRow, RecordedReading, RecordReader, find_time_column
from ioc.replay.report import Report
from ioc.replay.result import REASONS_MAX, Progress, ReplayResult
from ioc.replay.source import RecordSource, fingerprint
from ioc.replay.timing import Timing, plan_timing

BATCH_BYTES = 1 << 20
GATHER_SECONDS = 0.05
"""Readings due within this time of one another travel together."""
PROGRESS_SECONDS = 1.0
TROUBLES_TOLD_MAX = 20


def utc_now() -> datetime:
    """Return the wall clock's time; only a shifted replay asks for it."""
    return datetime.now(UTC)


@dataclass(slots=True)
class _Run:
    """One replay under way."""

    options: ReplayOptions
    reader: RecordReader
    timing: Timing
    digest: str
    door: DoorClient
    report: Report
    progress: Progress
    reasons: list[str] = field(default_factory=list)
    troubles: int = 0
    batch: list[tuple[RecordedReading, bytes]] = field(default_factory=list)
    batch_bytes: int = 0

    async def play(self) -> None:
        """Send every reading at its turn."""
        async for reading in self._due_readings():
            body = self._body(reading)
            self.batch.append((reading, body))
            self.batch_bytes += len(body)
            if len(self.batch) >= self.options.batch_events or self.batch_bytes >= BATCH_BYTES:
                await self._flush()
        await self._flush()

    async def _due_readings(self) -> AsyncIterator[RecordedReading]:
        """Return readings as their turn comes; what is waiting in the batch is sent before a wait."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for item in self.reader.readings():
            self.progress.rows += 1
            if isinstance(item, EmptyRow):
                self.progress.empty += 1
            elif isinstance(item, BadRow):
                self.progress.bad += 1
                self._tell(item.line, item.problem)
            else:
                due = start + self.timing.due_seconds(item)
                if due - loop.time() > GATHER_SECONDS:
                    await self._flush()
                    await self._wait_until(due)
                yield item

    async def _wait_until(self, due: float) -> None:
        """Wait for a reading's turn, telling the progress every second."""
        loop = asyncio.get_running_loop()
        while (left := due - loop.time()) > 0:
            await asyncio.sleep(min(left, PROGRESS_SECONDS))
            self.report.progress(self.progress)

    def _body(self, reading: RecordedReading) -> bytes:
        """Return the reading as JSON; the id names file and row, so that a second replay is all duplicates."""
        time = format_time(self.timing.time(reading))
        return orjson.dumps({"id": f"{self.digest}:{reading.row}", "time": time, **reading.values})

    async def _flush(self) -> None:
        """Send what was gathered and count the answer."""
        if not self.batch:
            return
        gathered, self.batch, self.batch_bytes = self.batch, [], 0
        answer = await self.door.send([body for _, body in gathered])
        self.progress.sent += len(gathered)
        self._count(answer, [reading for reading, _ in gathered])
        self.report.progress(self.progress)

    def _count(self, answer: Answer, readings: list[RecordedReading]) -> None:
        self.progress.stored += answer.stored
        self.progress.duplicate += answer.duplicate
        self.progress.rejected += len(answer.rejected)
        for rejection in answer.rejected:
            line = readings[rejection.index].line if rejection.index < len(readings) else 0
            self._tell(line, f"{rejection.reason}: {rejection.detail}".rstrip(": "))

    def _tell(self, line: int, problem: str) -> None:
        """Keep the first reasons and tell a few more as they come; the rest only count."""
        text = f"{self.options.file}:{line}: {problem}"
        if len(self.reasons) < REASONS_MAX:
            self.reasons.append(text)
        self.troubles += 1
        if self.troubles <= TROUBLES_TOLD_MAX:
            self.report.trouble(text)
        elif self.troubles == TROUBLES_TOLD_MAX + 1:
            self.report.trouble("further bad rows are only counted")

    def wait_told(self, why: str, seconds: float) -> None:
        """Tell that the door takes nothing now."""
        self.progress.waits += 1
        self.report.trouble(f"the door takes nothing ({why}); again in {seconds:g} s")


def _open_reader(options: ReplayOptions) -> RecordReader:
    """Open the file and join its columns to the options.

    Raises:
        InvalidInputError: the file cannot be read, or a column is not there.
    """
    source = RecordSource(options.file)
    return RecordReader(
        source=source,
        mappings=resolve_columns(options.columns, source.columns, strict=not source.ndjson),
        time_column=find_time_column(options.time_column, source.columns),
        time_format=options.time_format,
    )


async def replay(
    options: ReplayOptions,
    *,
    report: Report,
    now: Callable[[], datetime] = utc_now,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> ReplayResult:
    """Replay a recorded file through the HTTP door and return what became of its rows.

    ``report`` hears how it goes; ``now`` is asked once, for a shifted replay; ``transport`` replaces the network
    in tests. Memory stays bounded by one batch, whatever the file's size.

    Raises:
        InvalidInputError: the file, a column, the time or the address cannot be used.
        UnauthenticatedError, ForbiddenError, NotFoundError: the door does not know the key, the feed or the device.
        ServiceUnreachableError: the door was away or full for longer than ``options.give_up_seconds``.
    """
    reader = _open_reader(options)
    print_of = fingerprint(options.file)
    rows_expected = max(0, print_of.lines - (0 if reader.source.ndjson else 1))
    progress = Progress(rows_expected=rows_expected)
    loop = asyncio.get_running_loop()
    started = loop.time()
    plan = plan_timing(reader, speed=options.speed, paced=options.paced, shift=options.shift, now=now())
    if plan is None:
        raise InvalidInputError(f"{options.file}: no row has a time and a value for these columns", field="column")
    verify = ssl.create_default_context(cafile=options.authority) if options.authority is not None else True
    async with httpx2.AsyncClient(
        timeout=TIMEOUT_SECONDS, transport=transport, trust_env=False, verify=verify
    ) as client:
        door = DoorClient(
            client=client,
            url=options.url,
            feed=options.feed,
            key=options.key,
            device=options.device,
            history=options.history,
            give_up_seconds=options.give_up_seconds,
        )
        run = _Run(options, reader, plan, print_of.digest, door, report, progress)
        door.waiting = run.wait_told
        report.begin(f"{options.file.name} to {options.feed}", rows_expected)
        try:
            await run.play()
        finally:
            # Also when broken off: the count so far says where a second replay will only find duplicates.
            result = ReplayResult.of(progress, seconds=loop.time() - started, reasons=tuple(run.reasons))
            report.end(result)
    return result
