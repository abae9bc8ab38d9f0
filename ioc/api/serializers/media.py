"""A medium as JSON: what it is, never its bytes."""

from collections.abc import Mapping
from typing import Any

from ioc.api.serializers.nouns import JSONObject, moment


def medium_json(row: Mapping[str, Any]) -> JSONObject:
    """Return a Medium."""
    return {
        "id": row["id"],
        "type": row["type"],
        "sha256": None if row["sha256"] is None else bytes(row["sha256"]).hex(),
        "bytes": row["bytes"],
        "width": row["width"],
        "height": row["height"],
        "uploaded_by": row["uploaded_by"],
        "uploaded_at": moment(row["uploaded_at"]),
        "removed": row["removed_at"] is not None,
    }
