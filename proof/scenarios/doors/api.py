"""P21: the API is what its description says, to whoever asks. Schemathesis asks every operation, with all its checks.

As nobody, as a district's key and as an administrator, who is asked last: what they take away, nobody needs any more.
The control is asked one operation by a description in which a member has another type.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from proof.fuzzing.api import SKIPPED, FuzzCaller, FuzzRun, fuzz_api
from proof.harness.instance import Instance, add_device, running
from proof.harness.report import Profile, Report

PROMISE = "every answer of the API is as its description says, whoever asks and whatever is sent"
DISTRICT = "04795"
READINGS = ({"rain_24h_mm": 180.0, "rain_1h_mm": 12.0}, {"rain_24h_mm": 210.0}, {"rain_24h_mm": "much"})
COOKIE = "ioc_session"


@dataclass(frozen=True, slots=True)
class APISize:
    """How many requests of each operation are drawn at random, beside those at the borders of every schema."""

    examples: int
    phases: str
    control: bool = True


SIZES = {
    Profile.QUICK: APISize(examples=5, phases="examples,coverage,fuzzing"),
    Profile.FULL: APISize(examples=100, phases="examples,coverage,fuzzing,stateful"),
}


async def prove(*, seed: int, size: APISize) -> Report:
    """Run it and return the report."""
    report = Report("api", seed, PROMISE)
    words = ("--phases", size.phases)
    async with running(http_requests_per_minute=0, http_posts_per_minute=0) as instance, instance.admin() as admin:
        await fill(instance, admin)
        description = (await admin.get("/api/v1/openapi.json")).json()
        runs: dict[str, FuzzRun] = {}
        for caller in await callers(admin, instance):
            runs[caller.name] = await fuzz_api(
                instance.url, description, caller, seed=seed, examples=size.examples, words=words
            )
        control = await _control(instance, description, seed) if size.control else None
    operations = sum(len(set(each) & {"get", "post", "put", "patch", "delete"})
                     for each in description["paths"].values())  # fmt: skip
    report.facts = {
        "operations": operations,
        "callers": list(runs),
        "requests": sum(run.cases for run in runs.values()),
        "accepted_operations": runs["admin"].accepted,
        "left_out": SKIPPED,
        "problems": [f"{name}: {problem}" for name, run in runs.items() for problem in run.problems],
        "output": {name: run.output for name, run in runs.items() if run.problems},
    }
    report.control = {"found": len(control.problems)} if control is not None else {}
    report.judge(
        held=not report.facts["problems"],
        evidence=all(run.operations >= operations - len(SKIPPED) for run in runs.values()),
        control_failed=bool(control.problems) if control is not None else None,
    )
    return report


async def fill(instance: Instance, admin: httpx2.AsyncClient) -> None:
    """Have something of most nouns: readings, an alert, a dead letter, a viewer."""
    key = await add_device(admin, "fuzz-rain", area=DISTRICT)
    for reading in READINGS:
        await admin.post(f"{instance.url}/api/v1/feeds/rainfall/events", json=reading,
                         headers={"Authorization": f"Bearer {key}"})  # fmt: skip
    await admin.post("/api/v1/users", json={"username": "fuzz-viewer", "role": "viewer"})


async def callers(admin: httpx2.AsyncClient, instance: Instance) -> Sequence[FuzzCaller]:
    """Return who asks, in their order."""
    answer = await admin.post("/api/v1/keys", json={"kind": "district", "name": "fuzz", "area": DISTRICT})
    return (
        FuzzCaller("nobody"),
        FuzzCaller("district", key=answer.json()["key"]),
        FuzzCaller("admin", cookie=admin.cookies[COOKIE], account=instance.username),
    )


async def _control(instance: Instance, description: dict[str, Any], seed: int) -> FuzzRun:
    """Ask whether the process lives, of a description in which the answer holds a number."""
    false = copy.deepcopy(description)
    false["paths"] = {"/livez": false["paths"]["/livez"]}
    content = false["paths"]["/livez"]["get"]["responses"]["200"]["content"]["application/json"]
    content["schema"] = {"type": "object", "properties": {"status": {"type": "integer"}}}
    return await fuzz_api(instance.url, false, FuzzCaller("nobody"), seed=seed, examples=1)
