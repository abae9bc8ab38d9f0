"""What each command does, by the capability that the same asks for over the API.

Whoever may start the instance may give every command: it asks nobody, and the audit trail says that it came from the
machine itself. The table tells which commands to leave to whom, where several people have accounts on that machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ioc.domain.people.capabilities import Capability

NOTHING: Final = None
"""It runs the instance, or reads its files and settings alone: no route does the same."""

NEEDS: Mapping[str, Capability | None] = {
    "api": NOTHING,
    "area import": Capability.REGISTRY,
    "backtest": Capability.RULES,
    "bridge": NOTHING,
    "check": NOTHING,
    "device add": Capability.REGISTRY,
    "device gateway": Capability.REGISTRY,
    "device import": Capability.REGISTRY,
    "device rotate-key": Capability.REGISTRY,
    "door": NOTHING,
    "keeper": NOTHING,
    "key issue": Capability.KEYS,
    "key revoke": Capability.KEYS,
    "layer import": Capability.REGISTRY,
    "limits import": Capability.RULES,
    "lookups import": Capability.REGISTRY,
    "media remove": Capability.ACCOUNTS,
    "migrate": NOTHING,
    "person erase": Capability.ACCOUNTS,
    "replay": Capability.KEYS,
    "rollup": NOTHING,
    "rules": NOTHING,
    "settings": NOTHING,
    "timelines": NOTHING,
    "up": NOTHING,
    "user add": Capability.ACCOUNTS,
    "user reset": Capability.ACCOUNTS,
    "verify alerts": Capability.AUDIT,
    "verify audit": Capability.AUDIT,
    "version": NOTHING,
}
