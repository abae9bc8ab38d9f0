"""What says who a person is lies apart from the log, where it can be deleted; the log holds a reference.

Nothing in a reference tells of the value: it is made by chance, never by hashing, which a list of telephone numbers
would undo.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from ioc.domain.event import PersonalValue
from ioc.domain.feed import FeedSpec

PREFIX = "person:"
REFERENCE = re.compile(rf"{PREFIX}[0-9a-f]{{32}}")
TAKEN_OUT = "[personal]"
"""What stands for such a value in a refused message."""


def new_reference() -> str:
    """Return a reference that nothing else has."""
    return f"{PREFIX}{secrets.token_hex(16)}"


def is_reference(value: object) -> bool:
    """Tell whether a value of an event stands for one that is kept apart."""
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None


def set_apart(feed: FeedSpec, data: dict[str, Any]) -> tuple[PersonalValue, ...]:
    """Take out of a reading what says who a person is, and leave the references.

    A reference that a sender writes is a value like any other: nobody is given what lies under somebody else's.
    """
    if not feed.personal:
        return ()
    apart = tuple(
        PersonalValue(new_reference(), name, value)
        for name, value in data.items()
        if value is not None and feed.withholds(name)
    )
    data.update({one.field: one.reference for one in apart})
    return apart


def without_persons(feed: FeedSpec, raw: bytes, *, reserved: frozenset[str]) -> bytes:
    """Return a refused body without what says who a person is; nothing of one that cannot be read."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return b""
    items = body if isinstance(body, list) else [body]
    if not all(isinstance(item, dict) for item in items):
        return b""
    cleared = [_cleared(feed, item, reserved) for item in items]
    return orjson.dumps(cleared if isinstance(body, list) else cleared[0])


def _cleared(feed: FeedSpec, item: Mapping[str, Any], reserved: frozenset[str]) -> dict[str, Any]:
    return {name: TAKEN_OUT if name not in reserved and feed.withholds(name) else value for name, value in item.items()}
