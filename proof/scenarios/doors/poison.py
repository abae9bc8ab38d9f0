"""P5: poison does not spread. Each body of the corpus goes to both doors amid good readings, and is looked for.

Every poison must have ended, by the time it is acknowledged, as an event or as a dead letter with the reason that the
corpus names, the same at both doors; every good reading around it is stored, and no answer is a 5xx.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx2

from ioc.store.embedded.server import attach
from ioc.store.postgres.engine import prepare_connection
from mqtt_client.connection import Connection
from proof.corpus import BODIES, ID, PACKETS, STORED, Post, posts
from proof.harness.instance import Instance, add_device, running
from proof.harness.report import Profile, Report
from proof.scenarios.doors.poison_run import (
    END_SECONDS,
    FEED,
    JSON_KIND,
    PATH,
    Doors,
    PoisonTally,
    Run,
    StoredOutcome,
    TableWitness,
    publish,
    publishing,
)

PROMISE = "any body ends in 10 s as an event or a dead letter with its reason, at both doors; neighbours are stored"
NEIGHBOURS = 20
BLOCKED_SECONDS = 4.0
LINES_KIND = {"content-type": "application/x-ndjson"}
CLOUDEVENT_KIND = {"content-type": "application/cloudevents+json"}
SENDERS = ("poison-http", "poison-mqtt", "good-http", "good-mqtt")
WORDS_OF_NO_TEXT = "no\x00body"
"""A device's name that PostgreSQL cannot keep: the poison that reaches it."""


@dataclass(frozen=True, slots=True)
class PoisonSize:
    """How much of it."""

    rounds: int = 1
    control: bool = True


SIZES = {Profile.QUICK: PoisonSize(), Profile.FULL: PoisonSize(rounds=10)}


def judge(run: Run, where: str, ended: StoredOutcome, expected: list[str]) -> None:
    """Compare what one body came to with what the corpus says."""
    run.tally.stored += ended.events
    run.tally.letters += len(ended.reasons)
    if sorted(ended.verdicts) != sorted(expected):
        run.tally.problems.append(f"{where}: ended as {ended.verdicts}, not as {expected}")


async def poison_over_http(run: Run, name: str, body: bytes, verdict: str) -> None:
    """Send one body alone, in an array, as a line and as a CloudEvent's data."""
    for form, content, headers, path, expected in _forms(run, body, verdict):
        run.tally.bodies += 1
        began = time.monotonic()
        answer = await run.post("poison-http", content, headers, path)
        run.tally.longest = max(run.tally.longest, time.monotonic() - began)
        judge(run, f"{name}, {form} over HTTP", await run.witness.look("poison-http"), expected)
        if answer.status_code not in (202, 400):
            run.tally.problems.append(f"{name}, {form}: {answer.status_code} {answer.text[:200]}")


Form = tuple[str, bytes, Mapping[str, str], str, list[str]]
"""Its name, the content, headers and path to post it with, and what it must end as."""


def _forms(run: Run, body: bytes, verdict: str) -> list[Form]:
    def fill(content: bytes) -> bytes:
        while ID in content:
            content = content.replace(ID, run.fresh_id().encode(), 1)
        return content

    good = b'{"id":"' + ID + b'","rain_mm":2}'
    alone = _alone(body, verdict)
    forms: list[Form] = [("alone", fill(body), JSON_KIND, PATH, alone)]
    if _embeds(body, verdict):
        array = b"[" + good + b"," + body + b"," + good + b"]"
        forms.append(("in an array", fill(array), JSON_KIND, PATH, [STORED, verdict, STORED]))
        event = (
            b'{"specversion":"1.0","id":"' + ID + b'","source":"/' + FEED.encode() + b'/poison-http","type":"'
            + FEED.encode() + b'","data":' + body + b"}"
        )  # fmt: skip
        if verdict in ("not_finite", "nul", "lone_surrogate", "duplicate_key", "string_too_long", "number_too_large"):
            forms.append(("as a CloudEvent", fill(event), CLOUDEVENT_KIND, "/api/v1/cloudevents", [verdict]))
    if b"\n" not in body and body.strip() and not body.lstrip().startswith(b"[") and not _is_wrapped(body):
        lines = good + b"\n" + body + b"\n" + good
        forms.append(("as a line", fill(lines), LINES_KIND, PATH, [STORED, verdict, STORED]))
    return forms


def _alone(body: bytes, verdict: str) -> list[str]:
    """Return what a whole body ends as: an array of two things that are no objects is two dead letters."""
    return [verdict] * 2 if body.startswith(b"[[1") else [verdict]


def _embeds(body: bytes, verdict: str) -> bool:
    """Tell whether the body stands alone inside an array: else it makes all of the array unreadable."""
    if verdict in ("not_json", "not_utf8", "empty") or body.startswith(b"[") or _is_wrapped(body):
        return False
    return not (verdict == "too_deep" and len(body) > 10_000) and not (
        verdict == "number_too_large" and len(body) > 4_300
    )


def _is_wrapped(body: bytes) -> bool:
    """Tell whether it has around it what is passed over only around a whole body."""
    return body.startswith(b"\xef\xbb\xbf") or body.endswith(b"\0")


async def poison_over_mqtt(run: Run, connection: Connection, name: str, body: bytes, verdict: str) -> None:
    """Publish one body amid good readings of the same connection."""
    run.tally.bodies += 1
    while ID in body:
        body = body.replace(ID, run.fresh_id().encode(), 1)
    began = time.monotonic()
    good = [publish(connection, run.good()) for _ in range(2)]
    poison = publish(connection, body)
    good += [publish(connection, run.good()) for _ in range(2)]
    await asyncio.wait_for(asyncio.gather(poison, *good), END_SECONDS)
    run.tally.longest = max(run.tally.longest, time.monotonic() - began)
    expected = _alone(body, verdict)
    judge(run, f"{name} over MQTT", await run.witness.look("poison-mqtt"), [*expected, *[STORED] * len(good)])


async def run_corpus(run: Run) -> None:
    """Send every body to both doors, each amid twenty good readings."""
    async with publishing(run.doors, "good-mqtt") as good, publishing(run.doors, "poison-mqtt") as foul:
        for name, (body, verdict) in BODIES.items():
            await asyncio.gather(
                poison_over_http(run, name, body, verdict),
                poison_over_mqtt(run, foul, name, body, verdict),
                *(run.good_over_http() for _ in range(NEIGHBOURS // 4)),
                *(run.good_over_mqtt(good) for _ in range(NEIGHBOURS - NEIGHBOURS // 4)),
            )
        for name, post in (await asyncio.to_thread(posts)).items():
            await asyncio.gather(_post_alone(run, name, post), *(run.good_over_mqtt(good) for _ in range(NEIGHBOURS)))
        for name, raw in PACKETS.items():
            run.tally.bodies += 1
            async with publishing(run.doors, "poison-mqtt") as one:
                one.write(raw)
                await asyncio.gather(*(run.good_over_mqtt(good) for _ in range(NEIGHBOURS)))
            if (await run.witness.look("poison-mqtt")).events:
                run.tally.problems.append(f"{name}: it was stored")
    for device in ("good-http", "good-mqtt"):
        ended = await run.witness.look(device)
        if ended.reasons:
            run.tally.problems.append(f"good readings of {device} were refused: {ended.reasons[:5]}")
        run.tally.stored += ended.events
    found = run.tally.facts()
    if found["server_errors"]:
        run.tally.problems.append(f"{found['server_errors']} answers of the server's own fault")
    if run.tally.longest > END_SECONDS:
        run.tally.problems.append(f"one took {run.tally.longest:.1f} s")


async def _post_alone(run: Run, name: str, post: Post) -> None:
    run.tally.bodies += 1
    answer = await run.post("poison-http", post.content, post.headers, post.path)
    judge(run, name, await run.witness.look("poison-http"), [post.reason])
    if answer.status_code != post.status:
        run.tally.problems.append(f"{name}: {answer.status_code}, not {post.status}")


async def clean_run(run: Run) -> None:
    """Send the good readings alone, as many at once as beside the poison."""
    async with publishing(run.doors, "good-mqtt") as good:
        for _ in range(len(BODIES) // 2):
            await asyncio.gather(
                *(run.good_over_http() for _ in range(NEIGHBOURS // 4)),
                *(run.good_over_mqtt(good) for _ in range(NEIGHBOURS - NEIGHBOURS // 4)),
            )
    for device in ("good-http", "good-mqtt"):
        await run.witness.look(device)


async def unstorable(run: Run) -> bool:
    """Send words that PostgreSQL cannot keep; tell whether good readings are stored afterwards, in time."""
    run.tally.bodies += 1
    headers = {**JSON_KIND, "Authorization": f"Bearer {run.doors.feed_key}"}

    async def foul() -> None:
        with contextlib.suppress(httpx2.HTTPError):
            await run.client.post(PATH, content=b'{"rain_mm":1}', headers=headers, params={"device": WORDS_OF_NO_TEXT})

    fouling = asyncio.create_task(foul())
    try:
        async with asyncio.timeout(BLOCKED_SECONDS):
            await asyncio.gather(*(run.good_over_http() for _ in range(NEIGHBOURS)))
            await fouling
    except (TimeoutError, httpx2.HTTPError):
        return False
    finally:
        fouling.cancel()
        await asyncio.gather(fouling, return_exceptions=True)
    return True


@contextlib.asynccontextmanager
async def opened(doors: Doors, name: str):  # type: ignore[no-untyped-def] # noqa: ANN201 - a Run, for a while
    """Lend a run with its client and its witness."""
    connection = await asyncpg.connect(doors.dsn, timeout=10, command_timeout=60)
    try:
        await prepare_connection(connection)
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{doors.http_port}", timeout=END_SECONDS + 5
        ) as client:
            run = Run(doors, client, TableWitness(connection), name)
            for device in SENDERS:
                await run.witness.look(device)
            yield run
    finally:
        connection.terminate()


async def doors_of(instance: Instance) -> Doors:
    """Register the senders."""
    async with instance.admin() as admin:
        keys = {device: await add_device(admin, device) for device in SENDERS}
        answer = await admin.post("/api/v1/keys", json={"kind": "feed", "name": "poison", "feed": FEED})
        feed_key = str(answer.json()["key"])
    return Doors(instance.http_port, instance.mqtt_port, keys, feed_key, attach(instance.data))


async def prove(*, seed: int, size: PoisonSize) -> Report:
    """Run the corpus; the control is a log that does not cut a failing batch down to its culprit."""
    report = Report("poison", seed, PROMISE)
    async with running(mqtt_device_connects_per_minute=0, dead_letters_per_hour=0) as instance:
        doors = await doors_of(instance)
        async with opened(doors, f"clean-{seed}") as clean:
            await clean_run(clean)
        tally = PoisonTally()
        for number in range(size.rounds):
            async with opened(doors, f"corpus-{seed}-{number}") as run:
                run.tally = tally
                await run_corpus(run)
                if not await unstorable(run):
                    tally.problems.append("words that PostgreSQL cannot keep stopped good readings")
    control: dict[str, Any] = {}
    if size.control:
        async with (
            running(mutant="no_bisect", dead_letters_per_hour=0) as instance,
            opened(await doors_of(instance), f"control-{seed}") as run,
        ):
            control = {"mutant": "no_bisect: a batch stands or falls as one", "blocked": not await unstorable(run)}
    report.facts = {
        "faults": (len(BODIES) + len(PACKETS) + len(posts())) * size.rounds, **tally.facts(),
        "clean_p99_ms": clean.tally.delay(0.99), "problems": [*clean.tally.problems, *tally.problems],
    }  # fmt: skip
    report.control = control
    report.judge(
        held=not report.facts["problems"], evidence=tally.stored > 0 and tally.letters > 0,
        control_failed=bool(control["blocked"]) if control else None,
    )  # fmt: skip
    return report
