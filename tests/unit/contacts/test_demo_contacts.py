"""The samples of a demo: marked as such, of units that the pack has, and no number that would reach anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioc.contacts.demo_contacts import load_demo_contacts
from ioc.errors import InvalidInputError
from ioc.packs.loader import load_pack, pack_folder

FOLDER = pack_folder("hoabinh")


def test_the_samples_of_the_demo_say_that_they_are_and_reach_nobody():
    samples = load_demo_contacts(FOLDER / "demo" / "contacts.yaml")
    units = {unit.id for unit in load_pack("hoabinh", shapes=False).units}
    contacts = samples.of(units)
    assert len(contacts) == len(samples.contacts), "each is of a unit of the pack"
    assert all("(mẫu)" in one.title_vi and "(sample)" in one.title_en for one in contacts)
    numbers = [method.value for one in contacts for method in one.methods if method.kind in ("tel", "zalo")]
    assert numbers
    assert all(number.startswith("0000 000 ") for number in numbers), "no network of the country begins with 00 00"


def test_the_pack_proper_has_no_number_but_those_that_everybody_may_call():
    text = (FOLDER / "units.yaml").read_text(encoding="utf-8")
    pack = load_pack("hoabinh", shapes=False)
    assert [one.number for one in pack.emergency_numbers] == ["112", "113", "114", "115"]
    assert "tel" not in text
    assert all(one.source for one in pack.emergency_numbers)


@pytest.mark.parametrize(
    ("text", "place"), [("contacts: []", "entered_by"), ("{", "contacts.yaml"), ("a: 1", "entered_by")]
)
def test_a_file_that_says_something_else_is_named_with_its_place(tmp_path: Path, text: str, place: str):
    path = tmp_path / "contacts.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=place):
        load_demo_contacts(path)
    with pytest.raises(InvalidInputError):
        load_demo_contacts(tmp_path / "none.yaml")
