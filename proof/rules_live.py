"""P6 on a live house: rules of every kind, edited and killed meanwhile; alerts are those of the independent evaluator.

Each history brings rules of its own over the API, sends readings over HTTP until each is answered, and edits its rules
while processes die. Afterwards the log is read back: the independent evaluator (proof/reference.py) and a fold in one
go must both give the history of alerts that the house has kept. The control is an engine that after a crash takes its
snapshot and skips what came between it and its cursor.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx2

from ioc.domain.event import Entry, EntryKind
from ioc.packs.loader import load_pack
from ioc.store.engine import Database
from ioc.store.event_log import EventLog
from proof.aftermath import settle
from proof.checkers import refold
from proof.instance import Instance, InstanceError, add_device, running_with
from proof.live_histories import SECONDS, Act, Script, as_yaml, script, stamped
from proof.nemesis import OUTAGE, Nemesis
from proof.proofs import Profile
from proof.reference import evaluate
from proof.report import Report, bound_95

PROMISE = "alerts of rules of every kind are a function of the log, whatever is edited and whoever dies meanwhile"
VICTIMS = ("rules", "rules", "api", "backend", OUTAGE)
AT_ONCE = 5
SETTLE_SECONDS = 7.0
"""After the last reading, until every timer of a history has ended."""
ANSWER_SECONDS = 60.0
RETRY_SECONDS = 0.3
WHY = "proof"
HISTORY = """
SELECT a.rule, a.key, h.kind, h.severity, h.at, coalesce(h.reason, '') AS reason, h.position, a.opened_position
FROM alert_history h JOIN alert a ON a.id = h.alert WHERE h.actor IS NULL ORDER BY h.position, h.alert, h.number
"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Move = tuple[str, str, str, str, int, str, int]
"""(rule, key, kind, severity, microseconds, reason, position)."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it."""

    histories: int
    kills_each: int = 2
    """Kills while a group of histories runs."""
    mutant: str | None = None


SIZES = {Profile.QUICK: Size(10), Profile.FULL: Size(50)}


@dataclass(slots=True)
class Player:
    """Plays one history against an instance; whatever is not answered is asked again."""

    instance: Instance
    admin: httpx2.AsyncClient
    script: Script
    keys: dict[str, str] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)
    sent: int = 0
    edits: int = 0

    async def prepare(self) -> None:
        """Register devices and write rules."""
        for device, feed in self.script.devices:
            self.keys[device] = await add_device(self.admin, device, feed=feed)
        for rule in self.script.rules:
            body = {"yaml": as_yaml(rule), "why": WHY}
            answer = await self._ask("POST", "/api/v1/rules", body)
            assert answer.status_code in (201, 409), f"{rule['rule']}: {answer.text[:500]}"

    async def play(self) -> None:
        """Let everything happen at its moment."""
        began = time.monotonic()
        waiting = []
        for act in self.script.acts:
            await asyncio.sleep(max(0.0, began + act.at - time.monotonic()))
            waiting.append(asyncio.create_task(self._do(act)))
        await asyncio.gather(*waiting)

    async def end(self) -> None:
        """Take the rules out of force."""
        for rule in self.script.rules:
            answer = await self._ask("DELETE", f"/api/v1/rules/{rule['rule']}", {"why": WHY}, version=True)
            assert answer.status_code in (204, 404), answer.text[:500]

    async def _do(self, act: Act) -> None:
        if act.what == "send":
            feed, device, data, offset = act.data
            await self._send(feed, device, stamped(data, offset))
            return
        if act.what == "retire":
            self.retired.add(act.data)
            await self._change(f"/api/v1/devices/{act.data}", "PATCH", {"state": "retired"})
        elif act.what == "edit":
            identifier, body = act.data
            await self._change(f"/api/v1/rules/{identifier}", "PUT", {"yaml": as_yaml(body), "why": WHY})
        else:
            await self._change(f"/api/v1/rules/{act.data}/{act.what}", "POST", {"why": WHY})
        self.edits += 1

    async def _change(self, path: str, method: str, body: dict[str, Any]) -> None:
        answer = await self._ask(method, path, body, version=True)
        assert answer.status_code in (200, 409, 412), f"{method} {path}: {answer.status_code} {answer.text[:500]}"

    async def _send(self, feed: str, device: str, reading: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {self.keys[device]}"}
        answer = await self._ask("POST", f"/api/v1/feeds/{feed}/events", reading, headers=headers)
        if answer.status_code == HTTPStatus.UNAUTHORIZED and device in self.retired:
            return  # its key ended with it
        assert answer.status_code == HTTPStatus.ACCEPTED, f"{device}: {answer.text[:500]}"
        self.sent += answer.json()["accepted"]

    async def _ask(
        self, method: str, path: str, body: Any, *, headers: dict[str, str] | None = None, version: bool = False
    ) -> httpx2.Response:
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            with contextlib.suppress(httpx2.HTTPError):
                given = dict(headers or {})
                if version:
                    given |= await self._version(path)
                answer = await self.admin.request(method, path, json=body, headers=given)
                if answer.status_code < 500 and answer.status_code not in (412, 428, 429):
                    return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {path} was never answered")
            await asyncio.sleep(RETRY_SECONDS)

    async def _version(self, path: str) -> dict[str, str]:
        noun = "/".join(path.split("/")[:5])
        tag = (await self.admin.get(noun)).headers.get("ETag")
        return {"If-Match": tag} if tag else {}


@dataclass(frozen=True, slots=True)
class Compared:
    """What the house kept, beside what its log leads to."""

    kept: list[Move]
    reference: list[Move]
    fold_mismatches: int
    events: int
    late: int

    @property
    def mismatches(self) -> list[str]:
        """Return each difference from the independent evaluator."""
        kept, given = set(self.kept), set(self.reference)
        return [f"kept, not given by the log: {move}" for move in sorted(kept - given)] + [
            f"given by the log, not kept: {move}" for move in sorted(given - kept)
        ]


async def compare(instance: Instance) -> Compared:
    """Read everything back and work it out again, twice."""
    pack = load_pack(str(instance.data / "pack"), shapes=False)
    database = Database(instance.dsn, name="proof", connections_max=2, command_timeout_seconds=60.0)
    await database.open()
    try:
        async with database.connection() as connection:
            cursor = await connection.fetchval("SELECT position FROM cursor WHERE name = 'rules'")
            rows = await connection.fetch(HISTORY)
        entries = await _log(EventLog(database), cursor)
    finally:
        await database.close()
    kept = [
        (row["rule"], row["key"], row["kind"], row["severity"], _micros(row["at"]), row["reason"], row["position"])
        for row in rows
        if row["position"] <= cursor
    ]
    told = await asyncio.to_thread(evaluate, entries, pack.feeds, pack.zone)
    moves: dict[tuple[str, str, int], list[tuple[str, str, int]]] = {}
    for row in rows:
        alert = (row["rule"], row["key"], row["opened_position"])
        moves.setdefault(alert, []).append((row["kind"], row["severity"], row["position"]))
    folded = refold(entries, pack.feeds, pack.zone)
    return Compared(
        kept=kept,
        reference=[(one.rule, one.key, one.kind, one.severity, one.at, one.reason, one.position) for one in told],
        fold_mismatches=sum(folded.get(alert) != moves.get(alert) for alert in folded.keys() | moves.keys()),
        events=sum(entry.kind is EntryKind.EVENT for entry in entries),
        late=_late(entries),
    )


def _late(entries: Iterable[Entry]) -> int:
    newest: dict[str, datetime] = {}
    late = 0
    for entry in entries:
        if entry.event is not None:
            before = newest.get(entry.event.device, EPOCH)
            late += entry.event.effective < before
            newest[entry.event.device] = max(before, entry.event.effective)
    return late


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


async def _log(log: EventLog, until: int) -> list[Entry]:
    found: list[Entry] = []
    while not found or found[-1].position < until:
        after = (found[-1].position, found[-1].log_time) if found else (0, EPOCH)
        more = await log.read(*after, 5_000)
        if not more:
            break
        found += more
    return [entry for entry in found if entry.position <= until]


def _groups(count: int) -> list[range]:
    return [range(first, min(first + AT_ONCE, count)) for first in range(0, count, AT_ONCE)]


async def _round(size: Size, seed: int) -> dict[str, Any]:
    """Play the histories, a few at once, with kills among them; return the figures."""
    async with running_with({"snapshot_seconds": 4}, mutant=size.mutant, pack_rules=False) as instance:
        sent = edits = faults = unrecovered = 0
        for number, group in enumerate(_groups(size.histories)):
            async with instance.admin() as admin:
                players = [Player(instance, admin, script(one, seed)) for one in group]
                for player in players:
                    await player.prepare()
                nemesis = Nemesis(
                    instance,
                    seed + number,
                    victims=VICTIMS[number % len(VICTIMS) :] + VICTIMS,
                    pause_seconds=(1.0, 4.0),
                )
                killing = asyncio.create_task(nemesis.run(size.kills_each))
                await asyncio.gather(*(player.play() for player in players))
                await killing
                await asyncio.sleep(SETTLE_SECONDS)
                for player in players:
                    await player.end()
            sent += sum(player.sent for player in players)
            edits += sum(player.edits for player in players)
            faults += len(nemesis.kills)
            unrecovered += sum(kill.recovery_seconds is None for kill in nemesis.kills)
            print(f"rules_live: {min((number + 1) * AT_ONCE, size.histories)} histories", flush=True)
        stuck = ""
        try:
            await settle(instance)
        except InstanceError as error:
            stuck = str(error)
        compared = await compare(instance)
    kinds = sorted({move[0].rpartition("-")[2] for move in compared.kept})
    return {
        "histories": size.histories, "faults": faults, "unrecovered": unrecovered, "seconds_each": SECONDS,
        "events": compared.events, "acknowledged": sent, "late": compared.late, "edits": edits,
        "transitions": len(compared.kept), "kinds_that_alerted": kinds,
        "mismatches": len(compared.mismatches), "fold_mismatches": compared.fold_mismatches,
        "stuck": stuck, "differences": compared.mismatches[:20],
    }  # fmt: skip


async def prove(*, seed: int, size: Size) -> Report:
    """Play them; then a few with the engine that forgets."""
    report = Report("rules_live", seed, PROMISE)
    figures = await _round(size, seed)
    problems = [
        f"{name}: {figures[name]}"
        for name in ("mismatches", "fold_mismatches", "unrecovered", "stuck")
        if figures[name]
    ]
    report.facts = {**figures, "loss_per_fault_bound_95": bound_95(figures["faults"]), "problems": problems}
    control = await _round(Size(AT_ONCE, kills_each=3, mutant="forgetful"), seed)
    report.control = {"mutant": "forgetful", **control}
    report.judge(
        held=not problems,
        evidence=figures["transitions"] > 2 * size.histories and figures["faults"] > 0,
        control_failed=control["mismatches"] > 0 or bool(control["stuck"]),
    )
    return report
