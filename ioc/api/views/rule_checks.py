"""Checks of rules' texts for who writes them: the check of `ioc check`, bounded, beside the event loop."""

import asyncio
from collections.abc import Mapping
from typing import Any

from ioc.api.context import APIContext
from ioc.api.identity.allowance import Allowance
from ioc.rules.language.rule import Rule
from ioc.rules.loading.check import CheckResult, Fault, Surroundings, check_rule
from ioc.rules.loading.loader import RuleError, load_rule

CHECKS_AT_ONCE = 2
CHECKS_PER_MINUTE = 120
EDITS_PER_MINUTE = 30


class RuleDesk:
    """Where texts are checked, against the pack of this instance."""

    def __init__(self, context: APIContext) -> None:
        pack = context.pack
        self.around = Surroundings(pack.feeds, frozenset(domain.id for domain in pack.domains), pack.zone)
        self.edits = Allowance(context.io_clock, EDITS_PER_MINUTE)
        self.checks = Allowance(context.io_clock, CHECKS_PER_MINUTE)
        self._slots = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def check(
        self, text: str, *, identifier: str | None = None, before: Mapping[str, Any] | None = None, version: int = 0
    ) -> CheckResult:
        """Check a text; ``before`` is the body in force of the rule that is edited."""
        async with self._slots:
            return await asyncio.to_thread(self._check, text, identifier, before, version)

    def _check(self, text: str, identifier: str | None, before: Mapping[str, Any] | None, version: int) -> CheckResult:
        return check_rule(text, self.around, identifier=identifier, before=self._loaded(before), version=version)

    def _loaded(self, body: Mapping[str, Any] | None) -> Rule | None:
        if body is None:
            return None
        try:
            return load_rule(body, feeds=self.around.feeds, hash="", version=0, zone=self.around.zone)
        except RuleError:
            return None  # the pack has moved on, and the form in force no longer fits: there is nothing to compare with


def problem(fault: Fault) -> dict[str, Any]:
    """Return a fault as JSON."""
    return {
        "line": fault.line,
        "column": fault.column or None,
        "member": fault.member,
        "detail": fault.detail,
        "hint": fault.hint,
        "severity": fault.weight.value,
    }
