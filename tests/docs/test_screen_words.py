"""Every word that a screen can ask for stands in both dictionaries, for each value that the code or pack can send."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest

from ioc.api.description.openapi import DEVICE_STATUSES
from ioc.contacts.choice import CandidateReason, ContactGap
from ioc.domain.alert import Condition, TransitionKind
from ioc.domain.contacts.call import CallOutcome
from ioc.domain.contacts.directory import MethodKind
from ioc.domain.dated.row import RowAction, RowImportState, RowState
from ioc.domain.device import DeviceImportState
from ioc.domain.event import Flag
from ioc.domain.indicators.indicator import ImportState
from ioc.domain.maintenance.window import MaintenanceState, Repeat
from ioc.domain.manual_entry import ManualAction
from ioc.domain.messaging.presence import Presence, PresenceReason
from ioc.domain.people.capabilities import Capability, roles_with
from ioc.domain.places.gazetteer import PlaceKind
from ioc.domain.quality import Grade
from ioc.domain.roster.mode import DutyMode
from ioc.domain.roster.shift import ShiftAction, ShiftRole
from ioc.domain.roster.state import DUTY
from ioc.domain.rules.form import RuleAction, RuleOrigin
from ioc.domain.rules.health import HealthState
from ioc.domain.severity import Severity
from ioc.domain.silences.silence import SilenceState
from ioc.ingest.mqtt.sessions.wills import FORBIDDEN_WILL_TOPIC
from ioc.ingest.pipeline.manual import FIELD_OF
from ioc.packs.loader import load_pack
from ioc.performance.targets import FigureName, TargetVerdict
from ioc.rules.aggregates.field.vn_aqi_bands import Advice
from ioc.rules.kinds.registry import KINDS
from ioc.rules.language.members import DAYS
from ioc.rules.language.rule import Mode
from ioc.rules.state.alert_state import Trend
from ioc.runtime.health_conditions import DATABASE, DISK
from ioc.sheets.table import RowOutcome
from ioc.store.alerts.shelved import REASONS
from ioc.store.registry.device_imports import OBSTACLES
from ioc.store.rules.backtests import BacktestState
from ioc.work.transitions import DRILL_STEPS, WorkAction, WorkState
from simulators.feeds.citizen_report import EVERYDAY
from tests.docs.test_devices_words import reasons_made

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "ui" / "src"
DICTIONARIES = {
    name: json.loads((SOURCES / "i18n" / f"{name}.json").read_text(encoding="utf-8")) for name in ("vi", "en")
}
SCREENS = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted(SOURCES.rglob("*")) if path.suffix in {".ts", ".svelte"}
)
ASKED = re.compile(r'\bword\(\s*"(\w+)"')
TEMPLATES = re.compile(r"\b(?:t|hasWord)\(\s*`(\w+)\.\$\{[\w.]+\}(\w*)`")
LITERAL = re.compile(r"""["'`](\w+(?:\.\w+)+)["'`]""")
UPLOADS = (SOURCES / "media" / "upload.ts").read_text(encoding="utf-8")
PACK = load_pack("hoabinh", shapes=False)
PARTS = ("rules", "rollup", "door", "bridge", "keeper", "api")


def _made(folder: str, *patterns: str) -> set[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "ioc" / folder).rglob("*.py")))
    return {found for pattern in patterns for found in re.findall(pattern, text)}


def _values(feed: str, field: str) -> set[str]:
    return set(PACK.feeds[feed].fields[field].values)


VALUES: dict[str, set[str]] = {
    "airAdvice": set(Advice),
    "category": {category for category, _ in EVERYDAY},
    "condition": set(Condition),
    "connectReason": {*(name.lower() for name in _made("ingest/mqtt", r"ConnectRefused\(ReasonCode\.(\w+)")),
                      FORBIDDEN_WILL_TOPIC} - {"topic_name_invalid"},  # of a will, which has a word of its own
    "device": set(DEVICE_STATUSES),
    "domain": {domain.id for domain in PACK.domains},
    "drillState": {"running", *_made("drills", r'_end\(\w+, "(\w+)"')},
    "drillStep": set(DRILL_STEPS.values()),
    "entryFault": {*FIELD_OF, *_made("ingest/pipeline", r'_fault\([^,\n]*, "(\w+)"'), "missing_field", "wrong_type",
                   "impossible_value", "too_long", "unknown_value", *_made("store/media", r'_fault\("(\w+)"')},
    "civilDefence": {"1", "2", "3"},  # levels of the law
    "deviceImportState": set(DeviceImportState),
    "callOutcome": set(CallOutcome),
    "deviceOrder": {"battery", "lag", "signal", "status"},  # made by the screen itself
    "deviceOutcome": set(RowOutcome),
    "dutyMode": set(DutyMode),
    "flag": set(Flag),
    "mediaFault": {*re.findall(r'^  \w+: "(\w+)",$', UPLOADS, re.MULTILINE), "other"},
    "grade": set(Grade),
    "performanceFigure": set(FigureName),
    "verdict": set(TargetVerdict),
    "importState": set(ImportState),
    "rowAction": set(RowAction),
    "rowImportState": set(RowImportState),
    "limitState": set(RowState),
    "lookupState": set(RowState),
    "maintenanceRepeat": set(Repeat),
    "silenceState": set(SilenceState),
    "maintenanceState": set(MaintenanceState),
    "manualAction": set(ManualAction),
    "methodKind": set(MethodKind),
    "partOfDay": {"early", "morning", "afternoon", "night"},  # made by the screen itself
    "placeKind": set(PlaceKind),
    "presence": set(Presence),
    "presenceReason": {*PresenceReason} - {"connected"},  # who is connected is asked for no reason
    "reason": _made("rules", r'(?:HOLD_OVER|GONE|RULE_FAILED) = "(\w+)"', r'\b(?:end|end_key)\([^"\n]*"(\w+)"\)',
                    r'Move\([^"\n]*"(\w+)"') | set(REASONS.values()),
    "refusal": reasons_made(),
    "roster": {"swap", "override", "correct", "takeOut", "undo"},  # made by the screen itself
    "role": set(roles_with(Capability.HANDLE)),
    "ruleAction": set(RuleAction),
    "ruleHealth": set(HealthState),
    "ruleHealthText": set(HealthState),
    "ruleKind": set(KINDS),
    "ruleMode": set(Mode),
    "ruleOrigin": set(RuleOrigin),
    "ruleSwitch": {f"{act}{text}" for act in set(RuleAction) - {"create", "edit", "pack"} for text in ("", "Text")},
    "severity": set(Severity),
    "shiftAction": set(ShiftAction),
    "shiftRole": set(ShiftRole),
    "step": {*TransitionKind, *WorkAction},
    "trend": set(Trend),
    "trialOf": {"candidate", "present", "both"},  # made by the screen itself
    "trialState": set(BacktestState),
    "trialStretch": {"day", "month", "year"},  # made by the screen itself
    "trouble": {f"{part}{text}" for part in (DATABASE, DISK, DUTY, *PARTS) for text in ("", "Text")},
    "undoObstacle": set(OBSTACLES),
    "urgency": _values("citizen_report", "urgency") | _values("crime_report", "urgency"),
    "weekday": set(DAYS),
    "weekdayLong": set(DAYS),
    "whomGap": set(ContactGap),
    "whomReason": set(CandidateReason),
    "work": set(WorkState),
}  # fmt: skip
"""By prefix of `word(prefix, code)` and of templates: what the code can be."""

MORE = {"entryFault": "`other` stands for a fault of a newer server",
        "category": "people outside name it as they like; the screen has words for what they usually say",
        "refusal": "`other` stands for a reason of a newer server"}  # fmt: skip


def test_each_prefix_that_a_screen_asks_with_is_known_here():
    asked = {*ASKED.findall(SCREENS), *(prefix for prefix, _ in TEMPLATES.findall(SCREENS))}
    assert asked == set(VALUES)


@pytest.mark.parametrize("prefix", sorted(VALUES))
def test_each_value_has_a_word_and_no_word_is_of_a_value_that_cannot_come(prefix: str):
    assert VALUES[prefix], "the code has none: is it looked for in the right place?"
    for name, dictionary in DICTIONARIES.items():
        words = {key.removeprefix(f"{prefix}.") for key in dictionary if key.startswith(f"{prefix}.")}
        assert VALUES[prefix] - words == set(), name
        literal = {key.removeprefix(f"{prefix}.") for key in LITERAL.findall(SCREENS) if key.startswith(f"{prefix}.")}
        if prefix not in MORE:
            assert words - VALUES[prefix] - literal == set(), name


def test_each_word_is_asked_for_somewhere():
    asked = set(LITERAL.findall(SCREENS))
    unasked = {key for key in DICTIONARIES["vi"] if key not in asked and key.partition(".")[0] not in VALUES}
    assert unasked == set()


def test_both_dictionaries_have_the_same_keys_placeholders_and_normal_form():
    vi, en = DICTIONARIES["vi"], DICTIONARIES["en"]
    assert list(vi) == list(en), "and in the same order, so that they can be read side by side"
    for key, text in vi.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", en[key])), key
        assert unicodedata.is_normalized("NFC", text), key
        assert unicodedata.is_normalized("NFC", en[key]), key
