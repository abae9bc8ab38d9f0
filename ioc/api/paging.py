"""Keyset cursors: opaque, checked, and bound to the route and filters they were made with."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from ioc.errors import InvalidInputError

CHECK_BYTES = 12
LIMIT_MAX = 500
LIMIT_DEFAULT = 100
CURSOR_LENGTH_MAX = 1_000


def _check(route: str, filters: Mapping[str, Any], body: bytes) -> bytes:
    bound = orjson.dumps([route, {key: filters[key] for key in sorted(filters)}], default=str)
    return hashlib.blake2b(bound + b"\x00" + body, digest_size=CHECK_BYTES).digest()


def bound_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a cursor is bound to: every given filter but the page's own size and place."""
    return {key: value for key, value in filters.items() if value is not None and key not in ("cursor", "limit")}


def make_cursor(route: str, filters: Mapping[str, Any], keys: Sequence[Any]) -> str:
    """Return the cursor after a row; ``keys`` are its sort keys (text, numbers, datetimes)."""
    body = orjson.dumps([key.isoformat() if isinstance(key, datetime) else key for key in keys])
    return base64.urlsafe_b64encode(_check(route, bound_filters(filters), body) + body).decode().rstrip("=")


def read_cursor(route: str, filters: Mapping[str, Any], text: str | None, shape: Sequence[type]) -> list[Any] | None:
    """Return the sort keys of a cursor, null without one; ``shape`` names their types.

    Raises:
        InvalidInputError: it is damaged or was made with other filters.
    """
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body = raw[CHECK_BYTES:]
        if raw[:CHECK_BYTES] != _check(route, bound_filters(filters), body):
            raise InvalidInputError("the cursor belongs to other filters: start again without it", field="cursor")
        keys = orjson.loads(body)
        return [
            datetime.fromisoformat(key) if kind is datetime else kind(key)
            for kind, key in zip(shape, keys, strict=True)
        ]
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidInputError("the cursor is damaged", field="cursor") from error
