"""P6 on a live instance: rules of every kind, edited and killed meanwhile; its alerts are the independent evaluator's.

Each history brings rules of its own over the API, sends readings over HTTP until each is answered, and edits its rules
while processes die. Afterwards the log is read back: the independent evaluator (proof/evaluator) and a fold in one
go must both give the history of alerts that the store has. The control is an engine that after a crash takes its
snapshot and skips what came between it and its cursor.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx2

from ioc.packs.loader import load_pack
from proof.checkers.stored_alerts import compare
from proof.checkers.stored_tables import settle
from proof.harness.instance import Instance, InstanceError, add_device, running_with
from proof.harness.nemesis import OUTAGE, Nemesis
from proof.harness.report import Profile, Report, bound_95
from proof.histories.live_history import SECONDS, Act, Script, as_yaml, script, stamped

PROMISE = "alerts of rules of every kind are a function of the log, whatever is edited and whoever dies meanwhile"
VICTIMS = ("rules", "rules", "api", "backend", OUTAGE)
AT_ONCE = 5
SETTLE_SECONDS = 7.0
"""After the last reading, until every timer of a history has ended."""
ANSWER_SECONDS = 60.0
RETRY_SECONDS = 0.3
WHY = "proof"


@dataclass(frozen=True, slots=True)
class RulesLiveSize:
    """How much of it."""

    histories: int
    kills_each: int = 2
    """Kills while a group of histories runs."""
    mutant: str | None = None


SIZES = {Profile.QUICK: RulesLiveSize(10), Profile.FULL: RulesLiveSize(50)}


@dataclass(slots=True)
class HistoryPlayer:
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


def _groups(count: int) -> list[range]:
    return [range(first, min(first + AT_ONCE, count)) for first in range(0, count, AT_ONCE)]


async def _round(size: RulesLiveSize, seed: int) -> dict[str, Any]:
    """Play the histories, a few at once, with kills among them; return the figures."""
    async with running_with({"snapshot_seconds": 4}, mutant=size.mutant, pack_rules=False) as instance:
        sent = edits = faults = unrecovered = 0
        for number, group in enumerate(_groups(size.histories)):
            async with instance.admin() as admin:
                players = [HistoryPlayer(instance, admin, script(one, seed)) for one in group]
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
        pack = load_pack(str(instance.data / "pack"), shapes=False)
        compared = await compare(instance.dsn, pack.feeds, pack.zone)
    kinds = sorted({move[0].rpartition("-")[2] for move in compared.kept})
    return {
        "histories": size.histories, "faults": faults, "unrecovered": unrecovered, "seconds_each": SECONDS,
        "events": compared.events, "acknowledged": sent, "late": compared.late, "edits": edits,
        "transitions": len(compared.kept), "kinds_that_alerted": kinds,
        "mismatches": len(compared.mismatches), "fold_mismatches": compared.fold_mismatches,
        "stuck": stuck, "differences": compared.mismatches[:20],
    }  # fmt: skip


async def prove(*, seed: int, size: RulesLiveSize) -> Report:
    """Play them; then a few with the engine that forgets."""
    report = Report("rules_live", seed, PROMISE)
    figures = await _round(size, seed)
    problems = [
        f"{name}: {figures[name]}"
        for name in ("mismatches", "fold_mismatches", "unrecovered", "stuck")
        if figures[name]
    ]
    report.facts = {**figures, "loss_per_fault_bound_95": bound_95(figures["faults"]), "problems": problems}
    control = await _round(RulesLiveSize(AT_ONCE, kills_each=3, mutant="forgetful"), seed)
    report.control = {"mutant": "forgetful", **control}
    report.judge(
        held=not problems,
        evidence=figures["transitions"] > 2 * size.histories and figures["faults"] > 0,
        control_failed=control["mismatches"] > 0 or bool(control["stuck"]),
    )
    return report
