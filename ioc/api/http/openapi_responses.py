"""What a route declares of its answers, in the one place that its description is made from."""

from collections.abc import Collection
from typing import Any

CSV_TYPE = "text/csv"
GEOJSON_TYPE = "application/geo+json"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS: dict[str, Any] = {
    CSV_TYPE: {"schema": {"type": "string", "description": "The same items, a line each."}},
    GEOJSON_TYPE: {"schema": {"$ref": "#/components/schemas/FeatureCollection"}},
}
XLSX_FILE: dict[str, Any] = {
    "status_code": 200,
    "responses": {200: {"content": {XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
}
"""What the decorator of a route says that answers with a workbook alone."""
VERSION_PATTERN = '"([0-9]{1,9})(?:[.][0-9]{1,19}){0,3}"'
VERSION_TAG = {"type": "string", "pattern": f"^{VERSION_PATTERN}$", "example": '"3"'}
ETAG = {"ETag": {"description": "Its version.", "schema": VERSION_TAG}}


def responses_of(
    model: Any = None,
    *,
    status: int = 200,
    tagged: bool = False,
    conditional: bool = False,
    forms: Collection[str] = (),
    refused: Collection[int] = (),
) -> dict[str, Any]:
    """Return what the decorator of a route says of its answers.

    ``model`` is that of the body, nothing for 204: the handler writes the body itself, and the tests hold it against
    the model. ``tagged``: it has an ETag; ``conditional``: and answers If-None-Match. ``forms``: the other media types
    that Accept may ask for. ``refused``: what follows neither from the route's access nor from its parameters, such as
    409 where the present state may forbid the change.
    """
    found: dict[str, Any] = {} if model is None else {"model": model}
    if tagged:
        found["headers"] = ETAG
    if forms:
        found["content"] = {form: FORMS[form] for form in forms}
    responses: dict[int | str, dict[str, Any]] = {code: {} for code in refused}
    if found:
        responses[status] = found
    if conditional:
        responses[304] = {"description": "It is as If-None-Match has it."}
    return {"status_code": status if model is not None else 204, "responses": responses}
