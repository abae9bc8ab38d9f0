"""lookups.yaml: tables by their keys and columns, each fault by its line, and never a column for a person's data."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioc.domain.lookups.table import KeyMatch
from ioc.packs.check import check_pack
from ioc.packs.loader import load_pack

TABLE = """\
lookups:
  - id: gauge-permit
    label: {vi: "Giấy phép", en: "Permits"}
    noun: {vi: "giấy phép", en: "permit"}
    key: {feeds: [rainfall]}
    columns:
      - {id: permit, label: {vi: "Số", en: "Number"}, needed: true}
      - {id: kind, label: {vi: "Loại", en: "Kind"}, type: word, words: {new: {vi: "mới", en: "new"}}}
"""


def written(folder: Path, text: str) -> list[str]:
    (folder / "lookups.yaml").write_text(text, encoding="utf-8")
    return [f"{problem.file}:{problem.line}: {problem.message}" for problem in check_pack(folder)]


def test_a_table_is_loaded_with_its_key_and_columns(small_pack: Path):
    assert written(small_pack, TABLE) == []
    (table,) = load_pack(small_pack).lookups
    assert (table.id, table.match, table.feeds, table.restricted) == (
        "gauge-permit", KeyMatch.DEVICE, ("rainfall",), False
    )  # fmt: skip
    assert [(column.id, column.type, column.needed) for column in table.columns] == [
        ("permit", "text", True), ("kind", "word", False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("[rainfall]", "[rain]", 5, "unknown feed `rain`"),
        ("[rainfall]", "[rainfall], field: rain_24h_mm", 5, "has no text `rain_24h_mm`"),
        ("[rainfall]", "[rainfall], match: plate", 5, "only with a field"),
        ("id: permit", "id: source", 7, "a column that every table has"),
        ("id: kind", "id: permit", 2, "a column comes twice"),
        (', words: {new: {vi: "mới", en: "new"}}', "", 8, "lists its words"),
        ("needed: true", "needed: true, unit: mm", 7, "only a number has a unit"),
        ("needed: true", "person: true", 7, "person"),
        ("id: gauge-permit", "id: tables", 2, "cannot be an id"),
    ],
)  # fmt: skip
def test_each_fault_is_named_by_its_line(small_pack: Path, old: str, new: str, line: int, words: str):
    (found,) = written(small_pack, TABLE.replace(old, new))
    assert found.startswith(f"lookups.yaml:{line}: "), found
    assert words in found


def test_a_key_is_no_data_of_a_person(small_pack: Path):
    feed = small_pack / "feeds" / "rainfall.yaml"
    contact = '  contact: {label: {vi: "Liên hệ", en: "Contact"}, type: text, personal: true}\n'
    before = feed.read_text(encoding="utf-8")
    feed.write_text(before.replace("fields:\n", f"fields:\n{contact}", 1), encoding="utf-8")
    (found,) = written(small_pack, TABLE.replace("[rainfall]", "[rainfall], field: contact"))
    assert "`contact` of `rainfall` is personal" in found


def test_a_table_twice_and_too_many_columns_are_faults(small_pack: Path):
    twice = TABLE + TABLE.removeprefix("lookups:\n")
    assert any("lookup table gauge-permit comes twice" in fault for fault in written(small_pack, twice))
    columns = "".join(f"      - {{id: c{number}, label: {{vi: a, en: a}}}}\n" for number in range(11))
    assert any("at most 12" in fault for fault in written(small_pack, TABLE + columns))


def test_the_tables_of_the_city_are_declared_without_rows_and_the_sensitive_ones_restricted():
    tables = {table.id: table for table in load_pack("hoabinh", shapes=False).lookups}
    assert {name for name, table in tables.items() if table.restricted} == {"watch-code", "number-plate"}
    assert tables["number-plate"].match_key("28A-123.45") == tables["number-plate"].match_key("28a 12345")
    assert tables["wastewater-permit"].of_devices
