"""What a rule's alerts are about: a measure that each alternative of its clause asks."""

from __future__ import annotations

import pytest

from ioc.rules.loading.main_measure import asked_always
from tests.unit.rules.builders import rule


@pytest.mark.parametrize(
    ("when", "names"),
    [
        ("value > 1", {"value"}),
        ("value < 1 || value > 9", {"value"}),
        ("value > 1 || other > 2", set()),
        ('word == "other || value" || value > 0', set()),
        ("other > 3 && (value > 1 || value < -1)", {"other", "value"}),
        ("((value > 1)) && (other > 1 || on)", {"value"}),
        ("(value > 1) || (value > 2 && other > 3)", {"value"}),
        ("(value > 1) && (other > 2)", {"value", "other"}),
    ],
)
def test_a_name_that_one_alternative_does_without_is_not_asked_always(when: str, names: set[str]):
    assert asked_always(when) == names


def test_an_alert_that_stands_without_a_number_is_not_about_it():
    about = rule(levels=[{"severity": "low", "when": "other > 2 || value > 10"}]).main
    assert about is None
    second = rule(
        levels=[{"severity": "low", "when": "other > 2 || value > 10"}, {"severity": "high", "when": "value > 20"}]
    )
    assert second.main is not None
    assert second.main.name == "value"
