"""The short way for simple clauses: `field op constant` joined by && and ||, as plain Python closures.

Most rules are no more than this, and a closure costs a thirtieth of a CEL evaluation. What it cannot read exactly it
leaves to CEL; what it reads agrees with CEL (a property test holds both against each other). Logic is Kleene's, as
CEL's own: a missing value is *no data* (None), which a false side of && or a true side of || outweighs.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from ioc.domain.feed import FieldType

Values = Mapping[str, Any]
Closure = Callable[[Values], bool | None]

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.\d+(?:[eE][+-]?\d+)?|\d+)(?![\w.])|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<text>\"[^\"\\]*\"|'[^'\\]*')|(?P<sign>&&|\|\||[<>=!]=|[<>()!-]))"
)
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
MIRROR = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}
CONSTANTS = {
    FieldType.NUMBER: float,
    FieldType.INTEGER: int,
    FieldType.TEXT: str,
    FieldType.TIME: str,
    FieldType.BOOLEAN: bool,
}
TRUTHS = {"true": True, "false": False}
DEPTH_MAX = 20


class UnreadableError(Exception):
    """Not one of the simple shapes: CEL will evaluate it."""


def tokens(text: str) -> list[tuple[str, str]]:
    """Split ``text`` into (kind, token).

    Raises:
        UnreadableError: it holds something that no simple clause has.
    """
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise UnreadableError(text[place:])
        found.append((match.lastgroup, match.group(match.lastgroup)))
        place = match.end()
    return found


class Reader:
    """Recursive descent over one clause; makes the closure while it reads."""

    def __init__(self, text: str, types: Mapping[str, FieldType]) -> None:
        self.tokens = tokens(text)
        self.types = types
        self.place = 0

    def peek(self) -> str:
        """Return the next token, empty at the end."""
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        """Return (kind, token) and move on."""
        if self.place >= len(self.tokens):
            raise UnreadableError("ends early")
        self.place += 1
        return self.tokens[self.place - 1]

    def any_of(self, depth: int = 0) -> Closure:
        """Read `a || b || ...`."""
        parts = [self.all_of(depth)]
        while self.peek() == "||":
            self.take()
            parts.append(self.all_of(depth))
        return parts[0] if len(parts) == 1 else disjunction(tuple(parts))

    def all_of(self, depth: int) -> Closure:
        """Read `a && b && ...`."""
        parts = [self.one(depth)]
        while self.peek() == "&&":
            self.take()
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else conjunction(tuple(parts))

    def one(self, depth: int) -> Closure:
        """Read a comparison or something in parentheses."""
        if depth > DEPTH_MAX:
            raise UnreadableError("too deep")
        if self.peek() == "(":
            self.take()
            inner = self.any_of(depth + 1)
            if self.take()[1] != ")":
                raise UnreadableError("parenthesis")
            return inner
        if self.peek() == "!":
            self.take()
            return negation(self.one(depth + 1))
        left = self.operand()
        if isinstance(left, Name) and self.peek() not in COMPARE and self.types[left] is FieldType.BOOLEAN:
            return compare(str(left), operator.is_, True)  # noqa: FBT003 - the constant it is held against
        sign, right = self.take()[1], self.operand()
        if sign not in COMPARE:
            raise UnreadableError(sign)
        if isinstance(left, Name) and not isinstance(right, Name):
            return self.comparison(left, sign, right)
        if isinstance(right, Name) and not isinstance(left, Name):
            return self.comparison(right, MIRROR[sign], left)
        if isinstance(left, Name) and isinstance(right, Name):
            return self.comparison_of(left, sign, right)
        raise UnreadableError("two constants")

    def operand(self) -> object:
        """Read a name, a number (perhaps negative), a text, true or false."""
        kind, token = self.take()
        negative = token == "-"  # noqa: S105 - a sign of the language
        if negative:
            kind, token = self.take()
        if kind == "number":
            number: float = float(token) if "." in token else int(token)
            return -number if negative else number
        if negative:
            raise UnreadableError(token)
        if kind == "name" and token in TRUTHS:
            return TRUTHS[token]
        if kind == "name" and token in self.types:
            return Name(token)
        if kind == "text":
            return token[1:-1]
        raise UnreadableError(token)

    def comparison(self, name: Name, sign: str, constant: object) -> Closure:
        """Return the closure of `name sign constant`, if CEL would compare these two types."""
        wanted = CONSTANTS.get(self.types[name])
        if wanted is None or type(constant) is not wanted:
            raise UnreadableError(f"{name} {sign} {constant!r}")
        if wanted in (str, bool) and sign not in ("==", "!="):
            raise UnreadableError("texts and truths have an order of their own in CEL")
        return compare(str(name), COMPARE[sign], constant)

    def comparison_of(self, left: Name, sign: str, right: Name) -> Closure:
        """Return the closure of `name sign name` for two numbers of one type, such as a measure and its `limit`."""
        kind = self.types[left]
        if kind is not self.types[right] or kind not in (FieldType.NUMBER, FieldType.INTEGER):
            raise UnreadableError(f"{left} {sign} {right}")
        return compare_names(str(left), COMPARE[sign], str(right))


class Name(str):
    """A declared name, as opposed to a text constant."""

    __slots__ = ()


def compare(name: str, sign: Callable[[Any, Any], bool], constant: object) -> Closure:
    """Return the closure of one comparison."""

    def holds(values: Values) -> bool | None:
        value = values.get(name)
        return None if value is None else sign(value, constant)

    return holds


def compare_names(left: str, sign: Callable[[Any, Any], bool], right: str) -> Closure:
    """Return the closure that holds two values against each other."""

    def holds(values: Values) -> bool | None:
        one, other = values.get(left), values.get(right)
        return None if one is None or other is None else sign(one, other)

    return holds


def negation(part: Closure) -> Closure:
    """Return Kleene's not."""

    def holds(values: Values) -> bool | None:
        verdict = part(values)
        return None if verdict is None else not verdict

    return holds


def conjunction(parts: tuple[Closure, ...]) -> Closure:
    """Return Kleene's and."""

    def holds(values: Values) -> bool | None:
        verdict: bool | None = True
        for part in parts:
            one = part(values)
            if one is False:
                return False
            if one is None:
                verdict = None
        return verdict

    return holds


def disjunction(parts: tuple[Closure, ...]) -> Closure:
    """Return Kleene's or."""

    def holds(values: Values) -> bool | None:
        verdict: bool | None = False
        for part in parts:
            one = part(values)
            if one:
                return True
            if one is None:
                verdict = None
        return verdict

    return holds


def shortcut(text: str, types: Mapping[str, FieldType]) -> Closure | None:
    """Return a closure for ``text`` (already type-checked by CEL), or None when only CEL can evaluate it."""
    try:
        reader = Reader(text, types)
        closure = reader.any_of()
    except UnreadableError:
        return None
    return closure if reader.place == len(reader.tokens) else None


def required_text(text: str) -> tuple[str, str] | None:
    """Return the (name, text) that a clause asks for, whatever else it asks: the first `name == "text"` of its ands.

    None where it has none, or where it is more than simple comparisons: then it has to be looked at every time.
    """
    try:
        found = tokens(text)
    except UnreadableError:
        return None
    depth = 0
    parts: list[list[tuple[str, str]]] = [[]]
    for kind, sign in found:
        depth += (sign == "(") - (sign == ")") if kind == "sign" else 0
        if depth or kind != "sign" or sign not in ("&&", "||"):
            parts[-1].append((kind, sign))
        elif sign == "||":
            return None
        else:
            parts.append([])
    return next((asked for asked in map(asked_text, parts) if asked is not None), None)


def asked_text(part: list[tuple[str, str]]) -> tuple[str, str] | None:
    """Return (name, text) of a part that is `name == "text"`, either way round."""
    kinds, words = [kind for kind, _ in part], [word for _, word in part]
    if kinds == ["name", "sign", "text"] and words[1] == "==":
        return words[0], words[2][1:-1]
    if kinds == ["text", "sign", "name"] and words[1] == "==":
        return words[2], words[0][1:-1]
    return None
