"""Bytes to JSON objects, strictly: the same verdict at every door (SECURITY S14, S15).

Refused per item: duplicate keys, NaN and Infinity, numbers past 64 bits, NUL, lone surrogates, depth over 32,
more than 1,000 keys, strings over 64 kB. Only a body in which nothing can be read is refused whole.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
DEPTH_MAX = 32
KEYS_MAX = 1_000
STRING_BYTES_MAX = 64 << 10
INTEGER_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be taken: a code for machines, a sentence for people."""

    reason: str
    detail: str
    field: str | None = None
    """The field of the feed that it is about."""


class DecodeError(Exception):
    """Nothing of the body can be read."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal = Refusal(reason, detail)


@dataclass(frozen=True, slots=True)
class _Bad:
    refusal: Refusal


def _object(pairs: list[tuple[str, Any]]) -> object:
    members = dict(pairs)
    if len(members) != len(pairs):
        return _Bad(Refusal("duplicate_key", f"the member {_twice(pairs)[:60]!r} comes twice"))
    return members


def _twice(pairs: list[tuple[str, Any]]) -> str:
    """Return the first name that comes again. One pass: 20,000 names must not cost 20,000 times 20,000."""
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise AssertionError("a name comes twice")


def _constant(name: str) -> object:
    return _Bad(Refusal("not_finite", f"{name} is no JSON number"))


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def parse(body: bytes) -> object:
    """Return the JSON value; what is wrong inside it is marked and found by :func:`check`.

    Raises:
        DecodeError: it is no JSON.
    """
    try:
        return _DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise DecodeError("not_utf8", f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise DecodeError("too_deep", f"nested deeper than {DEPTH_MAX}") from error
    except ValueError as error:
        if "int" in str(error) and "digits" in str(error):
            raise DecodeError("number_too_large", "a number has thousands of digits") from error
        raise DecodeError("not_json", str(error)[:200]) from error


def flat(body: bytes) -> dict[str, Any] | None:
    """Return the event of a body that is one plain object, quickly; None: :func:`parse` and :func:`check` decide.

    This is the short way of nearly every body (4 us instead of 11): orjson reads it, and what orjson is lax about
    is looked for. It keeps the last of two members of one name: then the body has more quotation marks than its names
    and texts need. It reads whole numbers past 64 bits as floats: those are past 2**63. Whatever holds an escape,
    is nested, is large or is wrong takes the long way, so that there is one verdict (tests/property/test_decode.py).
    """
    if len(body) > STRING_BYTES_MAX or b"\\" in body:
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(value) is not dict or len(value) > KEYS_MAX:
        return None
    texts = len(value)
    for member in value.values():
        kind = type(member)
        if kind is str:
            texts += 1
        elif kind is float or kind is int:
            if not -INTEGER_MAX <= member <= INTEGER_MAX:
                return None
        elif kind is not bool and member is not None:
            return None
    return value if body.count(b'"') == 2 * texts else None


def check(value: object, *, escapes: bool) -> Refusal | None:
    """Return why ``value`` must be refused, or None. ``escapes``: the body holds a u-escape somewhere."""
    stack: list[tuple[object, int]] = [(value, 1)]
    keys = 0
    while stack:
        item, depth = stack.pop()
        kind = type(item)
        if kind is dict:
            keys += len(item)  # type: ignore[arg-type]
            if depth > DEPTH_MAX or keys > KEYS_MAX:
                return _too_big(depth)
            for name, member in item.items():  # type: ignore[attr-defined]
                if (escapes or len(name) > KEYS_MAX) and (refusal := _text(name)):
                    return refusal
                if type(member) is not bool and member is not None:
                    stack.append((member, depth + 1))
        elif kind is list:
            keys += len(item)  # type: ignore[arg-type]
            if depth > DEPTH_MAX or keys > KEYS_MAX:
                return _too_big(depth)
            stack.extend((member, depth + 1) for member in item)  # type: ignore[attr-defined]
        elif refusal := _scalar(item, escapes=escapes):
            return refusal
    return None


def _too_big(depth: int) -> Refusal:
    if depth > DEPTH_MAX:
        return Refusal("too_deep", f"nested deeper than {DEPTH_MAX}")
    return Refusal("too_many_members", f"more than {KEYS_MAX} members")


def _scalar(item: object, *, escapes: bool) -> Refusal | None:
    if isinstance(item, str):
        return _text(item) if escapes or len(item) > STRING_BYTES_MAX // 4 else None
    if isinstance(item, float) and not math.isfinite(item):
        return Refusal("not_finite", "a number is too large for 64 bits")
    if isinstance(item, int) and abs(item) > INTEGER_MAX:
        return Refusal("number_too_large", "a whole number does not fit 64 bits")
    return item.refusal if isinstance(item, _Bad) else None


def _text(text: str) -> Refusal | None:
    if "\x00" in text:
        return Refusal("nul", "a string holds the character NUL")
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        return Refusal("lone_surrogate", "a string holds half a surrogate pair")
    if length > STRING_BYTES_MAX:
        return Refusal("string_too_long", f"a string is longer than {STRING_BYTES_MAX} bytes")
    return None


def items(body: bytes, *, newline_delimited: bool, events_max: int) -> list[dict[str, Any] | Refusal]:
    """Return one object or refusal per event of a body (an object, an array of them, or NDJSON lines).

    A byte order mark before it and NULs after it are passed over: editors write the one, C strings sent with their
    end the other.

    Raises:
        DecodeError: nothing of it can be read, or it holds more than ``events_max`` events.
    """
    if body[-1:] == b"\0" or body[:3] == BYTE_ORDER_MARK:
        body = body.rstrip(b"\0").removeprefix(BYTE_ORDER_MARK)
    if newline_delimited:
        # Lines past the bound are not even parsed: a body of two million of them would stop the door for seconds.
        lines = list(islice((line for line in body.split(b"\n") if line.strip()), events_max + 1))
        _check_count(len(lines), events_max=events_max)
        return _lines(lines)
    plain = flat(body)
    if plain is not None and events_max:
        return [plain]
    if not body.strip():
        found: list[object] = []
    else:
        value = parse(body)
        found = value if isinstance(value, list) else [value]
    _check_count(len(found), events_max=events_max)
    escapes = b"\\u" in body
    return [_item(item, escapes=escapes) for item in found]


def _check_count(count: int, *, events_max: int) -> None:
    if not count:
        raise DecodeError("empty", "there is no event in it")
    if count > events_max:
        raise DecodeError("too_many_events", f"more than {events_max} events in one body")


def _lines(lines: list[bytes]) -> list[dict[str, Any] | Refusal]:
    found: list[dict[str, Any] | Refusal] = []
    readable = False
    for line in lines:
        plain = flat(line)
        if plain is None:
            value = _line(line)
            readable = readable or not isinstance(value, _Bad)
            found.append(_item(value, escapes=b"\\u" in line))
        else:
            readable = True
            found.append(plain)
    if not readable:
        raise DecodeError("not_json", "no line is JSON")
    return found


def _line(line: bytes) -> object:
    try:
        return parse(line)
    except DecodeError as error:
        return _Bad(error.refusal)


def _item(item: object, *, escapes: bool) -> dict[str, Any] | Refusal:
    if isinstance(item, _Bad):
        return item.refusal
    if not isinstance(item, dict):
        return Refusal("not_an_object", "an event is a JSON object")
    return check(item, escapes=escapes) or item


def inflate(body: bytes, *, bytes_max: int) -> bytes:
    """Unpack gzip, never past ``bytes_max`` (a bomb of 1:1028 stops at the bound).

    Raises:
        DecodeError: it is no gzip, is cut off, or unpacks to more.
    """
    unpacker = zlib.decompressobj(31)
    try:
        unpacked = unpacker.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise DecodeError("not_gzip", "the body is not gzip") from error
    if len(unpacked) > bytes_max:
        raise DecodeError("too_large", f"it unpacks to more than {bytes_max} bytes")
    if not unpacker.eof:
        raise DecodeError("not_gzip", "the gzip stream is cut off")
    return unpacked
