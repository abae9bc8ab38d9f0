"""docs/alerts.md says of each action from which states it goes, to which, and what it needs, as its row does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ioc.work.transitions import WORK_TRANSITIONS, Need, WorkAction, WorkState

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
LINE = re.compile(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \| (.+?) \|(.*)\|$", re.MULTILINE)
ROWS = {row[0]: row[1:] for row in LINE.findall(PAGE)}


def states_of(cell: str) -> set[WorkState]:
    return set(WorkState) if cell == "any" else {WorkState(name) for name in re.findall(r"`(\w+)`", cell)}


def test_every_action_stands_on_the_page_and_no_other():
    assert list(ROWS) != []
    assert set(ROWS) == {str(action) for action in WorkAction}


@pytest.mark.parametrize("action", WorkAction)
def test_an_action_goes_where_the_page_says(action: WorkAction):
    _, before, after, words = ROWS[str(action)]
    row = WORK_TRANSITIONS[action]
    assert row.sources == states_of(before)
    assert row.target == (None if after == "the same" else WorkState(after.strip("`")))
    assert ("needs words" in words) == (Need.TEXT in row.needs)
    assert ("409 while the condition fires" in words) == (row.refused_while_firing is not None)
    assert ("(422 without)" in words) == (Need.TEXT in row.needs_if_people_end)


def test_the_screens_offer_an_undo_of_what_the_table_can_take_back():
    text = (ROOT / "ui" / "src" / "live" / "actions.ts").read_text(encoding="utf-8")
    [listed] = re.findall(r"^const UNDONE_BY: .* = \{$(.*?)^\};$", text, re.MULTILINE | re.DOTALL)
    sent = dict(re.findall(r'^  "?([a-z-]+)"?: "([a-z-]+)",$', listed, re.MULTILINE))
    taken_back = {action: row.undone_by for action, row in WORK_TRANSITIONS.items() if row.undone_by is not None}
    assert sent == {str(action): str(back) for action, back in taken_back.items()}
