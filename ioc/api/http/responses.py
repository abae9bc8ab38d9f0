"""Responses: JSON, or CSV and GeoJSON where Accept asks for them. A CSV cell never begins a formula (S10)."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from ioc.api.http import paging
from ioc.api.http.filters import Page, WholeList
from ioc.api.http.openapi_responses import CSV_TYPE, GEOJSON_TYPE
from ioc.api.serializers import nouns
from ioc.store.changes.reader import change_head
from ioc.store.postgres.engine import Connection

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


class GeoJSON(JSONResponse):
    """Names the media type of GeoJSON in the description."""

    media_type = GEOJSON_TYPE


def json_response(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(body), status, headers, "application/json")


def tagged_response(request: Request, body: Any, etag: str) -> Response:
    """Return a JSON answer with its ETag, or 304 without a body where If-None-Match has it."""
    asked = request.headers.get("if-none-match", "")
    known = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    if etag in known or "*" in known:
        return Response(status_code=304, headers={"ETag": etag})
    return json_response(body, headers={"ETag": etag})


def wanted_form(request: Request) -> str:
    """Return `csv`, `geojson` or `json` by the Accept header; JSON where none of the others is named."""
    accept = request.headers.get("accept", "").lower()
    if CSV_TYPE in accept:
        return "csv"
    return "geojson" if GEOJSON_TYPE in accept else "json"


def safe_cell(value: Any) -> str:
    """Return the text of one CSV cell. Text that a spreadsheet would run gets an apostrophe; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"'{text}" if text.startswith(DANGEROUS) else text


def flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item with one level of nesting spread into `name.part` columns."""
    spread: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, Mapping):
            spread.update({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            spread[name] = value
    return spread


def as_csv(items: Sequence[Mapping[str, Any]]) -> bytes:
    """Return CSV with a header line, in UTF-8 with the mark that spreadsheets need for Vietnamese."""
    rows = [flat(item) for item in items]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe_cell(name) for name in columns])
    writer.writerows([[safe_cell(row.get(name)) for name in columns] for row in rows])
    return "\ufeff".encode() + out.getvalue().encode()


def as_geojson(items: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a FeatureCollection of points (lon, lat); an item without a place has a null geometry."""
    features = []
    for item in items:
        lat, lon = item.get("lat"), item.get("lon")
        geometry = None if lat is None or lon is None else {"type": "Point", "coordinates": [lon, lat]}
        properties = {name: value for name, value in item.items() if name not in ("lat", "lon")}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def list_response(
    request: Request, items: Sequence[nouns.JSONObject], *, following: str | None, position: int, name: str
) -> Response:
    """Return a page in the wanted form. CSV and GeoJSON name the next page in a Link header."""
    form = wanted_form(request)
    if form == "json":
        return json_response(nouns.page(items, following=following, position=position))
    headers = {"X-Position": str(position), "Vary": "Accept"}
    if following is not None:
        given = {key: value for key, value in request.query_params.items() if key != "cursor"}
        headers["Link"] = f'<{request.url.path}?{urlencode({**given, "cursor": following})}>; rel="next"'
    if form == "csv":
        headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        return Response(as_csv(items), 200, headers, f"{CSV_TYPE}; charset=utf-8")
    return Response(as_geojson(items), 200, headers, GEOJSON_TYPE)


def next_cursor(name: str, filters: Page | WholeList, rows: Sequence[Any], keys: Sequence[str]) -> str | None:
    """Return the cursor after a full page; one row more than the limit was read to know that there is a next one."""
    if len(rows) <= filters.limit:
        return None
    last = rows[filters.limit - 1]
    return paging.make_cursor(name, filters.model_dump(), [last[key] for key in keys])


def cursor_keys(name: str, filters: Page | WholeList, shape: Sequence[type]) -> list[Any] | None:
    """Return the sort keys a page begins after, null for the first."""
    return paging.read_cursor(name, filters.model_dump(), filters.cursor, shape)


async def begin_snapshot(connection: Connection) -> int:
    """Return the change position of the transaction's snapshot: the list that follows is true exactly there."""
    return await change_head(connection)
