"""The check of a pack names the file, the line and what to do for everything that can be wrong."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from random import Random

import pytest

from ioc.packs.check import check_pack
from ioc.packs.problem import PROBLEMS_MAX, Findings, PackProblem

BROKEN = [
    # name, file, replaced text, by, line expected, words of the message, words of the hint
    ("bad YAML", "feeds/rainfall.yaml", "unit: mm", "unit: [mm", 10, "not readable as YAML", "indentation"),
    ("tab in YAML", "pack.yaml", "    former_code", "\tformer_code", 8, "not readable as YAML", ""),
    ("control letter", "pack.yaml", 'en: "Small"', 'en: "Sm\x07all"', 2, "not readable as YAML", ""),
    ("not a mapping", "rules/rain.24h.yaml", None, "- a\n- b\n", 1, "not a mapping", ""),
    ("double key", "feeds/rainfall.yaml", "expected_period: 10m", "domain: disaster", 5, "comes twice", "line 3"),
    ("alias", "pack.yaml", "pack: small", "pack: &a small\nx: *a", 2, "aliases are not allowed", ""),
    ("tag", "pack.yaml", "pack: small", "pack: !!python/name:os.system small", 1, "tag", "remove it"),
    ("unknown key", "feeds/rainfall.yaml", "main_field:", "main_feild:", 4, "main_feild", "main_field"),
    ("unknown nested key", "feeds/rainfall.yaml", "plausible:", "plausable:", 11, "plausable", "plausible"),
    ("missing key", "feeds/rainfall.yaml", "main_field: rain_24h_mm\n", "", 1, "main_field", "give"),
    ("missing en", "feeds/rainfall.yaml", ', en: "Rainfall"', "", 2, "label.en", "give `en`"),
    ("empty vi", "feeds/rainfall.yaml", 'vi: "Mưa 24 giờ"', 'vi: ""', 8, "label.vi", ""),
    ("bad type", "feeds/rainfall.yaml", "type: text", "type: words", 14, "fields.note.type", ""),
    ("number as text", "feeds/rainfall.yaml", "[0, 2000]", '["0", 2000]', 10, "possible", ""),
    ("bad duration", "feeds/rainfall.yaml", "10m", "10 minutes", 5, "not a duration", ""),
    ("upside down", "feeds/rainfall.yaml", "[0, 2000]", "[2000, 0]", 7, "upside down", ""),
    ("plausible beyond possible", "feeds/rainfall.yaml", "[0, 600]", "[0, 6000]", 7, "ends above", ""),
    ("range of a text", "feeds/rainfall.yaml", "values: [a, b]", "possible: [0, 1]", 12, "only a number", ""),
    ("words of a number", "feeds/rainfall.yaml", "unit: mm", "words: {a: {vi: x, en: x}}", 7, "has words", ""),
    ("words of some", "feeds/rainfall.yaml", "[a, b]", "[a, b]\n    words: {a: {vi: x, en: x}}", 12, "every one", ""),
    ("no such main field", "feeds/rainfall.yaml", "main_field: rain_24h_mm", "main_field: rain", 1, "main_field", ""),
    (
        "alias of another",
        "feeds/rainfall.yaml",
        "unit: mm",
        "unit: mm\n    aliases: [mua, note]",
        1,
        "name is taken",
        "",
    ),
    (
        "battery in volts",
        "feeds/rainfall.yaml",
        "unit: mm",
        "unit: V\n    device_health: battery",
        7,
        "a number in %",
        "",
    ),
    (
        "main field is the device's",
        "feeds/rainfall.yaml",
        "unit: mm",
        "unit: '%'\n    device_health: battery",
        1,
        "main_field is what the device measures",
        "",
    ),
    ("reserved alias", "feeds/rainfall.yaml", "unit: mm", "unit: mm\n    aliases: [time]", 1, "name is taken", ""),
    ("unknown domain", "feeds/rainfall.yaml", "domain: disaster", "domain: weather", 3, "unknown domain", "disaster"),
    ("feed in a wrong file", "feeds/rainfall.yaml", "feed: rainfall", "feed: rain", 1, "another name", "rain.yaml"),
    ("no rule id", "rules/rain.24h.yaml", "rule: rain.24h", "name: rain.24h", 2, "rule: missing", ""),
    ("rule in a wrong file", "rules/rain.24h.yaml", "rule: rain.24h", "rule: rain.1h", 2, "another name", ""),
    ("unknown time zone", "pack.yaml", "Asia/Ho_Chi_Minh", "Asia/Hoa_Binh", 3, "unknown time zone", "IANA"),
    ("box of no area", "pack.yaml", "[105.2, 20.7, 105.5, 21.1]", "[105.5, 20.7, 105.2, 21.1]", 10, "no box", ""),
    ("zone of an ended unit", "pack.yaml", '["04795"]', '["04807"]', 9, "04807", "today"),
    ("unquoted code is kept", "pack.yaml", '["04795"]', "[04796]", 9, "04796", "today"),
    ("no such spark", "pack.yaml", "field: rain_24h_mm", "field: rain", 15, "no field rain", ""),
    (
        "double domain",
        "pack.yaml",
        "units:",
        "  - {id: disaster, number: X16, label: {vi: a, en: b}}\nunits:",
        16,
        "twice",
        "12",
    ),
    ("double area", "areas.csv", "04807,2020-01-01,2025", "04795,2025-07-01,2026", 3, "comes twice", "areas.csv:2"),
    (
        "overlapping validity",
        "areas.csv",
        "04807,2020-01-01,2025-07-01",
        "04795,2020-01-01,2025-08-01",
        3,
        "valid twice",
        "",
    ),
    ("successor that never stood", "areas.csv", "Phương Lâm,04795", "Phương Lâm,04799", 2, "successor 04799", ""),
    ("successors of a standing unit", "areas.csv", "|HB,\n", "|HB,04807\n", 3, "exactly when", ""),
    ("ends before it begins", "areas.csv", "2025-07-01,ward", "2019-07-01,ward", 2, "not after", ""),
    ("bad day", "areas.csv", "04795,2025-07-01", "04795,01/07/2025", 3, "valid_from", ""),
    ("unknown zone", "areas.csv", "ward,hoa-binh,,Phường Hòa", "ward,hoabinh,,Phường Hòa", 3, "unknown zone", ""),
    ("unknown parent", "areas.csv", "ward,hoa-binh,,Phường Hòa", "ward,hoa-binh,25,Phường Hòa", 3, "parent 25", ""),
    ("unknown column", "devices.csv", "place,", "plaec,", 2, "plaec", "place"),
    ("short row", "devices.csv", "rain-1,rainfall,", "rain-1,", 2, "cells", "comma"),
    ("double device", "devices.csv", "rain-2,", "rain-1,", 3, "rain-1 comes twice", "devices.csv:2"),
    ("bad device id", "devices.csv", "rain-2,", "Rain 2,", 3, "id", ""),
    ("unknown feed", "devices.csv", "rain-2,rainfall", "rain-2,snowfall", 3, "unknown feed", "rainfall"),
    ("unknown area", "devices.csv", "Gauge 2,04795", "Gauge 2,04799", 3, "unknown area `04799`", "today"),
    ("area that has ended", "devices.csv", "Gauge 2,04795", "Gauge 2,04807", 3, "unknown area `04807`", "today"),
    ("lat and lon swapped", "devices.csv", "20.8370,105.3410", "105.3410,20.8370", 3, "lat", "swapped"),
    ("outside its zone", "devices.csv", "20.8370,105.3410", "21.8370,105.3410", 3, "outside zone", "box"),
    ("not a number", "devices.csv", "20.8370", "nan", 3, "lat", ""),
    ("unknown owner", "devices.csv", "rain-1,kttv", "rain-1,evn", 3, "unknown owner", "kttv"),
    ("unknown parent device", "devices.csv", ",rain-1,kttv", ",rain-9,kttv", 3, "unknown parent", ""),
    ("own ancestor", "devices.csv", ",rain-1,kttv", ",rain-2,kttv", 3, "ancestor", ""),
    ("loose yes", "devices.csv", "600,true", "600,yes", 2, "critical", ""),
    ("layer of no JSON", "layers/song-da.geojson", "[]}", "[", 2, "not readable as JSON", ""),
    ("half a surrogate", "pack.yaml", 'en: "Small"', 'en: "\\ud800"', 2, "", ""),
    ("escaped NUL", "rules/rain.24h.yaml", "feed: rainfall", 'feed: "\\0"', 3, "cannot be stored", ""),
    ("depth", "rules/rain.24h.yaml", "feed: rainfall", "feed: " + "[" * 40 + "]" * 40, 3, "nested deeper", ""),
    ("abyss", "rules/rain.24h.yaml", "feed: rainfall", "feed: " + "[" * 4000 + "]" * 4000, 1, "nested deeper", ""),
    ("layer of no geometry", "layers/song-da.geojson", "[]", '[{"type":"Feature"}]', 1, "no valid geometry", ""),
    ("days out of order", "calendar.yaml", "2026-02-17", "2025-02-17", 1, "2025-02-17 comes after 2026-01-01", ""),
    ("a day twice", "calendar.yaml", "2026-02-17", "2026-01-01", 1, "days rise, each once", ""),
    ("no such day", "calendar.yaml", "2026-02-17", "2026-02-30", 3, "holidays.1.date", ""),
    ("a day of no source", "calendar.yaml", ', source: "âm lịch"', "", 3, "holidays.1.source", "give `source`"),
    ("a day half checked", "calendar.yaml", "verified: false", "verified: perhaps", 3, "holidays.1.verified", ""),
    ("a play of no field", "feeds/rainfall.yaml", "note: {", "notes: {", 1, "no field `notes`", ""),
    (
        "a play beyond the plausible",
        "feeds/rainfall.yaml",
        "range: [0, 4]",
        "range: [0, 900]",
        1,
        "plausible range",
        "",
    ),
    ("a play of another type", "feeds/rainfall.yaml", "{value: a}", "{value: 3}", 1, "`note` is a text", ""),
    ("a play that is no value of it", "feeds/rainfall.yaml", "{value: a}", "{value: c}", 1, "one of a, b", ""),
    ("a play in two forms", "feeds/rainfall.yaml", "{value: a}", "{value: a, turn: [b]}", 19, "one of value", ""),
    (
        "a play made of what is below",
        "feeds/rainfall.yaml",
        "{range: [0, 4], peaks: [16]}",
        "{share: [note, note]}",
        16,
        "does not stand above it",
        "",
    ),
    ("a system of an unknown feed", "systems.yaml", "[rainfall]", "[rain]", 5, "unknown feed `rain`", "rainfall"),
    ("a system left out", "systems.yaml", "id: 2", "id: 3", 1, "system 3 where 2 was expected", ""),
    ("neither feed nor reason", "systems.yaml", "    feeds: [rainfall]\n", "", 2, "a reason for none", ""),
    ("no such direction", "systems.yaml", "direction: [in]", "direction: [up]", 4, "direction", ""),
    ("no holiday", "calendar.yaml", None, "holidays: []\n", 1, "holidays", ""),
    ("layer of no collection", "layers/song-da.geojson", '"features":[]', '"x":[]', 1, "FeatureCollection", ""),
]


def test_a_sound_pack_has_no_problem(small_pack):
    """The pack that every case below breaks is sound itself."""
    assert check_pack(small_pack) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "message", "hint"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_a_broken_pack_is_told_with_file_line_and_hint(small_pack, file, old, new, line, message, hint):
    """One edit of a sound pack is found at its line."""
    path = small_pack / file
    text = path.read_text(encoding="utf-8")
    assert old is None or old in text
    path.write_text(new if old is None else text.replace(old, new, 1), encoding="utf-8")
    problems = check_pack(small_pack)
    found = [item for item in problems if item.file == file and item.line == line and message in item.message]
    assert found, [str(item) for item in problems]
    assert any(hint in item.hint for item in found), found


@pytest.mark.parametrize(
    ("properties", "geometry", "message"),
    [
        ('{"code":"04795","valid_from":"2020-01-01"}', "null", "no area 04795 from 2020-01-01"),
        ('{"code":"04795","valid_from":"2025-07-01","source":"sketch"}', "null", "no valid polygon"),
        (
            '{"code":"04795","valid_from":"2025-07-01","source":"sketch"}',
            '{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1],[1,0],[0,0]]]}',
            "no valid polygon",
        ),
        (
            '{"code":"04795","valid_from":"2025-07-01"}',
            '{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,1],[0,0]]]}',
            "neither sketch nor import",
        ),
    ],
)
def test_a_shape_is_a_sound_polygon_of_one_unit_and_says_where_it_comes_from(small_pack, properties, geometry, message):
    """A bow tie or a shape of nobody would put readings in the wrong ward."""
    feature = f'{{"type":"Feature","properties":{properties},"geometry":{geometry}}}'
    (small_pack / "shapes.geojson").write_text(
        f'{{"type":"FeatureCollection","features":[{feature}]}}', encoding="utf-8"
    )
    assert any(message in item.message for item in check_pack(small_pack))


def test_no_mangled_byte_makes_the_check_itself_fall_over(small_pack):
    """Whatever is in the files, the author gets problems and never a traceback."""
    random = Random(20261123)
    files = [path for path in sorted(small_pack.rglob("*")) if path.is_file()]
    told = 0
    for _ in range(250):
        path = random.choice(files)
        sound = path.read_bytes()
        mangled = bytearray(sound)
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(mangled))
            mangled[at : at + random.randint(0, 3)] = bytes(random.choices(b"\x00\xff\"'{}[]:,|-#\n\t 019az~&*!", k=2))
        path.write_bytes(bytes(mangled))
        told += bool(check_pack(small_pack))
        path.write_bytes(sound)
    assert 150 < told <= 250


def test_text_that_is_not_nfc_is_refused_at_its_line(small_pack):
    """Decomposed letters look the same and compare otherwise."""
    path = small_pack / "devices.csv"
    path.write_text(unicodedata.normalize("NFD", path.read_text(encoding="utf-8")), encoding="utf-8")
    assert [(item.file, item.line, item.message) for item in check_pack(small_pack)] == [
        ("devices.csv", 2, "text is not NFC"),
        ("devices.csv", 3, "text is not NFC"),
    ]


def test_bytes_that_are_no_utf8_are_told_with_their_line(small_pack):
    """A file saved in an old Vietnamese code page is named, not guessed."""
    path = small_pack / "feeds/rainfall.yaml"
    path.write_bytes(path.read_bytes().replace("Lượng".encode(), b"L\xfd\xfeng"))
    assert PackProblem("feeds/rainfall.yaml", 2, "not UTF-8", "save the file as UTF-8") in check_pack(small_pack)


@pytest.mark.parametrize("name", ["pack.yaml", "areas.csv", "devices.csv", "layers/song-da.geojson"])
def test_a_missing_file_is_a_problem(small_pack, name):
    """A pack is never silently smaller than it says."""
    (small_pack / name).unlink()
    assert any(item.file == name and "cannot be read" in item.message for item in check_pack(small_pack))


@pytest.mark.parametrize("kind", ["feeds", "rules"])
def test_an_empty_kind_is_a_problem(small_pack, kind):
    """A pack without feeds or rules does nothing, so it says so."""
    for path in (small_pack / kind).iterdir():
        path.rename(path.with_suffix(".yml"))
    messages = {(item.file.split("/")[0], item.message) for item in check_pack(small_pack)}
    assert {(kind, f"no {kind}"), (kind, "not read")} <= messages


def test_a_folder_that_does_not_exist_is_a_problem():
    """A misspelt path is told as such."""
    assert [item.message for item in check_pack(Path("no/such/pack"))] == ["no such folder"]


def test_a_problem_reads_as_file_line_message_hint():
    """Editors jump to `file:line:`."""
    assert str(PackProblem("a.yaml", 3, "wrong", "mend it")) == "a.yaml:3: wrong (mend it)"
    assert str(PackProblem("a.yaml", 3, "wrong")) == "a.yaml:3: wrong"


def test_problems_are_bounded_and_the_rest_is_counted():
    """A hopeless file does not fill the terminal, and does not hide how bad it is."""
    findings = Findings()
    for line in range(PROBLEMS_MAX + 7):
        findings.add(file="a.yaml", line=line, message="wrong")
    listed = findings.sorted_problems()
    assert len(listed) == PROBLEMS_MAX + 1
    assert listed[-1].message == "7 more problems are not listed"
