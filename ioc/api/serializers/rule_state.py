"""A rule as it stands, as JSON: whose form is in force, its limits, how it does, who changed it and why."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ioc.api.plain_language.rules import rule_of
from ioc.api.serializers import rules as rules_json
from ioc.api.serializers.nouns import JSONObject, Row, moment, numbers_only
from ioc.domain.feed import FeedSpec
from ioc.domain.rules.form import RuleOrigin
from ioc.domain.rules.health import HealthState
from ioc.packs.rule_text import written
from ioc.rules.language.clause import CONTEXT
from ioc.rules.language.compiled_clauses import required_text
from ioc.rules.language.kinds import ALERTS
from ioc.rules.loading.kinds import feeds_of
from ioc.rules.words.clauses import Codes

IDLE_PERIODS = 3
IDLE_LEAST = timedelta(minutes=10)
ON_ITS_WAY = timedelta(seconds=30)
"""How long a new form may take until the engine says that it is in force."""
DIFF_LINES_MAX = 1_500
COUNTS = ("evaluated", "errors", "no_data", "late", "full", "monitored", "keys", "degraded_keys")
BY_PACK = {
    "new_form": ("Gói địa phương có bản mới của quy tắc", "The pack brought a new form"),
    "same_now": ("Gói địa phương nay giống bản của địa phương", "The pack now says the same as the site"),
    "still_switched": (
        "Gói địa phương có bản mới; công tắc của địa phương được giữ nguyên",
        "The pack brought a new form; it stays switched as the site had it",
    ),
    "site_form_kept": (
        "Gói địa phương có bản mới; bản của địa phương vẫn có hiệu lực",
        "The pack has a new form; the site's own stays in force",
    ),
    "left_to_the_site": (
        "Gói địa phương không còn quy tắc này; bản của địa phương vẫn có hiệu lực",
        "The pack no longer has this rule; the site's own form stays in force",
    ),
    "left_the_pack": ("Gói địa phương không còn quy tắc này", "The pack no longer has this rule"),
}
NEVER_HEARD = ("Chưa có số liệu nào đến quy tắc này", "Nothing has reached this rule yet")
NOT_TAKEN = (
    "Bộ máy quy tắc chưa dùng bản này; phiên bản {} vẫn có hiệu lực",
    "The engine has not taken this form; version {} is still in force",
)
SILENT = ("Không có số liệu nào đến quy tắc này từ {}", "Nothing has reached this rule since {}")


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """What a rule is shown against: the pack's feeds and codes, the day, the moment, when each feed was last heard."""

    feeds: Mapping[str, FeedSpec]
    codes: Codes
    today: date
    now: datetime
    heard: Mapping[str, datetime]
    language: str
    masked: bool = False

    def say(self, words: tuple[str, str]) -> str:
        """Return the words in the reader's language."""
        return words[0] if self.language == "vi" else words[1]


def rule(row: Row, around: RuleSetting, *, open_alerts: int) -> JSONObject:
    """Return a rule in full; ``row`` is one of the store's rules with the pack's form and the health beside it.

    A body that no check lets pass is shown by its title and its text alone. The engine refuses it, and its health says
    why.
    """
    text = _text(row["yaml"], row["body"])
    known = rule_of(row["body"], around.feeds, version=row["version"], hash=row["hash"])
    if known is None:
        row = {**row, "body": _titled(row["body"])}
    made = rules_json.rule(row, known, feeds=around.feeds, open_alerts=open_alerts, text=text, codes=around.codes)
    return {
        **made,
        "origin": row["origin"],
        "pack": pack_form(row),
        "limits": limits(row["body"], around.today),
        "health": health(row, around),
        "changed": changed(row, masked=around.masked),
    }


def _titled(body: Mapping[str, Any]) -> JSONObject:
    title = body.get("title")
    known = isinstance(title, Mapping) and all(isinstance(title.get(language), str) for language in ("vi", "en"))
    return {"title": title} if known else {}


def pack_form(row: Row) -> JSONObject | None:
    """Return the pack's present form of a rule, null where it has none."""
    if row["pack_form_hash"] is None:
        return None
    text = row["pack_form_yaml"]
    return {
        "hash": row["pack_form_hash"],
        "yaml": text if text is not None else written(row["pack_form_body"]),
        "differs": row["origin"] != RuleOrigin.PACK,
        "moved": row["origin"] != RuleOrigin.PACK and row["pack_hash"] != row["pack_form_hash"],
    }


def changed(row: Row, *, masked: bool) -> JSONObject | None:
    """Return who changed a rule last, null where nobody here did."""
    if row["changed_at"] is None:
        return None
    return {
        "at": moment(row["changed_at"]),
        "by": None if masked else row["changed_by"],
        "why": None if masked else row["changed_why"],
        "action": row["changed_action"],
    }


def limits(body: Mapping[str, Any], today: date) -> list[JSONObject]:
    """Return every limit of a rule and of its levels; of several dated ones one is in force on a day."""
    found: list[JSONObject] = []
    of_levels = [(level["severity"], level.get("limit")) for level in _levels(body)]
    for severity, named in ((None, body.get("limit")), *of_levels):
        listed = named if isinstance(named, list) else [named] if named and "value" in named else []
        days = [str(limit.get("valid_from") or "") for limit in listed]
        valid = [number for number, day in enumerate(days) if day <= today.isoformat()]
        found.extend(
            {
                "value": limit["value"],
                "unit": limit["unit"],
                "source": limit["source"],
                "verified": limit["verified"],
                "valid_from": limit.get("valid_from"),
                "in_force": bool(valid) and number == valid[-1],
                "severity": severity,
            }
            for number, limit in enumerate(listed)
        )
    return found


def _levels(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [level for level in body.get("levels") or () if isinstance(level, Mapping)]


def health(row: Row, around: RuleSetting) -> JSONObject:
    """Return how a rule does: what the engine counted, and one word for it."""
    found: Mapping[str, Any] = row["health"] or {}
    refused = found.get("refused")
    state, reason = HealthState.OK, None
    if not row["enabled"]:
        state = HealthState.OFF
    elif refused is not None:
        state, reason = HealthState.REFUSED, str(refused)
    elif found and found["version"] != row["version"] and around.now - row["updated_at"] > ON_ITS_WAY:
        state, reason = HealthState.REFUSED, around.say(NOT_TAKEN).format(found["version"])
    elif found.get("degraded_keys"):
        state = HealthState.DEGRADED
    elif (silent := silence(row, around)) is not None:
        state, reason = HealthState.IDLE, silent
    return {
        "state": state.value,
        "reason": reason,
        "since": moment(row["since"]),
        **{name: found.get(name, 0) for name in COUNTS},
        "last_evaluated_at": moment(row["last_evaluated_at"]),
        "last_transition_at": moment(row["last_transition_at"]),
        "updated_at": moment(row["health_at"]),
    }


def silence(row: Row, around: RuleSetting) -> str | None:
    """Return what to say of a rule that nothing reaches, None where something does or need not.

    A rule over alerts, and one of feeds without devices of their own (citizens' reports), may wait for ever.
    """
    names = feeds_of(row["body"])
    specs = [around.feeds[name] for name in names if name in around.feeds]
    if ALERTS in names or not specs or not all(spec.device_required for spec in specs):
        return None
    reached = [row["last_evaluated_at"]]
    asked = required_text(str(row["body"].get("where") or ""))
    if asked is not None and asked[0] not in CONTEXT:
        # The rule reads only rare values of a field, so its own last evaluation says little: ask when its feed spoke.
        reached.extend(around.heard.get(name) for name in names)
    last = max((when for when in reached if when is not None), default=None)
    begun = last or row["since"] or row["updated_at"]
    longest = max(spec.expected_period for spec in specs)
    if around.now - begun <= max(IDLE_PERIODS * longest, IDLE_LEAST):
        return None
    return around.say(NEVER_HEARD) if last is None else around.say(SILENT).format(moment(last))


def step(row: Row, around: RuleSetting) -> JSONObject:
    """Return one step of a rule's history, with what it changed of the text."""
    text, before = _text(row["yaml"], row["body"]), ""
    if row["before_body"] is not None:
        before = _text(row["before_yaml"], row["before_body"])
    by_pack = row["actor"] is None
    return {
        "id": row["number"],
        "at": moment(row["at"]),
        "by": row["actor"],
        "action": row["action"],
        "why": around.say(BY_PACK[row["why"]]) if by_pack and row["why"] in BY_PACK else row["why"],
        "version": row["version"],
        "hash": row["hash"],
        "yaml": text,
        "diff": diff(before, text),
        "position": row["position"],
    }


def _text(text: str | None, body: Mapping[str, Any]) -> str:
    return text if text is not None else written(body)


def diff(before: str, after: str) -> str | None:
    """Return a unified diff, empty where nothing changed; None where the texts are too long to be compared."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > DIFF_LINES_MAX:
        return None
    return "\n".join(list(difflib.unified_diff(old, new, lineterm="", n=3))[2:])


def monitored_move(row: Row, *, masked: bool) -> JSONObject:
    """Return one move of a rule in monitor mode."""
    found: Mapping[str, Any] = row["evidence"]
    values = found.get("values") or {}
    place = (row["device"], row["area"], row["zone"])
    return {
        "id": f"{row['position']}-{row['number']}",
        "at": moment(row["at"]),
        "log_time": moment(row["log_time"]),
        "version": row["version"],
        "alert": row["alert"],
        "key": row["key"] if not masked or row["key"] in place else "",
        "kind": row["kind"],
        "severity": row["severity"],
        "summary": row["summary"],
        "reason": row["reason"],
        "clause": found.get("clause", ""),
        "values": numbers_only(values) if masked else dict(values),
        "limit": found.get("limit"),
        "feed": row["feed"],
        "device": row["device"],
        "area": row["area"],
        "zone": row["zone"],
        "retrospective": row["retrospective"],
        "position": row["position"],
    }
