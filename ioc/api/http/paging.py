"""Keyset cursors: opaque, checked, and bound to the route and filters they were made with."""

import base64
import binascii
import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from ioc.errors import CursorError

CHECK_BYTES = 12
LIMIT_MAX = 500
LIMIT_DEFAULT = 100
CURSOR_LENGTH_MAX = 1_000
KEY_CHARS_MAX = 400
INT4_MIN, INT4_MAX = -(2**31), 2**31 - 1
INT8_MIN, INT8_MAX = -(2**63), 2**63 - 1
YEAR_MIN, YEAR_MAX = 1_900, 9_000


class SmallNumber(int):
    """In a shape: a number whose column has four bytes."""


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

    Its check needs no secret, so anybody can forge one: every key is held to what a column can be asked with.

    Raises:
        CursorError: it is damaged, forged or was made with other filters.
    """
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body = raw[CHECK_BYTES:]
        if raw[:CHECK_BYTES] != _check(route, bound_filters(filters), body):
            raise CursorError("the cursor belongs to other filters: start again without it", field="cursor")
        keys = orjson.loads(body)
        return [_sort_key(kind, key) for kind, key in zip(shape, keys, strict=True)]
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise CursorError("the cursor is damaged", field="cursor") from error


def _sort_key(kind: type, key: Any) -> Any:
    """Return a sort key of the wanted type.

    Raises:
        ValueError: it is of another type, or no column can be asked with it.
    """
    if kind is datetime:
        moment = datetime.fromisoformat(key)
        if moment.tzinfo is None or not YEAR_MIN <= moment.year <= YEAR_MAX:
            raise ValueError("no moment")
        return moment.astimezone(UTC)
    if type(key) is not (int if kind is SmallNumber else kind):
        raise ValueError("another type")
    low, high = (INT4_MIN, INT4_MAX) if kind is SmallNumber else (INT8_MIN, INT8_MAX)
    if isinstance(key, int) and not low <= key <= high:
        raise ValueError("no number of this column")
    if isinstance(key, str) and ("\x00" in key or len(key) > KEY_CHARS_MAX):
        raise ValueError("no text")
    if isinstance(key, float) and not math.isfinite(key):
        raise ValueError("no number")
    return key
