"""The API's description: every operation says who may ask, what can be refused and which values there are."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ioc.api.description import docs_page
from ioc.api.http.problems import PROBLEMS
from tests.integration.api.conftest import World

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
async def document(world: World) -> dict[str, Any]:
    async with world.signed_in("view") as client:
        answer = await client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, item[method]) for path, item in document["paths"].items() for method in METHODS if method in item
    ]


async def test_every_operation_says_who_may_ask_and_that_nobody_else_may(document: dict[str, Any]):
    public = {(method, path) for method, path, one in operations(document) if one["security"] == []}
    assert public == {("get", "/livez"), ("get", "/readyz"), ("get", "/.well-known/security.txt"),
                      ("post", "/api/v1/session"), ("post", "/api/v1/tour/session")}  # fmt: skip
    for method, path, one in operations(document):
        names = {name for way in one["security"] for name in way}
        assert names <= set(document["components"]["securitySchemes"])
        if names:
            assert {"401", "403", "429", "503"} <= set(one["responses"]), (method, path)
    assert document["paths"]["/api/v1/alerts/{alert}/acknowledge"]["post"]["security"] == [{"session": []}]
    assert document["paths"]["/api/v1/alerts"]["get"]["security"] == [{"session": []}, {"key": []}]


async def test_every_refusal_is_one_problem_with_a_closed_set_of_codes(document: dict[str, Any]):
    schema = document["components"]["schemas"]["Problem"]
    assert {problem.code for problem in PROBLEMS.values()} <= set(schema["properties"]["code"]["enum"])
    for method, path, one in operations(document):
        for status, response in one["responses"].items():
            if status[0] in "45":
                assert response == {"$ref": f"#/components/responses/Problem{status}"}, (method, path)
    for response in document["components"]["responses"].values():
        assert response["content"]["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "Retry-After" in document["components"]["responses"]["Problem503"]["headers"]
    refs = set(re.findall(r"'#/components/(\w+)/(\w+)'", str(document)))
    assert ("schemas", "NameText") in refs
    assert [name for kind, name in refs if name not in document["components"][kind]] == []
    assert "$defs" not in str(document)


async def test_versions_are_headers_of_the_changes_that_need_them(document: dict[str, Any]):
    acknowledge = document["paths"]["/api/v1/alerts/{alert}/acknowledge"]["post"]
    [header] = [item for item in acknowledge["parameters"] if item["in"] == "header"]
    assert (header["name"], header["required"]) == ("If-Match", True)
    assert {"200", "404", "409", "412", "413", "415", "422", "428"} <= set(acknowledge["responses"])
    assert "ETag" in acknowledge["responses"]["200"]["headers"]
    assert "304" in document["paths"]["/api/v1/alerts/{alert}"]["get"]["responses"]
    assert "410" in document["paths"]["/api/v1/devices"]["get"]["responses"]
    assert "201" in document["paths"]["/api/v1/devices"]["post"]["responses"]


async def test_filters_name_their_values(world: World, document: dict[str, Any]):
    parameters = {item["name"]: item for item in document["paths"]["/api/v1/alerts"]["get"]["parameters"]}
    assert parameters["severity"]["schema"]["items"]["enum"] == ["info", "low", "medium", "high", "critical"]
    assert (parameters["severity"]["style"], parameters["severity"]["explode"]) == ("form", False)
    assert parameters["feed"]["schema"]["items"]["enum"] == list(world.state.context.pack.feeds)
    assert parameters["open"]["schema"]["type"] == "boolean"
    status = {item["name"]: item for item in document["paths"]["/api/v1/devices"]["get"]["parameters"]}["status"]
    async with world.signed_in("view") as client:
        for noun, name, schema in (("alerts", "severity", parameters["severity"]["schema"]),
                                   ("alerts", "state", parameters["state"]["schema"]),
                                   ("alerts", "condition", parameters["condition"]["schema"]),
                                   ("devices", "status", status["schema"])):  # fmt: skip
            every = ",".join(schema["items"]["enum"])
            assert (await client.get(f"/api/v1/{noun}", params={name: every})).status_code == 200, name


async def test_the_page_names_every_operation_and_asks_nothing_of_any_other_machine(
    world: World, document: dict[str, Any]
):
    async with world.client(key="district") as client:
        answer = await client.get("/api/v1/docs")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        style = await client.get(docs_page.STYLE_PATH)
        assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    page = answer.text
    for method, path, _ in operations(document):
        assert f"<b>{method.upper()}</b> <code>{path}</code>" in page
    assert "<script" not in page
    assert " style=" not in page
    assert set(re.findall(r'(?:href|src)="([^"#]+)"', page)) == {docs_page.STYLE_PATH, "/api/v1/openapi.json"}
    async with world.client() as nobody:
        assert (await nobody.get("/api/v1/docs")).status_code == 401


def test_what_a_description_quotes_stays_text():
    """A label or summary cannot become markup."""
    assert docs_page.prose("<img src=x> `a<b` & more") == "&lt;img src=x&gt; <code>a&lt;b</code> &amp; more"


async def test_no_two_paths_have_one_form(document: dict[str, Any]):
    """`/{feed}` and `/{event}` are one path to OpenAPI: what a made client sends, and Allow, would be of either."""
    forms = [re.sub(r"\{\w+\}", "{}", path) for path in document["paths"]]
    assert sorted(forms) == sorted(set(forms))


async def test_several_values_are_described_where_several_are_taken(document: dict[str, Any]):
    """Not by the filter's name: `device` is one device in the limits and may be several in the alerts."""
    listed = {
        (path, one["name"]): "style" in one
        for path in ("/api/v1/limits", "/api/v1/manual", "/api/v1/alerts", "/api/v1/series")
        for one in document["paths"][path]["get"]["parameters"]
        if one["name"] in ("name", "device", "feed")
    }
    assert {name for name, several in listed.items() if several} == {
        ("/api/v1/limits", "name"), ("/api/v1/alerts", "device"), ("/api/v1/alerts", "feed")
    }  # fmt: skip
    assert len(listed) >= 7
    assert "x-listed" not in str(document)
