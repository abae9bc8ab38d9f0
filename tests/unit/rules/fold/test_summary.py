"""The sentence of an alert: Vietnamese and English figures, durations, and its bound."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest

from ioc.domain.feed import Label
from ioc.rules.fold.headline import LENGTH_MAX, shorten
from ioc.rules.fold.summary import PlaceNames, summarise, summarise_cleared
from ioc.rules.language.amounts import duration_text, number_text
from tests.unit.rules.builders import rule

LIMIT = {"value": 1000.5, "unit": "cm", "source": "x", "verified": False}
PLACE = PlaceNames(device=Label("Trạm Hòa Bình", "Hòa Bình station"), zone=Label("Hòa Bình", "Hòa Bình"))


@pytest.mark.parametrize(
    ("value", "digits", "vi", "text"),
    [
        (20.3, 1, True, "20,3"), (1502.0, 1, True, "1.502"), (1502.25, 2, False, "1,502.25"),
        (0.0, 1, True, "0"), (-0.01, 1, True, "0"), (9_785, 0, True, "9.785"), (-1234.5, 1, False, "-1,234.5"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_each_language_writes_them(value, digits, vi, text):
    assert number_text(value, digits=digits, vi=vi) == text


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [
        (0, "0 giây", "0 s"), (45, "45 giây", "45 s"), (600, "10 phút", "10 min"), (3_725, "1 giờ 2 phút", "1 h 2 min"),
        (3_600, "1 giờ", "1 h"), (90_000, "1 ngày 1 giờ", "1 d 1 h"), (86_460, "1 ngày", "1 d"),
    ],
)  # fmt: skip
def test_a_duration_has_its_two_largest_units(seconds, vi, en):
    assert duration_text(seconds * 1_000_000, vi=True) == vi
    assert duration_text(seconds * 1_000_000, vi=False) == en


def test_a_summary_says_what_where_how_much_and_how_long():
    made = rule(
        limit=LIMIT,
        summary={
            "vi": "{severity}: {value} {unit} tại {place}, gấp {ratio} lần {limit}, {duration}; {other} {up}",
            "en": "{severity}: {value} {unit} at {place}, {ratio} x {limit}, {duration}; {word}",
        },
    )
    values = {"value": 2500.0, "up": True, "word": "wet"}
    told = summarise(made, level=made.levels[0], values=values, place=PLACE, held_us=60_000_000)
    assert told.vi == "Trung bình: 2.500 cm tại Trạm Hòa Bình, gấp 2,5 lần 1.000,5, 1 phút; – có"
    assert told.en == "medium: 2,500 cm at Hòa Bình station, 2.5 x 1,000.5, 1 min; wet"


def test_a_cleared_summary_says_what_is_over_where_after_how_long_and_the_value_now():
    made = rule()
    told = summarise_cleared(made, level=made.levels[0], values={"value": 3.25}, place=PLACE, held_us=7_200_000_000)
    assert told.vi == "Đã hết sau 2 giờ: Mức cao, Trạm Hòa Bình, hiện 3,2 cm"
    assert told.en == "Over after 2 h: High level, Hòa Bình station, now 3.2 cm"


def test_a_code_is_told_by_its_words_and_a_text_without_any_stands_for_itself():
    made = rule(summary={"vi": "Kênh {word}, {duration}; gọi", "en": "Channel {word}, {duration}; call"})
    words = replace(made.fields["word"], words={"loudspeaker": Label("loa truyền thanh", "loudspeakers")})
    made = replace(made, fields={**made.fields, "word": words})
    for value, vi, en in (("loudspeaker", "loa truyền thanh", "loudspeakers"), ("horn", "horn", "horn")):
        told = summarise(made, level=made.levels[0], values={"word": value}, place=PLACE, held_us=60_000_000)
        assert told == Label(f"Kênh {vi}, 1 phút; gọi", f"Channel {en}, 1 min; call")


def test_a_summary_keeps_to_its_bound_at_a_word_and_is_nfc():
    text = shorten(unicodedata.normalize("NFD", "nước lũ dâng cao " * 20))
    assert len(text) <= LENGTH_MAX
    assert text.endswith(("dâng…", "cao…", "lũ…", "nước…"))
    assert unicodedata.is_normalized("NFC", text)


def test_a_sentence_names_owner_and_parent_in_its_own_language_or_says_that_it_does_not_know():
    """A parent without a name once filled in the ratio, as any unknown word did."""
    made = rule(limit=LIMIT, summary={"vi": "{parent}, {owner}", "en": "{parent}, {owner}"})
    parent = PlaceNames(words={"parent": Label("Tủ mạng", "Cabinet")})
    told = summarise(made, level=made.levels[0], values={"value": 2000.0}, place=parent, held_us=0)
    assert (told.vi, told.en) == ("Tủ mạng, –", "Cabinet, –")
