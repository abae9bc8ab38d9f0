"""Columns become fields: by name, with a factor, as text; and what is no value."""

import pytest

from ioc.errors import InvalidInputError
from ioc.replay.mapping import BadValueError, resolve_columns

COLUMNS = ("Date", "Hoa Binh", "Hoà Bình", "pm25", "a*2", "weather")


def _one(text, columns=COLUMNS, *, strict=True):
    return resolve_columns([text], columns, strict=strict)[0]


def test_takes_a_column_by_its_name_with_spaces_and_accents():
    assert _one("rain_24h_mm=Hoa Binh").column == "Hoa Binh"
    assert _one("temperature_c=Hoà Bình").column == "Hoà Bình"


def test_decomposed_vietnamese_names_the_same_column():
    assert _one("temperature_c=Hoa\u0300 Bi\u0300nh").column == "Hoà Bình"


@pytest.mark.parametrize(
    ("text", "cell", "value"),
    [
        ("level_cm=pm25", "1231.0", 1231),
        ("level_m=pm25*0.01", "1231.0", 12.31),
        ("temperature_c=pm25*1-273.15", "288.28", 15.13),
        ("level_cm=pm25 * 100", "12.345", 1234.5),
        ("pm2_5=pm25", "-1.5e1", -15),
        ("wind_kmh=pm25", "7.6 km/h", 7.6),
        ("humidity_pct=pm25", "91%", 91),
        ("temperature_c=pm25", "25.0°C", 25),
        ("label=weather:text", " Clouds ", "Clouds"),
    ],
)
def test_a_cell_becomes_a_value(text, cell, value):
    found = _one(text).value(cell)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("cell", ["", "  ", "N/A", "NaN", "null", "None", "-", None])
def test_a_missing_value_is_none_and_no_error(cell):
    assert _one("pm2_5=pm25").value(cell) is None


@pytest.mark.parametrize("cell", ["12abc", "1,502", "1.2.3", "abc", "0x10", "inf", "1e999"])
def test_what_is_no_number_is_bad_and_never_guessed(cell):
    with pytest.raises(BadValueError):
        _one("pm2_5=pm25").value(cell)


def test_a_column_whose_name_looks_like_arithmetic_wins():
    mapping = _one("vehicles=a*2")
    assert (mapping.column, mapping.factor) == ("a*2", 1.0)


def test_json_values_keep_their_kind():
    mapping = _one("up=up", ("up",))
    assert mapping.value(True) is True
    assert mapping.value({"a": 1}) == {"a": 1}
    assert _one("level_m=l*0.01", ("l",)).value(1231) == 12.31


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["pm2_5"], "FIELD=COLUMN"),
        (["=pm25"], "FIELD=COLUMN"),
        (["PM=pm25"], "FIELD=COLUMN"),
        (["id=pm25"], "given by the replay"),
        (["pm2_5=nothing"], "there are: Date"),
        (["pm2_5=nothing*2"], "no column 'nothing'"),
        (["pm2_5=pm25", "pm2_5=weather"], "twice"),
    ],
)
def test_a_wrong_mapping_is_refused_before_anything_is_sent(texts, words):
    with pytest.raises(InvalidInputError, match=words):
        resolve_columns(texts, COLUMNS, strict=True)
