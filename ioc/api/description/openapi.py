"""The API's description (OpenAPI): what FastAPI writes, with every answer that can come, who may ask, closed values.

What follows from a route's form (its access, path, query, body, and whether it asks for the version seen) is derived;
the rest, its bodies and what its handler alone refuses, the route declares itself (``responses_of``). The integration
tests hold every status and every body that they see against the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ioc.api.auth import LOOPBACK_COOKIE, RouteAccess
from ioc.api.description.schemas import OF_FRAMEWORK, public_names, stream_schemas
from ioc.api.http.filters import LISTED, MANY_CHARS_MAX, MANY_MAX
from ioc.api.http.openapi_responses import VERSION_TAG
from ioc.api.http.problems import INTERNAL, MEDIA_TYPE, OF_STATUS, PROBLEMS
from ioc.domain.alert import Condition, TransitionKind
from ioc.domain.device import DeviceState
from ioc.domain.indicators.indicator import ImportState
from ioc.domain.maintenance.window import MaintenanceState
from ioc.domain.severity import Severity
from ioc.domain.silences.silence import SilenceState
from ioc.packs.pack import Pack
from ioc.work.transitions import WorkAction, WorkState

Document = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
DEVICE_STATUSES = ("online", "silent", "never", *(str(state) for state in DeviceState if state != "active"))


def describe(document: Document, lines: Iterable[RouteAccess], pack: Pack) -> Document:
    """Complete the document that FastAPI has written, in place, and return it."""
    components = document.setdefault("components", {})
    public_names(document)
    components["schemas"] = {
        **{name: schema for name, schema in components.get("schemas", {}).items() if name not in OF_FRAMEWORK},
        **stream_schemas(),
        "Problem": problem_schema(),
    }
    components["securitySchemes"] = SECURITY
    components["responses"] = problem_responses()
    by_route = {(line.method.lower(), line.path): line for line in lines}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                components["schemas"] |= _named_parts(operation)
                _complete(operation, method, path, by_route.get((method, path)))
                _close_parameters(operation, path, pack)
    return document


def _named_parts(operation: Document) -> dict[str, Any]:
    """Take the schemas out of a body that its own schema brings along, and return them: references mean the shared."""
    found: dict[str, Any] = {}
    for content in (operation.get("requestBody") or {}).get("content", {}).values():
        found |= content.get("schema", {}).pop("$defs", {})
    return found


def problem_schema() -> dict[str, Any]:
    """Return the schema of every refusal (RFC 9457)."""
    codes = sorted({problem.code for problem in (*PROBLEMS.values(), *OF_STATUS.values(), INTERNAL)})
    text = {"type": "string"}
    told = {"field": text, "message": text, "code": text}
    fault = {"type": "object", "properties": told, "required": ["field", "message"]}
    return {
        "type": "object",
        "description": "RFC 9457. `code` is stable; `title` follows Accept-Language (vi, en).",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri", "example": "urn:ioc:problem:not_found"},
            "title": text,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text,
            "code": {"type": "string", "enum": codes},
            "errors": {"type": "array", "items": fault, "description": "What is wrong in the request, by field."},
            "problems": {"type": "array", "items": {"type": "object"}, "description": "Faults of a rule's text."},
            "current": {"type": "object", "description": "With 412: the thing as it is now."},
            "reason": {"type": "string", "description": "With 503 `intake_paused`: why."},
        },
    }


SECURITY: dict[str, Any] = {
    "session": {
        "type": "apiKey", "in": "cookie", "name": LOOPBACK_COOKIE,
        "description": "People: POST /api/v1/session sets it; over TLS its name is __Host-ioc. Changes need Origin.",
    },
    "key": {
        "type": "http", "scheme": "bearer", "bearerFormat": "ioc_<kind>_<secret>",
        "description": "Machines: kinds device, feed, district, metrics, display.",
    },
}  # fmt: skip


def problem_responses() -> dict[str, Any]:
    """Return one response per status, which names the codes that it may carry."""
    problems: dict[int, dict[str, str]] = {}
    for problem in (*PROBLEMS.values(), *OF_STATUS.values(), INTERNAL):
        problems.setdefault(problem.status, {})[problem.code] = problem.en
    found = {}
    for status, codes in sorted(problems.items()):
        words = "; ".join(f"`{code}`: {title}" for code, title in codes.items())
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        response: dict[str, Any] = {"description": words, "content": content}
        if status in (429, 503):
            text = "Seconds to wait before the same request is sent again."
            response["headers"] = {"Retry-After": {"description": text, "schema": {"type": "integer"}}}
        if status == 401:  # noqa: PLR2004 - HTTP
            response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
        found[f"Problem{status}"] = response
    return found


def _complete(operation: Document, method: str, path: str, line: RouteAccess | None) -> None:
    """Write who may ask and every status that can come into one operation."""
    declared = operation.get("responses", {})
    statuses = refusals(operation, method, path, line) | {int(status) for status in declared if status[0] in "45"}
    operation["security"] = _security(line)
    operation["responses"] = {
        **{status: response for status, response in declared.items() if status[0] in "23"},
        **{str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)},
    }
    if "304" in declared:
        tag = declared.get("200", {}).get("headers", {}).get("ETag", {}).get("schema", VERSION_TAG)
        _add_header(operation, "If-None-Match", required=False, schema=tag)
    if line is not None and line.versioned:
        _add_header(operation, "If-Match", required=True, schema=VERSION_TAG)


def refusals(operation: Document, method: str, path: str, line: RouteAccess | None) -> set[int]:
    """Return the statuses of refusals that an operation can answer."""
    names = {(item["in"], item["name"]) for item in operation.get("parameters", ())}
    statuses = {422}  # an unknown query parameter is refused everywhere
    is_public = line is None or (line.access is None and not line.door)
    if not is_public or (method, path) == ("post", "/api/v1/session"):
        statuses |= {401, 403, 429, 503}
    if path == "/readyz":
        statuses.add(503)
    if any(where == "path" for where, _ in names) or (line is not None and line.door):
        statuses.add(404)
    if any(where == "query" for where, _ in names) or (line is not None and line.door):
        statuses.add(400)
    if ("query", "area") in names:
        statuses.add(404)
    if ("query", "changed_after") in names:
        statuses.add(410)
    if "requestBody" in operation:
        statuses |= {404, 413, 415, 422}
    if line is not None and line.versioned:
        statuses |= {412, 428}
    return statuses


def _security(line: RouteAccess | None) -> list[dict[str, list[str]]]:
    """Return the ways to prove who asks; an empty list where nobody has to."""
    if line is None or (line.access is None and not line.door):
        return []
    if line.access is None:
        return [{"key": []}]
    people: list[dict[str, list[str]]] = [{"session": []}]
    return people + ([{"key": []}] if line.access.kinds else [])


def _add_header(operation: Document, name: str, *, required: bool, schema: Document) -> None:
    text = "The version that you have seen, as its ETag says it." if required else "An ETag that you have already."
    operation.setdefault("parameters", []).append(
        {"name": name, "in": "header", "required": required, "description": text, "schema": schema}
    )


def closed_values(path: str, pack: Pack) -> dict[str, list[str]]:
    """Return the filters of a route that take values of a closed set."""
    values = {"feed": list(pack.feeds), "domain": [domain.id for domain in pack.domains]}
    if path == "/api/v1/alerts":
        values |= {"severity": [str(item) for item in Severity], "condition": [str(item) for item in Condition],
                   "state": [str(item) for item in WorkState]}  # fmt: skip
    if path == "/api/v1/alerts/{alert}/history":
        values["kind"] = [str(item) for item in (*TransitionKind, *WorkAction)]
    if path in ("/api/v1/devices", "/api/v1/devices/export"):
        values["status"] = list(DEVICE_STATUSES)
    if path.startswith("/api/v1/indicators"):
        values["agency"] = sorted({one.agency.id for one in pack.indicators})
    if path == "/api/v1/maintenance":
        values["state"] = [str(item) for item in MaintenanceState]
    if path == "/api/v1/silences":
        values["state"] = [str(item) for item in SilenceState]
    if path == "/api/v1/indicators/imports":
        values["state"] = [str(item) for item in ImportState]
    return values


def _listed_item(options: Sequence[str] | None) -> dict[str, Any]:
    """Return the schema of one value between commas."""
    if options is not None:
        return {"type": "string", "enum": list(options)}
    return {"type": "string", "minLength": 1, "maxLength": MANY_CHARS_MAX, "pattern": "^[^,]+$"}


def _close_parameters(operation: Document, path: str, pack: Pack) -> None:
    """Say which values a filter takes, and that several come with commas between."""
    closed = closed_values(path, pack)
    for parameter in operation.get("parameters", ()):
        schema = parameter.get("schema", {})
        options = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"]
        if len(options) == 1:  # absent is said by `required: false`; nobody can send a null in a query
            schema = {**options[0], **({"title": schema["title"]} if "title" in schema else {})}
        name, where = parameter["name"], parameter["in"]
        if LISTED in schema:
            parameter |= {"style": "form", "explode": False}
            schema = {"type": "array", "items": _listed_item(closed.get(name)), "minItems": 1, "maxItems": MANY_MAX}
        elif name in closed and (where == "path" or schema.get("type") == "string"):
            schema = {**schema, "enum": closed[name]}
        parameter["schema"] = schema
