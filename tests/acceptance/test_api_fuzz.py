"""P21 in short: schemathesis finds no answer of the API that is not as its description says. `make proof` has it long.

An administrator only reads here: the instance is that of the other tests. What they change is asked by the proof.
"""

from __future__ import annotations

import pytest

from proof.fuzzing.api import FuzzCaller, fuzz_api, read_report
from proof.scenarios.doors.api import COOKIE, DISTRICT

pytestmark = pytest.mark.timeout(300)
DRAWN = ("--phases", "fuzzing")
AT_BORDERS = ("--phases", "examples,coverage,fuzzing", "--include-method", "GET")


@pytest.mark.parametrize(("name", "words"), [("nobody", DRAWN), ("district", DRAWN), ("admin", AT_BORDERS)])
async def test_every_answer_is_as_the_description_says(instance, operator, name, words):
    document = operator.get("/api/v1/openapi.json").json()
    key = instance.key("district", area=DISTRICT) if name == "district" else None
    cookie = operator.cookies[COOKIE] if name == "admin" else None
    caller = FuzzCaller(name, cookie=cookie, key=key, account=instance.username)
    found = await fuzz_api(instance.url, document, caller, seed=2017, examples=2, words=words)
    assert found.problems == [], found.output
    assert found.cases > 100
    assert found.accepted >= {"nobody": 3, "district": 15, "admin": 30}[name], found


def test_a_failure_in_a_report_is_a_problem():
    failure = {"title": "Server error", "operations": ["GET /livez"]}
    report = {"failures": [failure], "errors": [], "operations": {"tested": 1}, "test_cases": {"generated": 9},
              "valid_rates": {"GET /livez": {"fuzzing": {"accepted": 1}}}}  # fmt: skip
    found = read_report(report, "before = FAILURES = after")
    assert (found.problems, found.output, found.accepted) == (["GET /livez: Server error"], " after", 1)
