"""A kind of rule is one folder and one line of the registry: nothing else in the house asks for a kind by its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ioc
from ioc.rules.kinds.registry import KINDS, OF_ALERTS, OF_NO_MEMBERS
from ioc.rules.kinds.sequence.spec import Sequence
from ioc.rules.kinds.zone.spec import ZoneSpec
from ioc.rules.language.kinds import THRESHOLD, Window

ROOT = Path(ioc.__file__).parent
OF_KINDS = "rules/kinds/"


def test_nobody_outside_of_the_kinds_asks_for_one_by_name():
    names, classes = "|".join(KINDS), "|".join(kind.title() for kind in KINDS)
    asked = re.compile(
        rf"""kind\b.{{0,5}} (?:==|!=|in|is|is not) \(?[^"'\n]{{0,12}}["'](?:{names})["']"""
        rf"""|\b(?:{classes})(?:Words|Evaluator)\b"""
    )
    named = {file.relative_to(ROOT).as_posix() for file in ROOT.rglob("*.py") if asked.search(file.read_text("utf-8"))}
    assert {name for name in named if not name.startswith(OF_KINDS)} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_folder_and_its_line(kind: str):
    files = {file.name for file in (ROOT / OF_KINDS / kind).iterdir()}
    assert "kind.py" in files
    assert KINDS[kind].evaluator is None or {"reader.py", "evaluator.py"} <= files
    assert KINDS[kind].name == kind


def test_what_no_member_makes_is_of_the_feed():
    without = [kind for kind in KINDS.values() if not kind.members]
    assert without == [OF_NO_MEMBERS, OF_ALERTS]
    assert [kind.over_alerts for kind in without] == [False, True]


def test_no_member_makes_two_kinds():
    members = [member for known in KINDS.values() for member in known.members]
    assert len(members) == len(set(members))


def test_what_finds_no_keys_itself_is_asked_for_none():
    """Whatever the fold shows to a kind, the kind can take: a mistake in a new one is said by name."""
    for kind, known in KINDS.items():
        if known.evaluator is not None:
            asked = type(known.evaluator)
            assert known.evaluator.finds_keys == ("find" in vars(asked)), kind
            assert known.over_alerts == ("show_alert" in vars(asked)), kind


def test_the_look_back_is_the_specs_own():
    assert THRESHOLD.look_back_us == 0
    assert Window(3_600, 60, 60, (), back=12).look_back_us == 3_600 + 12 * 60
    assert Sequence((), 90).look_back_us == 90
    assert ZoneSpec(leave=False, margin_m=0.0).look_back_us == 0
