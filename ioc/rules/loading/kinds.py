"""Which kind a rule is of, by the members that it has; the kind's own folder reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ioc.rules.kinds.registry import KINDS, OF_ALERTS, OF_NO_MEMBERS
from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.language.kinds import ALERTS
from ioc.rules.language.members import RuleError


def kind_members() -> tuple[str, ...]:
    """Return the members that make a kind, of all kinds."""
    return tuple(name for kind in KINDS.values() for name in kind.members)


def kind_of(body: Mapping[str, Any], feeds: Sequence[Any]) -> RuleKind:
    """Return the kind that a rule's members make."""
    found = [(kind, list(kind.claimed(body))) for kind in KINDS.values()]
    found = [(kind, members) for kind, members in found if members]
    if ALERTS in feeds and not any(kind.over_alerts for kind, _ in found):
        others = sorted(set(body) & set(kind_members()))
        if others:
            raise RuleError("a rule over alerts is a correlation or `near`", path=others[0], hint="leave it out")
        return OF_ALERTS
    if len(found) > 1:
        named = sorted(members[-1] for _, members in found)
        raise RuleError(f"{' and '.join(named)} make two kinds of rule", path=named[1])
    return found[0][0] if found else OF_NO_MEMBERS


def feeds_of(body: Mapping[str, Any]) -> list[str]:
    """Return the feeds that a stored body names, each once; none of one that nobody accepts."""
    try:
        named = named_feeds(body)
    except RuleError:
        return []
    return list(dict.fromkeys(map(str, named or ())))


def named_feeds(body: Mapping[str, Any]) -> list[Any] | None:
    """Return the feeds that a body names, by its member `feed` or by those of its kind; None where it names none.

    Raises:
        RuleError: both name some.
    """
    named = body.get("feed")
    for kind in KINDS.values():
        if kind.feeds is not None and kind.members[0] in body:
            if named is not None:
                raise RuleError(f"the members of a {kind.name} name their feeds", path="feed", hint="leave it out")
            return kind.feeds(body)
    if isinstance(named, str):
        return [named]
    return list(named) if isinstance(named, Sequence) else None
