"""Files of a pack as values that remember their lines: strict YAML, CSV and GeoJSON.

YAML here is the core schema of YAML 1.2: only true/false/null, decimal integers and floats are not text. So
`04795` stays a code, `2025-07-01` a date to be read later, `no` a word. Aliases, duplicate keys and text that is
not NFC are refused: the first can blow up, the second hides a line, the third makes equal names unequal.
"""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from ioc.packs.problem import Findings

FILE_BYTES_MAX = 2 << 20
ROWS_MAX = 20_000
DEPTH_MAX = 32
CORE_SCALARS = {
    "null": re.compile(r"~|null|"),
    "bool": re.compile(r"true|false"),
    "int": re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})"),
    "float": re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"),
}
PLAIN_TAGS = frozenset({f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map")})
KeyPath = tuple[str | int, ...]


class PlainParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """From text to events in Python alone, for a PyYAML that was built without libyaml."""

    def __init__(self, stream: str) -> None:
        yaml.reader.Reader.__init__(self, stream)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)


FastParser: Any = yaml.cyaml.CParser if yaml.__with_libyaml__ else PlainParser  # type: ignore[attr-defined]
"""libyaml reads a pack of a hundred rules several times as fast, and every role reads it at its start. Only events come
from it: nodes are composed here, since its own composer would follow any depth until the process dies."""


class CoreLoader(yaml.composer.Composer, FastParser, yaml.resolver.Resolver):  # type: ignore[misc]
    """A loader that composes nodes with marks, resolves only the core schema and knows no aliases."""

    def __init__(self, stream: str) -> None:
        FastParser.__init__(self, stream)
        yaml.composer.Composer.__init__(self)
        yaml.resolver.Resolver.__init__(self)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node; an alias is refused."""
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", event.start_mark)
        return super().compose_node(parent, index)


CoreLoader.yaml_implicit_resolvers = {}


@dataclass(frozen=True, slots=True)
class SourceValue:
    """A value read from a file of the pack, and the line of every key in it."""

    file: str
    value: Any
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    text: str = ""
    columns: Mapping[KeyPath, int] = field(default_factory=dict)

    def place(self, *path: str | int) -> tuple[int, int]:
        """Return line and column of ``path``, or of the nearest thing around it that has them."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]], self.columns.get(path[:length], 0)
        return 1, 0

    def line(self, *path: str | int) -> int:
        """Return the line of ``path``, or of the nearest thing around it that has one."""
        return self.place(*path)[0]


def read_text(path: Path, *, name: str, findings: Findings) -> str | None:
    """Return the file's text, or None with the problem noted: absent, too long, not UTF-8, not NFC."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        findings.add(file=name, line=1, message=f"cannot be read: {error.strerror}", hint="every pack has this file")
        return None
    if len(raw) > FILE_BYTES_MAX:
        findings.add(file=name, line=1, message=f"longer than {FILE_BYTES_MAX} bytes", hint="split it")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        findings.add(file=name, line=line, message="not UTF-8", hint="save the file as UTF-8")
        return None
    for number, line_text in enumerate(text.split("\n"), start=1):
        check_text(line_text, file=name, line=number, findings=findings)
    return text


def check_text(text: str, *, file: str, line: int, findings: Findings) -> bool:
    """Tell whether ``text`` can be stored and compared, with the problem noted where it cannot."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        findings.add(
            file=file, line=line, message="a letter that cannot be stored", hint="NUL or half a surrogate pair"
        )
        return False
    if not unicodedata.is_normalized("NFC", text):
        findings.add(file=file, line=line, message="text is not NFC", hint="normalise it: precomposed letters")
        return False
    return True


def read_yaml(path: Path, *, name: str, findings: Findings) -> SourceValue | None:
    """Return the one mapping of a YAML file, or None with the problem noted."""
    text = read_text(path, name=name, findings=findings)
    return None if text is None else parse_yaml(text, name=name, findings=findings)


def parse_yaml(text: str, *, name: str, findings: Findings) -> SourceValue | None:
    """Return the one mapping that a text of YAML is, or None with the problem noted."""
    try:
        # CoreLoader constructs nothing: it only composes nodes.
        node = yaml.compose(text, Loader=CoreLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 0)
        message, hint = (
            f"not readable as YAML: {error.problem or error.context}",
            "check indentation, quotes and colons",
        )
        findings.add(file=name, line=line, message=message, hint=hint, column=column)
        return None
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes; a line break is one in either count.
        line = text.encode()[: error.position].count(b"\n") + 1
        findings.add(file=name, line=line, message=f"not readable as YAML: {error.reason}", hint="remove it")
        return None
    except RecursionError:
        findings.add(file=name, line=1, message=f"nested deeper than {DEPTH_MAX}")
        return None
    if not isinstance(node, yaml.MappingNode):
        findings.add(file=name, line=1, message="not a mapping", hint="begin with `key: value` lines")
        return None
    reader = NodeReader(name, findings)
    value = reader.read(node, ())
    return SourceValue(name, value, reader.lines, text, reader.columns)


@dataclass(frozen=True, slots=True)
class NodeReader:
    """Turns composed nodes into JSON-ready values and writes down each key's line."""

    file: str
    findings: Findings
    lines: dict[KeyPath, int] = field(default_factory=dict)
    columns: dict[KeyPath, int] = field(default_factory=dict)

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        """Return the value of ``node``; null with a problem noted where it goes too deep."""
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self.columns.setdefault(path, node.start_mark.column + 1)
        if len(path) > DEPTH_MAX:
            self.findings.add(file=self.file, line=line, message=f"nested deeper than {DEPTH_MAX}")
            return None
        if node.tag not in PLAIN_TAGS:
            self.findings.add(file=self.file, line=line, message=f"the tag {node.tag} is not allowed", hint="remove it")
            return None
        if isinstance(node, yaml.MappingNode):
            return self.read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode), node
        sound = check_text(str(node.value), file=self.file, line=line, findings=self.findings)
        return self.read_scalar(node) if sound else None

    def read_mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        """Return the mapping; a key that comes twice or is no text is a problem."""
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.findings.add(file=self.file, line=line, message="a key is not text")
                continue
            key = str(key_node.value)
            if not check_text(key, file=self.file, line=line, findings=self.findings):
                continue
            if key in mapping:
                hint = f"the first is on line {self.lines[(*path, key)]}"
                self.findings.add(file=self.file, line=line, message=f"the key `{key}` comes twice", hint=hint)
                continue
            self.lines[(*path, key)], self.columns[(*path, key)] = line, key_node.start_mark.column + 1
            mapping[key] = self.read(value_node, (*path, key))
        return mapping

    def read_scalar(self, node: yaml.ScalarNode) -> str | int | float | bool | None:
        """Return a plain scalar by the core schema, any other as text."""
        text = str(node.value)
        if node.style:  # of a plain one libyaml says that it is empty, Python that it is None
            return text
        match next((name for name, pattern in CORE_SCALARS.items() if pattern.fullmatch(text)), "text"):
            case "null":
                return None
            case "bool":
                return text == "true"
            case "int":
                return int(text)
            case "float" if math.isfinite(float(text)):
                return float(text)
            case _:
                return text


def read_rows(path: Path, *, name: str, lists: frozenset[str], findings: Findings) -> Iterator[SourceValue]:
    """Yield the rows of a CSV file as mappings without their empty cells; ``lists`` are split at `|`."""
    text = read_text(path, name=name, findings=findings)
    if text is None:
        return
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if not reader.fieldnames:
            findings.add(file=name, line=1, message="no header line", hint="the first line names the columns")
            return
        for number, row in enumerate(reader):
            if number >= ROWS_MAX:
                findings.add(file=name, line=reader.line_num, message=f"more than {ROWS_MAX} rows")
                return
            if None in row or None in row.values():
                message = f"the row does not have the header's {len(reader.fieldnames)} cells"
                findings.add(file=name, line=reader.line_num, message=message, hint="quote text that holds a comma")
                continue
            cells: dict[str, Any] = {}
            for column, cell in row.items():
                stripped = cell.strip()
                if stripped:
                    cells[column] = [part.strip() for part in stripped.split("|")] if column in lists else stripped
            yield SourceValue(name, cells, {(): reader.line_num})
    except csv.Error as error:
        findings.add(file=name, line=reader.line_num, message=f"not readable as CSV: {error}", hint="check the quotes")


def read_geojson(path: Path, *, name: str, findings: Findings) -> SourceValue | None:
    """Return a GeoJSON FeatureCollection, or None with the problem noted."""
    text = read_text(path, name=name, findings=findings)
    if text is None:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        findings.add(file=name, line=error.lineno, message=f"not readable as JSON: {error.msg}")
        return None
    features = value.get("features") if isinstance(value, dict) else None
    if not isinstance(features, list) or not all(isinstance(item, dict) for item in features):
        findings.add(file=name, line=1, message="not a GeoJSON FeatureCollection")
        return None
    return SourceValue(name, value, text=text)
