"""Every answer that a test gets is held against what the API's description declares: body, media type and ETag."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx2
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter, ValidationError

from ioc.api.http.openapi_responses import GEOJSON_TYPE
from ioc.api.serializers.models.city import FeatureCollectionModel

JSON = "application/json"


@dataclass(frozen=True)
class DeclaredAnswer:
    """What an operation declares of one status."""

    operation: str
    forms: frozenset[str]
    tagged: bool
    bodies: dict[str, TypeAdapter[Any]]
    """By media type."""

    def faults(self, response: httpx2.Response) -> list[str]:
        """Return what of a response is not as declared."""
        form = response.headers.get("content-type", "").partition(";")[0]
        found = []
        if response.content and form not in self.forms:
            found.append(f"its form {form!r} is none of {sorted(self.forms)}")
        if ("etag" in response.headers) != self.tagged:
            found.append("it has an ETag that is not declared" if not self.tagged else "it has no ETag")
        if form in self.bodies:
            try:
                self.bodies[form].validate_json(response.content, strict=True)
            except ValidationError as error:
                found += [f"{_place(fault['loc'])}: {fault['msg']}" for fault in error.errors()[:8]]
        return [f"{self.operation} {response.status_code}: {each}" for each in found]


DeclaredAnswers = dict[tuple[str, str], dict[int, DeclaredAnswer]]
"""By method and path, and by status."""


def _place(where: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in where)


@dataclass
class AnswerCheck:
    """The declarations of one application, and what was not as they say."""

    declared: DeclaredAnswers
    faults: list[str] = field(default_factory=list)
    seen: set[tuple[str, str, int]] = field(default_factory=set)
    """(method, path, status) of the answers that were held against a declaration."""

    def __post_init__(self) -> None:
        # What has no parameter counts before what has one: `/rules/check` is no rule.
        paths = sorted({path for _, path in self.declared}, key=lambda path: (path.count("{"), path))
        self._patterns = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]

    def hold(self, response: httpx2.Response) -> None:
        """Note what of a response, read to its end, is not as declared; what is refused is declared elsewhere."""
        method = response.request.method
        path = next((path for pattern, path in self._patterns if pattern.fullmatch(response.request.url.path)), "")
        answer = self.declared.get((method, path), {}).get(response.status_code)
        if answer is not None:
            self.seen.add((method, path, response.status_code))
            self.faults += answer.faults(response)

    def is_held(self, response: httpx2.Response) -> bool:
        """Tell whether a response has an end, and is one of success."""
        return response.is_success and not response.headers.get("content-type", "").startswith("text/event-stream")


def answer_check(app: FastAPI, document: dict[str, Any]) -> AnswerCheck:
    """Return the check of an application's answers, described by ``document``."""
    declared: DeclaredAnswers = {}
    for context in iter_route_contexts(app.routes):
        route, path = context.original_route, str(context.path)
        if not isinstance(route, APIRoute) or path not in document["paths"]:
            continue
        for method in route.methods or ():
            responses = document["paths"][path].get(method.lower(), {}).get("responses", {})
            declared[method, path] = {
                int(status): DeclaredAnswer(
                    f"{method} {path}",
                    frozenset(response.get("content", {})),
                    "ETag" in response.get("headers", {}),
                    _bodies(route, int(status)),
                )
                for status, response in responses.items()
                if status[0] == "2"
            }
    return AnswerCheck(declared)


def _bodies(route: APIRoute, status: int) -> dict[str, TypeAdapter[Any]]:
    response, main = route.responses.get(status, {}), getattr(route.response_class, "media_type", None) or JSON
    models = {form: FeatureCollectionModel for form in response.get("content", {}) if form == GEOJSON_TYPE}
    if "model" in response:
        models[main] = response["model"]
    return {form: _adapter(model) for form, model in models.items()}


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)
