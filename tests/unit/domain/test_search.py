"""Search by words, and places by every name that they have or had."""

from __future__ import annotations

from datetime import date

import pytest

from ioc.domain.search import words_of
from ioc.packs.loader import load_pack
from ioc.store.registry.areas import AreaBook

TODAY = date(2026, 11, 28)


@pytest.fixture(scope="module")
def book() -> AreaBook:
    pack = load_pack("hoabinh")
    return AreaBook(pack.areas, pack.zones)


def test_words_have_no_marks_no_case_and_no_tone_placement():
    assert words_of("Hoà Bình") == words_of("HÒA BÌNH") == words_of("hoa-binh") == ("hoa", "binh")
    assert words_of("Sông Đà, QL6") == ("song", "da", "ql6")
    assert words_of("%% _") == ()


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("Thịnh Lang", {"04795"}),
        ("mong hoá", {"04894"}),
        ("Cao Sơn", {"04924", "04960"}),
        ("thành phố Hoà Bình", {"04792", "04795", "04828", "04894", "04897"}),
        ("tp hoa binh", {"04792", "04795", "04828", "04894", "04897"}),
        ("huyện Lương Sơn", {"04924", "04960", "05047"}),
        ("thanh pho", set()),
        ("xyz", set()),
    ],
)
def test_a_place_is_found_by_every_name_that_it_has_or_had(book: AreaBook, question: str, codes: set[str]):
    assert meant(book, question) == codes


def test_the_bare_name_of_the_city_is_not_the_whole_city(book: AreaBook):
    """`Hòa Bình` is a ward, a lake and a station: not everything in the former city is meant."""
    found = meant(book, "Hòa Bình")
    assert "04795" in found
    assert "04894" not in found


def test_a_place_and_a_thing_are_asked_for_at_once(book: AreaBook):
    asked = book.asked("mưa Thịnh Lang", TODAY)
    assert asked is not None
    assert asked.words == ("mua", "thinh", "lang")
    assert (("mua",), frozenset({"04795"})) in asked.places


def meant(book: AreaBook, question: str) -> set[str]:
    """Return the areas of the zones that have all of the question in one of their names."""
    asked = book.asked(question, TODAY)
    assert asked is not None
    return {code for rest, codes in asked.places if not rest for code in codes if book.zone_of(code)}
