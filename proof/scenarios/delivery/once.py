"""P3: stored once. Four senders repeat and contradict each other over both doors at once, with cuts and kills between.

Ids come from a small pool and each has several contents, so that repeats and conflicts are common. A cut connection
leaves its sender in the dark: it sends the same again, as devices do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mqtt_client.connection import Connection
from mqtt_client.packets import Station
from proof.harness.instance import Instance, add_device, running
from proof.harness.report import Profile, Report

PROMISE = "an event is stored once by its identity; other content under it is a dead letter and named in `rejected`"
DEVICE = "once"
PATH = "/api/v1/feeds/rainfall/events"
CONTENTS = 3
CUT_CHANCE = 0.2
ANSWER_SECONDS = 10.0
RETRY_SECONDS = 0.5
GIVE_UP_SECONDS = 60.0
BACK_SECONDS = 60.0
Claim = tuple[str, int]
"""(id, content)."""


@dataclass(frozen=True, slots=True)
class OnceSize:
    """How much of it."""

    ids: int = 150
    operations: int = 120
    """Of each of the four senders."""
    control_operations: int = 20


SIZES = {Profile.QUICK: OnceSize(), Profile.FULL: OnceSize(ids=1_000, operations=800, control_operations=60)}


@dataclass(slots=True)
class Said:
    """What the senders sent and heard."""

    sent: int = 0
    cuts: int = 0
    delivered: set[Claim] = field(default_factory=set)
    """Acknowledged by a door at least once."""
    accepted: int = 0
    duplicate: int = 0
    answers: list[tuple[Sequence[Claim], Mapping[int, str]]] = field(default_factory=list)
    """Of each answer over HTTP: what was in the body, and the reasons of what was rejected by its place."""
    errors: list[str] = field(default_factory=list)


def payload(claim: Claim) -> bytes:
    """Return the reading: its time follows from its id, so that the identity is the same at every door."""
    identifier, content = claim
    minute = int(identifier.rpartition("-")[2]) % 60
    members = {"id": identifier, "time": f"2026-01-02T03:{minute:02d}:00Z", "rain_mm": content}
    return json.dumps(members).encode()


@dataclass(slots=True)
class Senders:
    """Four senders with one device's key."""

    instance: Instance
    key: str
    seed: int
    size: OnceSize
    said: Said = field(default_factory=Said)

    async def run(self, part: str, operations: int) -> None:
        """Let the four send at once; ``part`` seeds what they send."""
        async with asyncio.timeout(GIVE_UP_SECONDS * 4), asyncio.TaskGroup() as group:
            group.create_task(self._over_http(part, "single", operations))
            group.create_task(self._over_http(part, "array", operations))
            group.create_task(self._over_http(part, "lines", operations))
            group.create_task(self._over_mqtt(part, operations))

    def _claims(self, dice: random.Random, most: int) -> list[Claim]:
        return [(f"e-{dice.randrange(self.size.ids)}", dice.randrange(CONTENTS)) for _ in range(dice.randint(1, most))]

    async def _over_http(self, part: str, form: str, operations: int) -> None:
        dice = random.Random(f"{self.seed}/{part}/{form}")
        for _ in range(operations):
            claims = self._claims(dice, 1 if form == "single" else 12)
            readings = [payload(claim) for claim in claims]
            body = {"single": readings[0], "array": b"[" + b",".join(readings) + b"]", "lines": b"\n".join(readings)}[
                form
            ]
            kind = "application/x-ndjson" if form == "lines" else "application/json"
            await self._until_answered(dice, claims, body, kind)

    async def _until_answered(self, dice: random.Random, claims: list[Claim], body: bytes, kind: str) -> None:
        request = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        while True:
            self.said.sent += len(claims)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    status, answer = await self._exchange(request, cut=dice.random() < CUT_CHANCE)
            except (OSError, EOFError, TimeoutError, ValueError):
                self.said.cuts += 1
                await asyncio.sleep(RETRY_SECONDS * dice.random())
                continue
            if status == 503:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if status != 202:
                self.said.errors.append(f"{status} {answer[:200]!r}")
                return
            self._heard(claims, json.loads(answer))
            return

    def _heard(self, claims: list[Claim], answer: Mapping[str, Any]) -> None:
        said = self.said
        said.delivered |= set(claims)
        said.accepted += answer["accepted"]
        said.duplicate += answer["duplicate"]
        said.answers.append((claims, {item["index"]: item["reason"] for item in answer["rejected"]}))
        if answer["accepted"] + answer["duplicate"] + len(answer["rejected"]) != len(claims):
            said.errors.append(f"{len(claims)} sent, answered {answer}")

    async def _exchange(self, request: bytes, *, cut: bool) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.instance.http_port)
        try:
            writer.write(request)
            await writer.drain()
            if cut:
                await asyncio.sleep(0)
                raise ConnectionAbortedError("cut on purpose")
            head = await reader.readuntil(b"\r\n\r\n")
            return int(head.split(b" ", 2)[1]), await reader.read()
        finally:
            writer.transport.abort()

    async def _over_mqtt(self, part: str, operations: int) -> None:
        """Publish in bursts; each burst is sent again, on a new connection, until all of it is acknowledged."""
        dice = random.Random(f"{self.seed}/{part}/mqtt")
        for _ in range(operations):
            waiting = dict(enumerate(self._claims(dice, 12), start=1))
            while waiting:
                try:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        await self._burst(waiting, cut=dice.random() < CUT_CHANCE)
                except (OSError, EOFError, TimeoutError):
                    self.said.cuts += 1
                    await asyncio.sleep(RETRY_SECONDS * dice.random())

    async def _burst(self, waiting: dict[int, Claim], *, cut: bool) -> None:
        connection = Connection(Station(DEVICE, self.key, self.instance.mqtt_port), clean_start=False)
        await connection.open()
        try:
            answers = []
            for number, claim in waiting.items():
                self.said.sent += 1
                answers.append(
                    connection.publish_and_wait(f"ioc/v1/rainfall/{DEVICE}", payload(claim), packet_id=number)
                )
            if cut:
                raise ConnectionAbortedError("cut on purpose")
            for number, answer in zip(list(waiting), answers, strict=True):
                await answer
                self.said.delivered.add(waiting.pop(number))
        finally:
            connection.abort()
            await asyncio.gather(*answers, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What the tables hold: the contents of each id, in order, and the claims that are dead letters as conflicts."""

    stored: Mapping[str, list[int]]
    conflicts: frozenset[Claim]
    other_reasons: frozenset[str]


async def look(instance: Instance) -> Found:
    """Read the tables."""
    stored: dict[str, list[int]] = defaultdict(list)
    async with instance.database() as connection:
        for row in await connection.fetch("SELECT id, data FROM event WHERE device = $1 ORDER BY position", DEVICE):
            stored[row["id"]].append(int(row["data"]["rain_mm"]))
        letters = await connection.fetch("SELECT reason, raw FROM dead_letter WHERE device = $1", DEVICE)
    conflicts = set()
    for row in letters:
        if row["reason"] == "conflict":
            members = json.loads(row["raw"])
            conflicts.add((members["id"], int(members["rain_mm"])))
    others = {row["reason"] for row in letters} - {"conflict"}
    return Found(stored, frozenset(conflicts), frozenset(others))


def judge(said: Said, found: Found) -> dict[str, Any]:
    """Compare what was sent and heard with what is there."""
    first = {identifier: contents[0] for identifier, contents in found.stored.items()}
    contradicted = {claim for claim in said.delivered if first.get(claim[0]) != claim[1]}
    unnamed = 0
    for claims, rejected in said.answers:
        for index, (identifier, content) in enumerate(claims):
            due = None if first.get(identifier) == content else "conflict"
            unnamed += rejected.get(index) != due
    return {
        "operations": said.sent,
        "cuts": said.cuts,
        "delivered": len(said.delivered),
        "distinct": len({identifier for identifier, _ in said.delivered}),
        "stored": sum(len(contents) for contents in found.stored.values()),
        "stored_twice": sum(len(contents) - 1 for contents in found.stored.values()),
        "lost": len({identifier for identifier, _ in said.delivered} - found.stored.keys()),
        "answered_duplicate": said.duplicate,
        "conflicts": len(contradicted),
        "conflicts_without_dead_letter": len(contradicted - found.conflicts),
        "answers_at_odds": unnamed,
        "other_dead_letters": sorted(found.other_reasons),
        "errors": said.errors[:5],
    }


FAULTS = ("stored_twice", "lost", "conflicts_without_dead_letter", "answers_at_odds", "other_dead_letters", "errors")


async def run_once(*, seed: int, size: OnceSize, operations: int, mutant: str | None = None) -> dict[str, Any]:
    """Send, kill both doors, send again, and compare."""
    async with running(mutant=mutant, mqtt_device_connects_per_minute=0, dead_letters_per_hour=0) as instance:
        async with instance.admin() as admin:
            key = await add_device(admin, DEVICE)
        senders = Senders(instance, key, seed, size)
        sending = asyncio.create_task(senders.run("first", operations))
        await asyncio.sleep(1.0)
        for role in ("api", "door"):
            pid = instance.role_pid(role)
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        await sending
        back = await instance.wait_until_back(BACK_SECONDS)
        await senders.run("first", operations // 2)  # the same once more: each of them a repeat
        figures = judge(senders.said, await look(instance))
        return {**figures, "back_without_a_hand": back}


async def prove(*, seed: int, size: OnceSize) -> Report:
    """Run the senders; the control tells repeats by each process's memory only."""
    report = Report("once", seed, PROMISE)
    facts = await run_once(seed=seed, size=size, operations=size.operations)
    control = await run_once(seed=seed, size=size, operations=size.control_operations, mutant="memory_dedupe")
    problems = [f"{name}: {facts[name]}" for name in FAULTS if facts[name]]
    if not facts["back_without_a_hand"]:
        problems.append("not everything came back by itself")
    report.facts = {"faults": facts["cuts"] + 2, "problems": problems, **facts}
    report.control = {"mutant": "memory_dedupe: repeats are told by memory only", **control}
    report.judge(
        held=not problems,
        evidence=min(facts["stored"], facts["answered_duplicate"], facts["conflicts"], facts["cuts"]) > 0,
        control_failed=control["stored_twice"] > 0,
    )
    return report
