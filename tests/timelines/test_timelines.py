"""Every timeline of this folder holds, and the runner says what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioc.packs.loader import load_pack
from ioc.packs.pack import plain
from ioc.rules.recompute.timeline import TimelineError, TimelinePack, documents, run_timeline, run_timelines

FOLDER = Path(__file__).parent
TIMELINES = [(document, file) for file in sorted(FOLDER.glob("*.yaml")) for document in documents(file)]
CASES = [pytest.param(document, file, id=f"{file.stem}: {document['timeline']}") for document, file in TIMELINES]
RULE = {
    "rule": "meter.level",
    "title": {"vi": "Mức cao", "en": "High level"},
    "domain": "test",
    "feed": "meter",
    "levels": [{"severity": "high", "when": "value > 10"}],
    "summary": {"vi": "Mức {value}", "en": "Level {value}"},
}
FRAME = {"timeline": "t", "feeds": {"meter": {"value": "number"}}, "rules": [RULE]}


@pytest.fixture(scope="module")
def pack():
    """The pack as `ioc timelines` hands it over."""
    pack = load_pack("hoabinh")
    return TimelinePack(
        feeds=pack.feeds,
        rules={rule.id: rule.body for rule in pack.rules},
        zones={zone.code: zone.name for zone in pack.zones},
        timezone=pack.zone,
        devices={device.id: plain(device) for device in pack.devices},
        areas={f"{area.code}@{area.valid_from}": plain(area) for area in pack.areas},
        calendar=pack.calendar(),
    )


@pytest.mark.parametrize(("document", "file"), CASES)
def test_timeline_holds(document, file, pack):
    """What the timeline expects is what the fold does."""
    result = run_timeline(document, pack, file=file)
    assert result.failures == ()
    assert result.expectations > 0


def test_every_rule_of_the_pack_has_a_timeline(pack):
    """A threshold that nobody has tried is a guess."""
    tried = {name for document, _ in TIMELINES for name in document.get("pack_rules", [])}
    assert tried == set(pack.rules)


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        ({"expect": "none"}, "found meter.level[device-1] opened high"),
        ({"expect": "firing low"}, "expected firing low, found"),
        ({"expect": "cleared"}, "expected cleared, found"),
        ({"expect": "firing high", "flaps": 2}, "with flaps 2, found 0"),
        ({"expect": "firing high", "opened": "1m"}, "opened at 1m, found 0:00:00"),
        ({"expect": "firing high", "summary": "Mức 12"}, "with 'Mức 12'"),
    ],
)
def test_an_expectation_that_is_not_met_is_a_failure_in_words(expectation, said):
    """A timeline can fail."""
    steps = [{"at": "0s", "send": {"value": 11}}, {"at": "0s", **expectation}]
    result = run_timeline({**FRAME, "steps": steps}, TimelinePack(), file=Path("t.yaml"))
    assert not result.passed
    assert said in result.failures[0]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"send": {"value": 1}}, "a step has `at:`"),
        ({"at": "soon", "expect": "none"}, "is no duration"),
        ({"at": "0s", "sends": {}}, "after `at:` comes one of"),
        ({"at": "0s", "expect": "none", "flap": 1}, "after `at:` comes one of"),
        ({"at": "0s", "expect": "firing"}, "say none, cleared or firing LEVEL"),
    ],
)
def test_a_step_that_cannot_be_read_is_refused(step, said):
    """A misspelt check must not pass by being ignored."""
    with pytest.raises(TimelineError, match=said):
        run_timeline(
            {**FRAME, "steps": [{"at": "0s", "send": {"value": 11}}, step]}, TimelinePack(), file=Path("t.yaml")
        )


def test_a_folder_without_timelines_is_an_error(tmp_path):
    """A run that tried nothing must not look green."""
    with pytest.raises(TimelineError, match="no timeline"):
        list(run_timelines(tmp_path, TimelinePack()))
