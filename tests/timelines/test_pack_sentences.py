"""What the pack's rules say aloud: one sentence that fits, with place, value, unit and limit, and what to do."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from ioc.domain.alert import TransitionKind
from ioc.domain.feed import FieldSpec, FieldType, Label
from ioc.domain.units import display_amount
from ioc.packs.loader import load_pack
from ioc.packs.pack import plain
from ioc.rules.fold.headline import LENGTH_MAX
from ioc.rules.language.amounts import is_difference, number_text
from ioc.rules.language.rule import Rule, to_us
from ioc.rules.loading.loader import load_rule
from ioc.rules.recompute.timeline import Player, TimelinePack
from tests.timelines.test_timelines import TIMELINES

PACK = load_pack("hoabinh", shapes=False)
NAMES = {
    **{device.id: device.name for device in PACK.devices},
    **{area.code: area.name for area in PACK.areas if area.valid_to is None},
    **{zone.code: zone.name for zone in PACK.zones},
    # Outside the area of the pack, so no device of it: its own timeline gives the name.
    "river-hung-thi": Label("Trạm thủy văn Hưng Thi", "Hưng Thi gauge"),
}
VIETNAMESE = re.compile(r"[àáâãèéêìíòóôõùúýăđĩũơưạ-ỹ]|^ca$|^camera$", re.IGNORECASE)
"""Units that are words: the English sentence says them in English."""


@pytest.fixture(scope="module")
def spoken():
    """By rule, the first transition that opens in one of its timelines; watched rules speak up for once."""
    pack = TimelinePack(
        feeds=PACK.feeds,
        rules={rule.id: {**rule.body, "mode": "alert"} for rule in PACK.rules},
        zones={zone.code: zone.name for zone in PACK.zones},
        timezone=PACK.zone,
        devices={device.id: plain(device) for device in PACK.devices},
        areas={f"{area.code}@{area.valid_from}": plain(area) for area in PACK.areas},
        calendar=PACK.calendar(),
    )
    found = defaultdict(list)
    for document, _ in TIMELINES:
        if "pack_rules" not in document or document["pack_rules"][0] in found:
            continue
        player = Player(document, pack)
        for number, item in enumerate(document["steps"]):
            player.play(item, f"step {number}")
        for transition in player.transitions:
            if transition.kind is TransitionKind.OPENED:
                found[transition.rule].append(transition)
    return {rule: transitions[0] for rule, transitions in found.items()}


RULES = {
    rule.id: load_rule(rule.body, feeds=PACK.feeds, hash=rule.hash, version=1, zone=PACK.zone) for rule in PACK.rules
}


def coded(rule: Rule, key: str) -> list[tuple[FieldSpec, str]]:
    """Return the parts of a key that are codes, each with its field."""
    parts = [
        (rule.fields[name], part) for name, part in zip(rule.by, key.split("|"), strict=False) if name in rule.fields
    ]
    return [(field, part) for field, part in parts if part in field.words]


@pytest.mark.parametrize("identifier", sorted(RULES))
def test_the_first_sentence_of_a_rule_says_where_how_much_and_what_to_do(identifier, spoken):
    """Whoever reads only this line knows enough to act."""
    rule, opened = RULES[identifier], spoken[identifier]
    level = next(level for level in rule.levels if level.severity is opened.severity)
    limit = rule.limit_of(level, to_us(opened.at))
    value = opened.evidence.values.get(level.measure or "")
    places = [name for name in (opened.device, opened.area, opened.zone, *opened.key.split("|")) if name]
    for vi in (True, False):
        text = opened.summary.vi if vi else opened.summary.en
        assert len(text) <= LENGTH_MAX
        assert not text.endswith("…")
        assert "–" not in text.split(), text
        assert "; " in text, text
        called = [getattr(NAMES[place], "vi" if vi else "en") if place in NAMES else place for place in places]
        # A key that is a code is told by its words, and only by them.
        called += [field.words[key].vi if vi else field.words[key].en for field, key in coded(rule, opened.key)]
        assert any(name in text for name in called), (text, called)
        if level.measure is None or value is None or isinstance(value, bool):
            continue
        spec = rule.fields[level.measure]
        value = abs(value) if is_difference(rule, level.measure) else value  # said as a rise or a fall
        if spec.display_unit:
            for said in (value, limit.value if limit else value):
                shown = display_amount(said, spec.unit, spec.display_unit)
                assert shown is not None
                assert f"{number_text(shown[0], digits=shown[1], vi=vi)} {spec.display_unit}" in text
            continue
        digits = 0 if spec.type is FieldType.INTEGER else spec.digits
        assert number_text(value, digits=digits, vi=vi) in text, (text, value)
        unit = (limit.unit if limit is not None else "") or spec.unit
        assert unit in text or (not vi and VIETNAMESE.search(unit)), (text, unit)
        if limit is not None and limit.value != 0:
            assert number_text(abs(limit.value), digits=3, vi=vi) in text, (text, limit.value)
