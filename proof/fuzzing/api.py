"""Runs schemathesis with every check over an instance's API, as one caller, and reads its report.

Its checks hold each answer against the description: status, media type, headers and schema; that invalid data is
refused and valid data taken; that a missing credential, method or header is told. What does not apply is in `SKIPPED`.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proof.harness.instance import REPOSITORY
from proof.harness.programs import NotRunError

PROGRAM = REPOSITORY / "build" / "api-tools" / "bin" / "schemathesis"
HOOKS = "proof.fuzzing.api_hooks"
OUTPUT_CHARS_MAX = 20_000
SKIPPED = {
    "DELETE /api/v1/session": "it signs the caller out, whose every other call would be refused",
    "POST /api/v1/drills": "each call that it takes starts another instance on this machine",
    "POST /api/v1/tour": "each call that it takes starts another instance on this machine",
}
"""Operations that a signed-in caller leaves out, and why. Nobody and a key ask them, too, and are refused."""
CONFIG = """\
base-url = {url}
hooks = "{hooks}"
# An answer of the stream has no end.
max-stream-events = 2
request-timeout = 30.0
continue-on-failure = true
warnings = false
headers = {{ Origin = {url} }}

[generation]
# A NUL is refused in every text, which no schema of OpenAPI says; proof/corpus has the bodies with one.
allow-x00 = false
database = "none"

[checks]
# 428 (RFC 6585) is how a missing If-Match is told, beside the statuses that are usual.
missing_required_header.expected-statuses = ["400", "401", "403", "406", "415", "422", "428"]
# 413: a body that is too large is not read to its end.
negative_data_rejection.expected-statuses = [
    "400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428", "429", "5xx",
]
# 400, 410, 412 and 422 are held by a check of our own, which knows their reasons: see {hooks}.
positive_data_acceptance.expected-statuses = [
    "2xx", "3xx", "400", "401", "403", "404", "409", "410", "412", "422", "429", "5xx",
]
"""


@dataclass(frozen=True, slots=True)
class FuzzCaller:
    """As whom it asks: with a session's cookie, a key, or nothing."""

    name: str
    cookie: str | None = None
    key: str | None = None
    account: str = ""

    def config(self) -> str:
        """Return how schemathesis is told."""
        if self.cookie is not None:
            return f"\n[auth.openapi]\nsession = {{ api_key = {json.dumps(self.cookie)} }}\n"
        return "" if self.key is None else f"\n[auth.openapi]\nkey = {{ bearer = {json.dumps(self.key)} }}\n"


@dataclass(frozen=True, slots=True)
class FuzzRun:
    """What came of one run."""

    operations: int
    cases: int
    accepted: int
    """Operations that took at least one request."""
    problems: list[str]
    output: str = ""
    """What it printed of its failures, each with the request."""


async def fuzz_api(
    url: str,
    description: dict[str, Any],
    caller: FuzzCaller,
    *,
    seed: int,
    examples: int,
    words: Sequence[str] = (),
    seconds: float = 3_000.0,
) -> FuzzRun:
    """Run it over every operation of a description; ``words`` are more of its command line.

    Raises:
        NotRunError: schemathesis is not there, or found nothing to say.
    """
    if not PROGRAM.is_file():
        raise NotRunError("schemathesis is not there (sh scripts/api-tools.sh installs it)")
    with tempfile.TemporaryDirectory(prefix="ioc-fuzz-") as name:
        folder = Path(name)
        (folder / "openapi.json").write_text(json.dumps(description), encoding="utf-8")
        config = CONFIG.format(url=json.dumps(url), hooks=HOOKS) + caller.config()
        (folder / "schemathesis.toml").write_text(config, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            PROGRAM, "--config-file", folder / "schemathesis.toml", "run", folder / "openapi.json", "--checks", "all",
            "--seed", str(seed), "--max-examples", str(examples), "--no-color", "--report", "json",
            "--report-json-path", folder / "report.json", *_left_out(caller), *words,
            cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "IOC_FUZZ_ACCOUNT": caller.account},
        )  # fmt: skip
        try:
            output, _ = await asyncio.wait_for(process.communicate(), seconds)
        finally:
            if process.returncode is None:
                process.kill()
        if not (folder / "report.json").is_file():
            raise NotRunError(f"schemathesis ended with {process.returncode}: {output.decode()[-600:]}")
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        return read_report(report, output.decode(errors="replace"))


def _left_out(caller: FuzzCaller) -> list[str]:
    names = SKIPPED if caller.cookie is not None else ()
    return [word for name in names for word in ("--exclude-name", name)]


def read_report(report: dict[str, Any], output: str) -> FuzzRun:
    """Return the figures of a report of schemathesis, each kind of failure in a line, and what was printed of them."""
    problems = [f"{', '.join(each['operations'])}: {each['title']}" for each in report["failures"]]
    problems += [f"error: {json.dumps(error)[:300]}" for error in report["errors"]]
    accepted = sum(any(phase["accepted"] for phase in phases.values()) for phases in report["valid_rates"].values())
    return FuzzRun(
        report["operations"]["tested"], report["test_cases"]["generated"], accepted, problems,
        output.partition("= FAILURES =")[2][:OUTPUT_CHARS_MAX],
    )  # fmt: skip
