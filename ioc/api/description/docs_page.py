"""The API's description as a page: plain HTML made of the OpenAPI document, with one stylesheet and no script.

So it needs nothing from outside, works under the content policy, prints, and is searched with the browser's own search.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from ioc.api.auth import DECLARED

METHODS = ("get", "post", "put", "patch", "delete")
STYLE_PATH = "/api/v1/docs/style.css"
STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentcolor 25%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1rem 1.5rem 4rem; }
nav ul { columns: 16rem; padding: 0; list-style: none; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary b { display: inline-block; font-family: ui-monospace, monospace; min-width: 4.5rem; }
table { border-collapse: collapse; margin: .5rem 0; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top; }
code, pre { font-family: ui-monospace, monospace; font-size: .92em; overflow-wrap: anywhere; }
pre { border: 1px solid var(--line); border-radius: 6px; max-height: 24rem; overflow: auto; padding: .6rem; }
@media print { details { break-inside: avoid; } }
"""


def render(document: Mapping[str, Any]) -> str:
    """Return the page."""
    groups = grouped(document)
    links = "".join(
        f'<li><a href="#{escape(name)}">{escape(name)}</a> ({len(group)})</li>' for name, group in groups.items()
    )
    sections = "".join(
        f'<section><h2 id="{escape(name)}">{escape(name)}</h2>{"".join(group)}</section>'
        for name, group in groups.items()
    )
    title = f"{document['info']['title']} {document['info']['version']}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>API · {escape(title)}</title><link rel="stylesheet" href="{STYLE_PATH}"></head><body>'
        f"<main><h1>API · {escape(title)}</h1>"
        '<p>The same as a document for machines: <a href="/api/v1/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>'
        f"{refusals(document)}<nav><ul>{links}</ul></nav>{sections}{schemas(document)}</main></body></html>"
    )


def grouped(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the operations as HTML, by their tag, in the document's order."""
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                tag = (operation.get("tags") or ["other"])[0]
                groups.setdefault(tag, []).append(operation_html(method, path, operation))
    return groups


def operation_html(method: str, path: str, operation: Mapping[str, Any]) -> str:
    """Return one operation."""
    name = f"<b>{method.upper()}</b> <code>{escape(path)}</code> {escape(operation.get('summary', ''))}"
    words = f"<p>{prose(operation.get('description', ''))}</p><p>{who(operation)}</p>"
    parts = [f"<details><summary>{name}</summary>{words}"]
    parameters = operation.get("parameters", ())
    if parameters:
        rows = "".join(parameter_row(parameter) for parameter in parameters)
        parts.append(f"<table><tr><th>parameter</th><th>in</th><th>value</th><th></th></tr>{rows}</table>")
    for kind, content in (operation.get("requestBody") or {}).get("content", {}).items():
        parts.append(f"<p>Body, <code>{escape(kind)}</code>:</p>{pre(content.get('schema', {}))}")
    rows = "".join(response_row(status, response) for status, response in operation["responses"].items())
    parts.append(f"<table><tr><th>answer</th><th></th></tr>{rows}</table></details>")
    return "".join(parts)


def who(operation: Mapping[str, Any]) -> str:
    """Return in words who may ask."""
    declared = operation.get(DECLARED)
    if declared is not None:
        names = [f"people who may {declared['capability']} ({', '.join(declared['roles'])})"]
        names += [f"{kind} keys" for kind in declared["keys"]]
        return escape(f"For {', '.join(names)}.")
    return "For keys that send." if operation.get("security") else "For everybody."


def parameter_row(parameter: Mapping[str, Any]) -> str:
    """Return one line of the table of parameters."""
    schema = parameter.get("schema", {})
    needed = "required" if parameter.get("required") else ""
    words = " ".join(filter(None, (needed, parameter.get("description", ""))))
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(parameter['in'])}</td>"
        f"<td>{escape(value_words(schema))}</td><td>{prose(words)}</td></tr>"
    )


def value_words(schema: Mapping[str, Any]) -> str:
    """Return what a value may be, in a few words."""
    if "items" in schema:
        return f"one or more, with commas: {value_words(schema['items'])}"
    options = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if options:
        return ", ".join(map(str, options))
    bounds = [f"{words} {schema[name]}" for name, words in (("minimum", "from"), ("maximum", "to")) if name in schema]
    return " ".join([str(schema.get("format") or schema.get("type") or "any"), *bounds])


def response_row(status: str, response: Mapping[str, Any]) -> str:
    """Return one line of the table of answers; a refusal that all share is named and explained once, above."""
    words = "a problem" if "$ref" in response else response.get("description", "")
    return f"<tr><td><code>{escape(status)}</code></td><td>{prose(words)}</td></tr>"


def refusals(document: Mapping[str, Any]) -> str:
    """Return the refusals that the operations share, by status."""
    rows = "".join(
        f"<tr><td><code>{escape(name.removeprefix('Problem'))}</code></td><td>{prose(response['description'])}</td></tr>"
        for name, response in document["components"]["responses"].items()
    )
    return (
        "<details><summary>What a refusal says</summary><p>Every one is <code>application/problem+json</code> "
        f"with a stable <code>code</code>.</p><table><tr><th>status</th><th>codes</th></tr>{rows}</table></details>"
    )


def schemas(document: Mapping[str, Any]) -> str:
    """Return the shared schemas."""
    parts = [
        f"<details><summary><code>{escape(name)}</code></summary>{pre(schema)}</details>"
        for name, schema in document["components"]["schemas"].items()
    ]
    return f'<section><h2 id="schemas">schemas</h2>{"".join(parts)}</section>'


def prose(text: str) -> str:
    """Return text as HTML: what stands between backticks is code, an empty line begins a paragraph."""
    return "".join(_pieces(escape(text))).replace("\n\n", "<br><br>")


def _pieces(text: str) -> Iterator[str]:
    for number, piece in enumerate(text.split("`")):
        yield f"<code>{piece}</code>" if number % 2 else piece


def pre(value: Any) -> str:
    """Return a value as indented JSON."""
    return f"<pre>{escape(json.dumps(value, ensure_ascii=False, indent=1))}</pre>"
