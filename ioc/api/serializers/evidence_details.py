"""What a rule's kind adds to evidence, for who reads it: rows that name what it mentions, and the reader's wall."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ioc.api.serializers.nouns import JSONObject, Row, both, moment
from ioc.domain.feed import FeedSpec
from ioc.rules.kinds.registry import KINDS
from ioc.rules.words.rule_words import RuleWords
from ioc.store.postgres.scope import Scope

PLACES = ("device", "area")
"""What a measure may be taken apart by and a masked reader still be told."""
SILENT_MAX = 50
"""Devices of an area or zone that are listed beside its silence."""


@dataclass(frozen=True, slots=True)
class DetailNames:
    """Rows that give names to what details mention, by id; and the reader's wall."""

    devices: Mapping[str, Row] = field(default_factory=dict)
    alerts: Mapping[str, Row] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Titles of rules."""
    silent: Sequence[Row] = ()
    """The devices of a silent area or zone, inside the wall."""
    scope: Scope = field(default_factory=Scope)
    masked: bool = False
    feeds: Mapping[str, FeedSpec] = field(default_factory=dict)

    def sees(self, member: Mapping[str, Any]) -> bool:
        """Tell whether the reader may see a member: neither its device nor its alert lies outside the wall."""
        device, alert = self.devices.get(str(member.get("device"))), self.alerts.get(str(member.get("alert")))
        return (device is None or self.scope.sees(area=device["area"], zone=device["zone"], feed=device["feed"])) and (
            alert is None
            or self.scope.sees(
                area=alert["area"], zone=alert["zone"], restricted=alert["restricted"], feed=alert["feed"]
            )
        )

    def sees_part(self, name: str | None) -> bool:
        """Tell whether the reader may be told what a measure was taken apart by: a plate is not for everybody."""
        return name in PLACES or not self.masked

    def name(self, device: object) -> JSONObject | None:
        """Return a device's name, None for one that is not registered."""
        row = self.devices.get(str(device))
        return both(row, "name") if row is not None else None

    def alert(self, member: Mapping[str, Any]) -> JSONObject:
        """Return what is known of one of the alerts; a monitored rule has raised none."""
        row = self.alerts.get(str(member.get("alert")))
        return {
            "alert": row["id"] if row is not None else None,
            "number": row["number"] if row is not None else None,
            "condition": row["condition"] if row is not None else None,
            "title": row["title"] if row is not None else self.rules.get(str(member.get("rule"))),
        }


def mentioned_ids(found: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the devices and the alerts that details mention, each once."""
    members = [*(found.get("members") or ()), *(found.get("steps") or ())]
    devices = {str(member["device"]) for member in members if member.get("device")}
    if found.get("per") == "device":
        devices |= {str(part["part"]) for part in found.get("parts") or ()}
    return sorted(devices), sorted({str(member["alert"]) for member in members if member.get("alert")})


def mentions_rules(found: Mapping[str, Any]) -> bool:
    """Tell whether details mention rules, whose titles then stand for alerts that were never raised."""
    return any(member.get("rule") for member in found.get("members") or ())


def lists_silent(found: Mapping[str, Any]) -> bool:
    """Tell whether the devices that are silent stand beside the details of an area or zone."""
    kind = KINDS.get(str(found.get("kind")))
    return kind is not None and kind.lists_silent


def details(found: Mapping[str, Any], *, told: RuleWords | None, known: DetailNames) -> JSONObject | None:
    """Return details with names; None for a kind that adds nothing. Members outside the wall are only counted.

    ``told`` is the rule where it still has the form that fired.
    """
    kind = KINDS.get(str(found.get("kind")))
    if kind is None or kind.evidence is None:
        return None
    made = {"kind": kind.name, **kind.evidence(found, told if _same(told, kind.name) else None, known)}
    if kind.lists_silent:
        made["silent"] = [
            {"device": row["id"], "name": both(row, "name"), "last_heard": moment(row["last_effective"])}
            for row in known.silent[:SILENT_MAX]
        ]
    return made


def _same(told: RuleWords | None, kind: str) -> bool:
    return told is not None and told.rule.kind == kind
