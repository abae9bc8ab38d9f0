"""Where people say that something is: kilometres of roads, names with and without marks."""

from __future__ import annotations

import pytest

from ioc.domain.feed import Label
from ioc.domain.places.gazetteer import (
    FoundPlace,
    NamedPlace,
    PlaceKind,
    Road,
    RoadMark,
    distance_m,
    find,
    kilometre,
    post,
)
from ioc.domain.search import words_of

LINE = ((20.0, 105.0), (20.0, 105.1), (20.1, 105.1))
ROAD = Road("ql6", Label("Quốc lộ 6", "National road 6"), LINE, (RoadMark(40, LINE[-1]), RoadMark(60, LINE[0])))
WARD = NamedPlace(
    FoundPlace(PlaceKind.UNIT, Label("Phường Hòa Bình", "Hòa Bình Ward"), 20.8, 105.3), words_of("Phường Hòa Bình")
)


def test_a_kilometre_between_two_marks_is_shared_out_along_the_line():
    length = distance_m(*LINE[:2]) + distance_m(*LINE[1:])
    assert ROAD.at(40) == pytest.approx(LINE[-1])
    assert ROAD.at(60) == pytest.approx(LINE[0])
    half = ROAD.at(50)
    assert half is not None
    assert distance_m(half, LINE[-1]) == pytest.approx(length / 2, rel=1e-3), "behind the bend, as the road runs"


def test_beyond_the_marks_a_kilometre_is_a_kilometre_and_behind_the_line_there_is_none():
    longer = Road("x", ROAD.name, LINE, (RoadMark(40, LINE[-1]), RoadMark(41, LINE[1])))
    beyond = longer.at(43)
    assert beyond is not None
    assert distance_m(beyond, LINE[1]) == pytest.approx(2_000, rel=1e-3)
    assert (longer.at(60), longer.at(39)) == (None, None)
    assert Road("x", ROAD.name, LINE, ()).at(3) is None


@pytest.mark.parametrize(("text", "km"), [
    ("km 45+300", 45.3), ("QL6 km45,3", 45.3), ("45+300 QL6", 45.3), ("quốc lộ 6 km 52", 52.0), ("Km 45 + 5", 45.005),
    ("QL6", None), ("phường 3", None), ("", None), ("km", None),
])  # fmt: skip
def test_a_kilometre_is_read_as_people_write_it(text, km):
    said = kilometre(text)
    assert (None if said is None else said[0]) == km


@pytest.mark.parametrize("text", ["ql6 km 45+300", "QL 6 km 45+300", "quốc lộ 6 km45+300", "km 45+300"])
def test_a_road_is_named_in_every_way_or_not_at_all(text):
    [place] = find(text, [ROAD], [WARD])
    assert (place.name.vi, place.estimated) == ("km 45+300, Quốc lộ 6", True)


def test_another_road_a_kilometre_off_the_line_and_words_of_nothing_find_nothing():
    assert find("QL12 km 45", [ROAD], []) == find("QL6 km 300", [ROAD], []) == find("xyz", [ROAD], [WARD]) == []


def test_what_is_called_so_goes_before_what_it_is_a_part_of():
    old = NamedPlace(
        FoundPlace(PlaceKind.FORMER, Label("Phường Thịnh Lang", "x"), 20.837, 105.3), words_of("Phường Thịnh Lang")
    )
    today = NamedPlace(WARD.place, (*WARD.words, "thinh", "lang"))
    assert find("thinh lang", [], [today, old]) == [old.place, today.place]


def test_names_are_found_without_marks_by_the_beginnings_of_their_words():
    assert find("hoa b", [ROAD], [WARD]) == [WARD.place]
    assert find("", [ROAD], [WARD]) == []
    assert len(find("hoa", [], [WARD] * 50)) == 20


def test_a_post_says_metres_in_three_digits():
    assert (post(45.3), post(45.005), post(45.9999)) == ("km 45+300", "km 45+005", "km 46+000")
