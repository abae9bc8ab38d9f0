"""The recorded file: rows one at a time with their line, whatever its size, and its fingerprint."""

from __future__ import annotations

import csv
import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import orjson

from ioc.errors import InvalidInputError

LINE_CHARACTERS_MAX = 256 << 10
CHUNK_BYTES = 1 << 20
FINGERPRINT_CHARACTERS = 16
NDJSON_SUFFIXES = frozenset({".ndjson", ".jsonl", ".json"})
CSV_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One data row: its number (1 is the first), its line in the file, and its cells or what is wrong with it."""

    number: int
    line: int
    cells: Mapping[str, object] | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What names a file's content, and how many lines it has."""

    digest: str
    lines: int


def fingerprint(path: Path) -> Fingerprint:
    """Hash the file and count its lines, in pieces.

    Raises:
        InvalidInputError: the file cannot be read.
    """
    digest, lines = hashlib.sha256(), 0
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
                lines += chunk.count(b"\n")
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}", field="file") from error
    return Fingerprint(digest=digest.hexdigest()[:FINGERPRINT_CHARACTERS], lines=lines)


class _Lines:
    """The lines of a stream, none longer than the bound; an overlong one is cut and remembered."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.number = 0
        self.overlong = 0

    def __iter__(self) -> Iterator[str]:
        while text := self._stream.readline(LINE_CHARACTERS_MAX):
            self.number += 1
            if len(text) == LINE_CHARACTERS_MAX and not text.endswith("\n"):
                self.overlong = self.number
                while (rest := self._stream.readline(LINE_CHARACTERS_MAX)) and not rest.endswith("\n"):
                    pass
            yield text


class RecordSource:
    """A recorded file. ``columns`` are a CSV's header, or the members of an NDJSON's first object."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as stream:
            first = stream.readline(LINE_CHARACTERS_MAX)
        self.ndjson = path.suffix.casefold() in NDJSON_SUFFIXES or (
            path.suffix.casefold() not in CSV_SUFFIXES and first.lstrip().startswith("{")
        )
        self._delimiter = max(DELIMITERS, key=first.count)
        self.columns = self._first_columns(first)

    def _open(self) -> TextIO:
        """Open the file; bytes that are no UTF-8 become lone surrogates, so that only their row is bad."""
        try:
            return self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
        except OSError as error:
            raise InvalidInputError(f"{self._path}: {error.strerror or error}", field="file") from error

    def _first_columns(self, first: str) -> tuple[str, ...]:
        """Return the columns, NFC, in the file's order.

        Raises:
            InvalidInputError: the file is empty, or a CSV's header names a column twice.
        """
        if self.ndjson:
            cells = _object(first)
            return tuple(cells) if cells else ()
        header = next(csv.reader([first], delimiter=self._delimiter), [])
        columns = tuple(unicodedata.normalize("NFC", name.strip()) for name in header)
        if not any(columns):
            raise InvalidInputError(f"{self._path}: no header", field="file")
        if len(set(columns)) != len(columns):
            raise InvalidInputError(f"{self._path}:1: a column occurs twice", field="file")
        return columns

    def rows(self) -> Iterator[RecordRow]:
        """Return all data rows in the file's order; blank lines are no rows."""
        with self._open() as stream:
            lines = _Lines(stream)
            yield from self._ndjson_rows(lines) if self.ndjson else self._csv_rows(lines)

    def _ndjson_rows(self, lines: _Lines) -> Iterator[RecordRow]:
        number = 0
        for text in lines:
            if not text.strip():
                continue
            number += 1
            cells = None if lines.overlong == lines.number else _object(text)
            yield RecordRow(number, lines.number, cells, "" if cells is not None else "no JSON object within the bound")

    def _csv_rows(self, lines: _Lines) -> Iterator[RecordRow]:
        reader = csv.reader(iter(lines), delimiter=self._delimiter)
        next(reader, None)
        number = 0
        while True:
            try:
                record = next(reader, None)
            except csv.Error as error:
                number += 1
                yield RecordRow(number, lines.number, None, str(error))
                continue
            if record is None:
                return
            if not record:
                continue
            number += 1
            if lines.overlong == lines.number:
                yield RecordRow(number, lines.number, None, f"longer than {LINE_CHARACTERS_MAX} characters")
            elif len(record) != len(self.columns):
                problem = f"{len(record)} cells, the header has {len(self.columns)}"
                yield RecordRow(number, lines.number, None, problem)
            else:
                yield RecordRow(number, lines.number, dict(zip(self.columns, record, strict=True)))


def _object(text: str) -> dict[str, object] | None:
    """Return a JSON object with NFC names, or None where the text is none."""
    try:
        value = orjson.loads(text.encode("utf-8", "surrogateescape"))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict):
        return None
    return {unicodedata.normalize("NFC", name): item for name, item in value.items()}
