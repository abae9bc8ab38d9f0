"""Clauses: the only door to CEL (cel-expr-python).

Compiled once, type-checked against the feed, evaluated to true, false or *no data* (None). The library answers a
failing evaluation with a value that looks true, so nothing but a real BOOL counts here; a failure is raised.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cel_expr_python import cel

from ioc.domain.feed import FieldType
from ioc.errors import IOCError
from ioc.rules.language.compiled_clauses import Closure, shortcut

TEXT_MAX = 2_000
LITERALS_MAX = 6
"""Integer literals for which every choice of promotion is tried (64 compilations of 0.1 ms)."""
INTEGER = re.compile(r"(?<![\w.\"'])(\d+)(?![\w.\"'])")
QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
RESERVED = frozenset({
    "false", "in", "null", "true", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
    "let", "loop", "package", "namespace", "return", "var", "void", "while", "type", "int", "uint", "double",
    "bool", "string", "bytes", "list", "map", "dyn", "timestamp", "duration", "size", "matches", "has",
})  # fmt: skip
"""Names that CEL keeps for itself; a feed's field of such a name cannot stand in a clause."""
CONTEXT: Mapping[str, FieldType] = {
    "device": FieldType.TEXT, "feed": FieldType.TEXT, "area": FieldType.TEXT, "zone": FieldType.TEXT,
    "lat": FieldType.NUMBER, "lon": FieldType.NUMBER, "place": FieldType.TEXT, "owner": FieldType.TEXT,
    "parent": FieldType.TEXT, "critical": FieldType.BOOLEAN,
}  # fmt: skip
"""What a clause may ask of an event's device and place, beside the feed's own fields."""


class ClauseError(IOCError):
    """A clause cannot be compiled; the message points at the place."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class EvaluationError(IOCError):
    """A clause failed on one event; counted per rule and key, and never true."""


def cel_type(kind: FieldType) -> Any:
    """Return CEL's type of a feed's field type."""
    types = cel.Type
    return {
        FieldType.NUMBER: types.DOUBLE,
        FieldType.INTEGER: types.INT,
        FieldType.BOOLEAN: types.BOOL,
        FieldType.TEXT: types.STRING,
        FieldType.OBJECT: types.DYN,
        FieldType.TIME: types.STRING,
    }[kind]


@dataclass(frozen=True, slots=True)
class Clause:
    """One compiled clause. ``text`` is as written; ``names`` are the variables it reads."""

    text: str
    names: frozenset[str]
    _expression: Any = field(repr=False, compare=False)
    _closure: Closure | None = field(default=None, repr=False, compare=False)
    ask: Closure = field(init=False, repr=False, compare=False)
    """The same as calling it, without the call in between."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ask", self._closure or self.by_cel)

    def __call__(self, values: Mapping[str, Any]) -> bool | None:
        """Return whether it holds for ``values`` (null members left out); None is *no data*.

        Raises:
            EvaluationError: it has data and still no answer (a division by zero, an overflow).
        """
        return self.ask(values)

    def by_cel(self, values: Mapping[str, Any]) -> bool | None:
        """Return the same, always by CEL."""
        assert self._expression is not None, "a clause that was only read is told, and not asked"
        known = {name: values[name] for name in self.names if values.get(name) is not None}
        answer = self._expression.eval(data=known)
        if answer.type() == cel.Type.BOOL:
            return answer.value() is True
        message = str(answer.value())
        if len(known) < len(self.names) or message.startswith("NOT_FOUND"):
            return None
        raise EvaluationError(f"{self.text}: {message}")

    @property
    def simple(self) -> bool:
        """Tell whether it runs without CEL."""
        return self._closure is not None


def verdict(when: Clause, values: Mapping[str, Any]) -> tuple[bool | None, bool]:
    """Return (truth, whether the evaluation failed); a failure is never true."""
    try:
        return when(values), False
    except EvaluationError:
        return None, True


class Vocabulary:
    """The typed names that the clauses of one rule may use, and their compiler."""

    def __init__(self, fields: Mapping[str, FieldType], *, limited: bool = False, compiles: bool = True) -> None:
        """``limited``: the name `limit` stands for the rule's limit in force, where no field has that name.

        Without ``compiles`` clauses are read and not compiled: for a rule in force, which was checked, to be told of.
        """
        self.types: dict[str, FieldType] = {
            name: kind for name, kind in fields.items() if IDENTIFIER.fullmatch(name) and name not in RESERVED
        }
        self.types.update(CONTEXT)
        if limited:
            self.types.setdefault("limit", FieldType.NUMBER)
        self.names = frozenset((*self.types, "flags", "extra"))
        self._environment = cel.NewEnv(variables=self._variables()) if compiles else None

    def _variables(self) -> dict[str, Any]:
        variables = {name: cel_type(kind) for name, kind in self.types.items()}
        variables["flags"] = cel.Type.List(cel.Type.STRING)
        variables["extra"] = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
        return variables

    def compile(self, text: str) -> Clause:
        """Return the clause that ``text`` says, promoting the fewest integer literals that make it type-check.

        Raises:
            ClauseError: it is no clause over these names; with the place and a hint.
        """
        if not isinstance(text, str) or not text.strip():
            raise ClauseError("a clause is a text such as 'rain_24h_mm > 100'")
        if len(text) > TEXT_MAX:
            raise ClauseError(f"longer than {TEXT_MAX} characters")
        if self._environment is None:
            return Clause(text, self._named(text), None)
        first = ""
        for variant in promotions(text):
            try:
                expression = self._environment.compile(variant)
            except RuntimeError as error:
                first = first or str(error)
                continue
            if expression.return_type() != cel.Type.BOOL:
                raise ClauseError(f"gives {expression.return_type()}, not true or false", hint="compare it: `> 0`")
            return Clause(text, self._named(variant), expression, shortcut(variant, self.types))
        raise ClauseError(readable(first), hint=self.hint(first))

    def without_fields(self) -> Vocabulary:
        """Return the vocabulary of the place alone."""
        return Vocabulary({}, compiles=self._environment is not None)

    def _named(self, text: str) -> frozenset[str]:
        return frozenset(WORD.findall(QUOTED.sub('""', text))) & self.names

    def hint(self, message: str) -> str:
        """Return what the author probably meant."""
        unknown = re.search(r"undeclared reference to '(\w+)'", message)
        if unknown:
            near = difflib.get_close_matches(unknown.group(1), sorted(self.names), n=1)
            known = ", ".join(sorted(set(self.types) - set(CONTEXT)))
            return f"did you mean {near[0]!r}?" if near else f"the feed has {known}"
        applied = re.search(r"applied to '\((\w+), (\w+)\)'", message)
        if applied:
            return f"the two sides differ in type: {applied.group(1)} and {applied.group(2)}"
        return ""


def readable(message: str) -> str:
    """Return CEL's message without its status words and drawing."""
    line = message.split("\n", 1)[0]
    line = re.sub(r"^INVALID_ARGUMENT: ERROR: <input>:1:(\d+): ", r"column \1: ", line)
    return line.replace(" (in container '')", "")


def promotions(text: str) -> list[str]:
    """Return ``text`` with no, one, two ... of its integer literals written as doubles, fewest first."""
    masked = QUOTED.sub(lambda match: " " * len(match.group()), text)
    places = [match.end() for match in INTEGER.finditer(masked)]
    if len(places) > LITERALS_MAX:
        return [text, doubled(text, tuple(places))]
    chosen = itertools.chain.from_iterable(itertools.combinations(places, count) for count in range(len(places) + 1))
    return [doubled(text, choice) for choice in chosen]


def doubled(text: str, ends: tuple[int, ...]) -> str:
    """Return ``text`` with `.0` put after each of the given ends of a literal."""
    for end in sorted(ends, reverse=True):
        text = f"{text[:end]}.0{text[end:]}"
    return text


def bind(data: Mapping[str, Any], types: Mapping[str, FieldType]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return (values, wrong): the members of ``data`` with their declared type, and the names of those without.

    Null members are left out: they are *no data*. Whole numbers become floats where the feed says number.
    """
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name, value in data.items():
        kind = types.get(name)
        if kind is None or value is None:
            continue
        if kind is FieldType.NUMBER:
            if type(value) is float or type(value) is int:
                values[name] = float(value)
                continue
        elif kind is FieldType.OBJECT or type(value) is EXACT[kind]:
            values[name] = value
            continue
        wrong.append(name)
    return values, tuple(wrong)


EXACT: Mapping[FieldType, type] = {
    FieldType.INTEGER: int, FieldType.BOOLEAN: bool, FieldType.TEXT: str, FieldType.TIME: str,
}  # fmt: skip
