"""Switches in a rule's text: turned line by line, with all else as it was written."""

from __future__ import annotations

from typing import Any

import pytest

from ioc.packs.problem import Findings
from ioc.packs.rule_text import is_quieted, says_the_same, switches, with_switches
from ioc.packs.source import parse_yaml

TEXT = "# why\nrule: a.b\nlevels:  # lowest first\n  - {severity: low, when: 'x > 1.0', enabled: 1}\n"


def body_of(text: str) -> dict[str, Any]:
    findings = Findings()
    found = parse_yaml(text, name="x", findings=findings)
    assert found is not None
    assert not findings.sorted_problems()
    return dict(found.value)


@pytest.mark.parametrize(
    ("text", "wanted", "after"),
    [
        (TEXT, {"enabled": False, "mode": "alert"}, TEXT + "enabled: false\n"),
        (TEXT, {"enabled": True, "mode": "monitor"}, TEXT + "mode: monitor\n"),
        (TEXT + "enabled: false\n", {"enabled": True, "mode": "alert"}, TEXT),
        ("mode: monitor # x\nenabled: true\n" + TEXT, {"enabled": False, "mode": "alert"}, "enabled: false\n" + TEXT),
        ("mode: alert\n" + TEXT, {"enabled": True, "mode": "monitor"}, "mode: monitor\n" + TEXT),
        (TEXT.rstrip("\n"), {"enabled": False, "mode": "monitor"}, TEXT + "enabled: false\nmode: monitor\n"),
    ],
)  # fmt: skip
def test_a_switch_is_a_line_and_the_rest_stays(text: str, wanted: dict[str, Any], after: str):
    turned, body = with_switches(text, body_of(text), wanted)
    assert turned == after
    assert body == body_of(after)
    assert switches(body) == wanted


@pytest.mark.parametrize(
    "text", ["{rule: a.b, mode: monitor}\n", "{rule: a.b}\n", "mode:\n  monitor\nrule: a.b\n", None]
)
def test_a_text_without_lines_of_its_own_is_written_anew(text: str | None):
    body = body_of(text) if text else {"rule": "a.b", "title": {"vi": "Mức cao"}, "code": "04795", "day": "2025-07-01"}
    turned, made = with_switches(text, body, {"enabled": False, "mode": "alert"})
    assert switches(made) == {"enabled": False, "mode": "alert"}
    assert body_of(turned) == made


def test_a_named_default_says_the_same():
    assert says_the_same({"rule": "a"}, {"rule": "a", "enabled": True, "mode": "alert"})
    assert not says_the_same({"rule": "a"}, {"rule": "a", "enabled": False})
    assert not says_the_same({"rule": "a"}, {"rule": "b"})


def test_quieted_is_off_or_monitored_and_nothing_else():
    pack = {"rule": "a", "hold": "1h"}
    assert is_quieted({**pack, "enabled": False}, pack)
    assert is_quieted({**pack, "mode": "monitor"}, pack)
    assert not is_quieted(pack, pack)
    assert not is_quieted({**pack, "hold": "2h", "enabled": False}, pack)
    assert not is_quieted(pack, {**pack, "mode": "monitor"}), "the site made it louder than the pack"
