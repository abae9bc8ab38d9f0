"""The strict frames of what stands in dated tables: `limits.yaml` has limits, `lookups.yaml` tables without their rows.

A limit of the pack has its source and its days. A row of a lookup table is the site's word and stands in its database;
its columns are declared here alone, so that nobody adds one for what tells who a person is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from ioc.domain.feed import FieldType, Label
from ioc.domain.lookups.table import KEY_OF_DEVICES, STANDARD, ColumnType, KeyMatch, LookupColumn, LookupTable
from ioc.domain.rules.limit_row import LimitRow
from ioc.domain.search import words_of
from ioc.packs.schema import LabelText, Name, Slug, Strict, Words
from ioc.packs.schema_feed import FeedEntry
from ioc.packs.schema_place import Day, DeviceId

LIMITS_MAX = 20_000
TableName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
LevelName = Annotated[str, StringConstraints(pattern=r"^(info|low|medium|high|critical)$")]
Place = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
"""A unit's code, or a zone."""
Unit = Annotated[str, StringConstraints(max_length=32)]


class LimitEntry(Strict):
    """One limit. ``verified``: somebody has read the permit or the regulation that ``source`` names."""

    name: TableName
    level: LevelName | None = None
    device: DeviceId | None = None
    device_class: Slug | None = Field(default=None, alias="class")
    area: Place | None = None
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: Unit
    source: Words
    verified: bool
    valid_from: Day | None = None
    valid_to: Day | None = None

    @model_validator(mode="after")
    def check_frame(self) -> Self:
        """A limit is of one thing, and does not end before it begins."""
        if sum(target is not None for target in (self.device, self.device_class, self.area)) != 1:
            raise ValueError("it is of one device, of one class or of one area")
        if self.valid_from is not None and self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self

    def row(self) -> LimitRow:
        """Return the limit."""
        return LimitRow(**self.model_dump())


class LimitsEntry(Strict):
    """The file `limits.yaml`."""

    limits: list[LimitEntry] = Field(min_length=1, max_length=LIMITS_MAX)


TABLES_MAX = 40
COLUMNS_MAX = 12
FEEDS_MAX = 12
WORDS_MAX = 40
RESERVED = frozenset({"table", "key", *STANDARD})
"""Columns that every sheet of rows has already."""
TABLES_RESERVED = frozenset({"tables", "template", "export", "imports"})


class LookupColumnEntry(Strict):
    """One column; ``words`` are those of a word, each with what people are told."""

    id: Name
    label: LabelText
    type: Annotated[ColumnType, Field(strict=False)] = ColumnType.TEXT
    unit: Annotated[str, StringConstraints(max_length=32)] = ""
    needed: bool = False
    words: dict[Name, LabelText] = Field(default_factory=dict, max_length=WORDS_MAX)

    @model_validator(mode="after")
    def check_frame(self) -> Self:
        """Only a word has words and only a number a unit; its id is free."""
        if self.id in RESERVED:
            raise ValueError(f"`{self.id}` is a column that every table has: call it otherwise")
        if (self.type is ColumnType.WORD) != bool(self.words):
            raise ValueError("a column of type word lists its words, and no other does")
        if self.unit and self.type is not ColumnType.NUMBER:
            raise ValueError("only a number has a unit")
        return self

    def column(self) -> LookupColumn:
        """Return the column."""
        words = {code: Label(said.vi, said.en) for code, said in self.words.items()}
        return LookupColumn(
            self.id, Label(self.label.vi, self.label.en), self.type, self.unit, needed=self.needed, words=words
        )


class LookupKeyEntry(Strict):
    """What rows are keyed by: devices of ``feeds``, or the text that ``field`` of each of them holds."""

    feeds: list[Name] = Field(min_length=1, max_length=FEEDS_MAX)
    field: Name | None = None
    match: Annotated[KeyMatch, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def check_frame(self) -> Self:
        """How keys are compared is asked of fields alone."""
        if self.match is not None and (self.field is None or self.match is KeyMatch.DEVICE):
            raise ValueError("match: text or plate, and only with a field")
        return self


class LookupTableEntry(Strict):
    """One table. ``noun`` is what people call one row; ``restricted`` hides it where its feeds would not."""

    id: Slug
    label: LabelText
    noun: LabelText
    key: LookupKeyEntry
    restricted: bool = False
    columns: list[LookupColumnEntry] = Field(min_length=1, max_length=COLUMNS_MAX)

    @model_validator(mode="after")
    def check_frame(self) -> Self:
        """Its id is free, and no column comes twice."""
        names = [column.id for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("a column comes twice")
        heads = [label for column in self.columns for label in {column.label.vi, column.label.en}]
        heads += [text for label in (KEY_OF_DEVICES, *STANDARD.values()) for text in {label.vi, label.en}]
        said = [words_of(head) for head in heads]
        twice = next((head for head, words in zip(heads, said, strict=True) if said.count(words) > 1), None)
        if twice is not None:
            raise ValueError(f"two columns of a sheet would be called `{twice}`: call one otherwise")
        if self.id in TABLES_RESERVED:
            raise ValueError(f"`{self.id}` cannot be an id")
        return self

    def table(self, feeds: Mapping[str, FeedEntry]) -> LookupTable:
        """Return the table; one of a restricted feed is restricted."""
        field = self.key.field
        said = feeds[self.key.feeds[0]].fields[field].label if field is not None else None
        return LookupTable(
            id=self.id,
            label=Label(self.label.vi, self.label.en),
            noun=Label(self.noun.vi, self.noun.en),
            match=KeyMatch.DEVICE if field is None else self.key.match or KeyMatch.TEXT,
            key_label=KEY_OF_DEVICES if said is None else Label(said.vi, said.en),
            feeds=tuple(self.key.feeds),
            columns=tuple(column.column() for column in self.columns),
            field=field or "",
            restricted=self.restricted or any(feeds[name].restricted for name in self.key.feeds),
        )


class LookupsEntry(Strict):
    """The file `lookups.yaml`."""

    lookups: list[LookupTableEntry] = Field(min_length=1, max_length=TABLES_MAX)


def key_faults(table: LookupTableEntry, feeds: Mapping[str, FeedEntry]) -> Iterator[tuple[int, str, str]]:
    """Yield which feed of a table's key cannot carry it, by its place in the list: what is wrong, and what to do."""
    for place, name in enumerate(table.key.feeds):
        feed = feeds.get(name)
        if feed is None:
            yield place, f"unknown feed `{name}`", f"one of {', '.join(sorted(feeds))}"
        elif table.key.field is not None:
            field = feed.fields.get(table.key.field)
            texts = [each for each, spec in feed.fields.items() if spec.type is FieldType.TEXT and not spec.personal]
            if field is None or field.type is not FieldType.TEXT:
                yield place, f"`{name}` has no text `{table.key.field}`", f"one of {', '.join(texts) or 'none'}"
            elif field.personal:
                hint = f"a key is no data of a person: one of {', '.join(texts) or 'none'}"
                yield place, f"`{table.key.field}` of `{name}` is personal", hint
