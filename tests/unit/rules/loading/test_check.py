"""The check of a rule's text: each fault at its line and member, in words; nothing makes it crash."""

from __future__ import annotations

import random
import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from ioc.packs.loader import load_pack
from ioc.rules.loading.check import TEXT_BYTES_MAX, CheckResult, Surroundings, Weight, check_rule
from tests.unit.rules.builders import FEEDS, rule_body

AROUND = Surroundings(FEEDS, {"test"}, ZoneInfo("Asia/Ho_Chi_Minh"))
MEMBER = "measure.m.per"
SOUND = """\
rule: meter.level
title: {vi: "Mức cao", en: "High level"}
domain: test
feed: meter
levels:
  - severity: medium
    when: 'value > 10.0'
    limit: {value: 10, unit: cm, source: "QĐ 1", verified: true}
summary: {vi: "Mức {value}", en: "Level {value}"}
"""


def check(text: str, **others: Any) -> CheckResult:
    return check_rule(text, AROUND, **others)


def test_a_sound_text_gives_the_rule_its_body_and_its_hash():
    found = check(SOUND, version=7)
    assert found.faults == ()
    assert found.rule is not None
    assert (found.rule.id, found.rule.version, found.rule.hash) == ("meter.level", 7, found.hash)
    assert found.body == yaml.safe_load(SOUND)


def test_comments_and_layout_make_no_other_hash():
    assert check("# why\n" + SOUND.replace("cm,", "cm ,")).hash == check(SOUND).hash
    assert check(SOUND.replace("10.0", "11.0")).hash != check(SOUND).hash


def test_line_ends_and_byte_order_marks_are_settled():
    found = check("\ufeff" + SOUND.replace("\n", "\r\n").rstrip())
    assert (found.text, found.faults) == (SOUND, ())


@pytest.mark.parametrize(
    ("change", "line", "member", "detail", "hint"),
    [
        (("levels:\n", "levels: [\n"), 6, "", "not readable as YAML", "check indentation"),
        (("value > 10.0", "valeu > 10.0"), 7, "levels[0].when", "undeclared reference to 'valeu'", "'value'?"),
        (("value > 10.0", "value > 'x'"), 7, "", "not readable as YAML", "check indentation"),
        (("value > 10.0", "word > 10.0"), 7, "levels[0].when", "no matching overload", "the two sides differ in type"),
        (("value > 10.0", "value + 1.0"), 7, "levels[0].when", "not true or false", "compare it"),
        (("feed: meter", "feed: metre"), 4, "feed", "no feed 'metre'", "there are gauge, meter"),
        (("domain: test", "domain: tset"), 3, "domain", "unknown domain `tset`", "one of test"),
        (("feed: meter", "feed: meter\nlevel: 3"), 5, "level", "unknown member", "known: "),
        (('{value}", en', '{speed}", en'), 9, "summary", "nothing fills {speed}", "known: "),
        (("severity: medium", "severity: middling"), 6, "levels[0].severity", "no severity 'middling'", "one of info"),
        (("verified: true", "verified: yes"), 8, "levels[0].limit.verified", "true or false is required", "false"),
        (("feed: meter", "feed: meter\nfeed: gauge"), 5, "", "the key `feed` comes twice", "the first is on line 4"),
        (('title: {vi: "Mức cao", ', "title: {"), 2, "title", "both languages are required", "vi: "),
        (("feed: meter", "feed: meter\nhold: 5x"), 5, "hold", "'5x' is no duration", "such as 10m"),
        (("Mức cao", "Mu\u031bc cao"), 2, "", "text is not NFC", "normalise"),
        (("feed: meter", "feed: meter\nby: [[a]]"), 5, "by", "is no name", "device, area"),
        (("feed: meter", "feed: [[a]]"), 4, "feed", "no feed ['a']", "there are"),
        (("feed: meter", "feed: meter\nactive: {days: [[a]]}"), 5, "active.days", "days of the week", "of mon"),
        (("feed: meter", "feed: meter\nover: 1h\nmeasure: {m: {max: value, per: [a], take: max}}"), 6, MEMBER, "", ""),
        (("domain: test", "domain: *d"), 3, "", "aliases are not allowed", ""),
        (("domain: test", "domain: !!python/name:os.system x"), 3, "", "is not allowed", "remove it"),
    ],
)  # fmt: skip
def test_a_fault_is_said_at_its_line_with_what_to_do(
    change: tuple[str, str], line: int, member: str, detail: str, hint: str
):
    assert change[0] in SOUND
    found = check(SOUND.replace(change[0], change[1], 1))
    assert found.rule is None
    assert found.body is None
    said = [fault for fault in found.errors if (fault.line, fault.member) == (line, member) and detail in fault.detail]
    assert said, found.faults
    assert hint in said[0].hint
    assert said[0].column > 0 or not member


def test_every_unknown_member_is_named_at_once():
    found = check(SOUND + "levles: 1\nsumary: 2\n")
    assert [(fault.line, fault.member) for fault in found.errors] == [(10, "levles"), (11, "sumary")]


def test_the_column_is_that_of_the_member():
    found = check(SOUND.replace("value: 10,", "value: ten,"))
    assert [(fault.line, fault.column, fault.member) for fault in found.errors] == [(8, 13, "levels[0].limit.value")]


def test_an_edit_may_not_change_the_id():
    found = check(SOUND, identifier="meter.other")
    assert [(fault.line, fault.member) for fault in found.errors] == [(1, "rule")]
    assert "make a new rule" in found.errors[0].hint
    assert check(SOUND, identifier="meter.level").errors == ()


def test_an_unverified_limit_and_an_edit_that_ends_alerts_are_warnings():
    before = check(SOUND).rule
    text = SOUND.replace("verified: true", "verified: false")
    found = check(text + "mode: monitor\n", before=before)
    assert found.rule is not None
    assert found.errors == ()
    assert [(fault.line, fault.weight) for fault in found.faults] == [(8, Weight.WARNING), (10, Weight.WARNING)]
    assert "not verified" in found.faults[0].detail
    assert "ends the open alerts" in found.faults[1].detail
    assert check(SOUND.replace("10.0", "12.0"), before=before).faults == ()


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "null", "[]", "rule", "a: b: c", "\t", "rule: \0", "rule: [", "? [a]\n: b", "---\na: 1\n---\nb: 2\n",
        "&a [*a]", "a: &a [x]\nb: *a\n", "[" * 5_000, "{" * 5_000, "- " * 5_000, "a:\n " * 3_000, "? " * 5_000,
        "rule: " + "x" * 60_000, "a: " + "[a, " * 900, 'x: "' + "\\" * 3_001, "!!binary x", "%YAML 9.9\n---\na: 1",
        "a: 1e999", "a: " + "9" * 4_000, "# c\n" * 16_000, "levels: [" + "{severity: low}, " * 3_000 + "]",
        "by: [" + "a, " * 20_000 + "a]", "\n".join(f"k{n}: {n}" for n in range(5_000)),
        SOUND.replace("value > 10.0", "(" * 900 + "value > 1.0" + ")" * 900),
        SOUND.replace("value > 10.0", "value > 1 && " * 150 + "yes"),
    ],
    ids=range(31),
)  # fmt: skip
def test_hostile_texts_end_in_faults_soon(text: str):
    """Bombs, depth, breadth and nonsense: problems, at most so many, and no time to speak of."""
    began = time.perf_counter()
    found = check(text)
    assert time.perf_counter() - began < 6.0
    assert found.errors
    assert len(found.faults) <= 50
    assert all(fault.line >= 1 and len(fault.detail) < 4_000 for fault in found.faults)


def test_a_text_that_is_too_long_is_not_read():
    found = check(SOUND + "#" * TEXT_BYTES_MAX)
    assert [fault.detail for fault in found.errors] == [f"longer than {TEXT_BYTES_MAX} bytes"]


def test_whatever_stands_in_a_rule_its_author_gets_faults_and_never_a_traceback():
    """Rules of the shipped pack with parts put elsewhere, taken away or made nonsense."""
    pack = load_pack("hoabinh")
    around = Surroundings(pack.feeds, {domain.id for domain in pack.domains}, pack.zone)
    bodies = [yaml.safe_load(rule.yaml) for rule in pack.rules] + [rule_body()]
    junk: list[Any] = [
        None, [], {}, [[]], [{}], {"a": [1]}, "", 0, -1, 1.5, True, "x", "0m", [None], ["a", "a"], {"vi": 1, "en": []},
        {"for": []}, ["alert", "rainfall"], {"when": {}}, 10**17, {"value": 1e300}, [1, 2, 3], [[1, 2], [3]],
    ]  # fmt: skip
    rng, found = random.Random(20261127), 0
    for _ in range(250):
        body = dict(rng.choice(bodies))
        for _ in range(rng.randint(1, 3)):
            at = rng.choice(["where", "near", "within", "sequence", "absent", "measure", "over", "active", *body])
            body[at] = rng.choice([*junk, *rng.choice(bodies).values()])
        found += bool(check_rule(yaml.safe_dump(body, allow_unicode=True), around).errors)
    assert found > 150
