"""The API's description as a file: a schema for every answer, and what holds answers against it sees a difference."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from ioc.api.http.body import Input
from tests.answers import AnswerCheck, answer_check
from tests.docs.pages.openapi_file import described_app


@pytest.fixture(scope="module")
def described() -> tuple[Any, dict[str, Any]]:
    return described_app()


def test_every_answer_of_success_has_a_schema(described: tuple[Any, dict[str, Any]]):
    missing = [
        (method, path, status)
        for path, operations in described[1]["paths"].items()
        for method, operation in operations.items()
        for status, response in operation["responses"].items()
        if status[0] == "2" and status != "204"
        and not (response.get("content") and all(form.get("schema") for form in response["content"].values()))
    ]  # fmt: skip
    assert missing == []


def test_a_change_that_asks_for_the_version_says_so_and_no_other(described: tuple[Any, dict[str, Any]]):
    for path, operations in described[1]["paths"].items():
        for method, operation in operations.items():
            asks = any(item["name"] == "If-Match" for item in operation.get("parameters", ()))
            assert asks == ("428" in operation["responses"]) == ("412" in operation["responses"]), (method, path)
    acknowledge = described[1]["paths"]["/api/v1/alerts/{alert}/acknowledge"]["post"]
    assert {"409", "412", "428"} <= set(acknowledge["responses"])


def test_every_bound_of_a_body_stands_in_its_schema(described: tuple[Any, dict[str, Any]]):
    """A pattern behind a validator is left out by pydantic, and a member that is never null was said to take null."""
    patterns, nulls = [], []
    for body in every_input():
        schema = body.model_json_schema()["properties"]
        for name, field in body.model_fields.items():
            said = json.dumps(schema[field.alias or name])
            words = repr(field.annotation) + repr(field.metadata)
            if "pattern=" in words and '"pattern"' not in said:
                patterns.append((body.__name__, name))
            if "NotNull" in words and '"null"' in said:
                nulls.append((body.__name__, name))
    assert (patterns, nulls) == ([], [])


def every_input() -> list[type[Input]]:
    found = Input.__subclasses__()
    return [each for kind in found for each in (kind, *kind.__subclasses__())]


FINE = {"code": "hoa-binh", "name": {"vi": "Hòa Bình", "en": "Hoa Binh"}, "former_code": "148", "areas": ["04795"]}


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        (FINE, None),
        ({**FINE, "shape": None}, "items.0.shape: Extra inputs are not permitted"),
        ({name: value for name, value in FINE.items() if name != "areas"}, "items.0.areas: Field required"),
        ({**FINE, "former_code": 148}, "items.0.former_code: Input should be a valid string"),
    ],
)
def test_an_answer_with_a_member_too_many_too_few_or_of_another_type_is_noticed(
    described: tuple[Any, dict[str, Any]], zone: dict[str, Any], words: str | None
):
    check = held(described, json.dumps({"items": [zone], "next": None}), "application/json")
    assert check.faults == ([] if words is None else [f"GET /api/v1/zones 200: {words}"])
    assert check.seen == {("GET", "/api/v1/zones", 200)}


def test_an_undeclared_form_or_tag_is_noticed(described: tuple[Any, dict[str, Any]]):
    check = held(described, "code,name\n", "text/csv", ETag='"1"')
    assert len(check.faults) == 2


def held(described: tuple[Any, dict[str, Any]], body: str, form: str, **headers: str) -> AnswerCheck:
    check = answer_check(*described)
    request = httpx2.Request("GET", "http://127.0.0.1/api/v1/zones")
    check.hold(httpx2.Response(200, text=body, headers={"Content-Type": form, **headers}, request=request))
    return check
