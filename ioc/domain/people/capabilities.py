"""What people may do: a role is a preset of capabilities, and each route names the one that it needs.

A capability says what, an account's area says where. Who may see nothing of an area may do nothing in it either.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What a person is in the centre: a preset of capabilities."""

    ADMIN = "admin"
    """Quản trị hệ thống: everything, users and keys too."""
    SHIFT_LEADER = "shift_leader"
    """Trưởng ca: leads the shift, handles alerts, approves sheets, keeps the registry right and reads who did what."""
    OPERATOR = "operator"
    """Trực ban: sees and handles alerts."""
    UNIT_OFFICER = "unit_officer"
    """Cán bộ đơn vị: handles the alerts of the area."""
    LEADER = "leader"
    """Lãnh đạo: sees."""
    AUDITOR = "auditor"
    """Kiểm tra: sees, and reads who did what."""
    VIEWER = "viewer"
    """Người xem: sees."""


class Capability(StrEnum):
    """One thing that a person may do."""

    SEE = "see"
    """Read alerts, devices, charts, rules and reports."""
    HANDLE = "handle"
    """Receive, comment, resolve and reopen alerts; read whom to call; open who sent a report, with a reason."""
    LEAD = "lead"
    """Lead a shift: shelve a critical alert; reopen a closed one."""
    DRILL = "drill"
    """Start and end drills and tours."""
    INTAKE = "intake"
    """Read bodies as they came in, and what was refused."""
    SILENCE = "silence"
    """Silence alerts of more than one device, for longer than a shift, again and again, and critical ones."""
    APPROVE = "approve"
    """Approve, reject and undo what another account has sent in as a sheet."""
    REGISTRY = "registry"
    """Add, change and retire devices, give them keys and send them messages; keep the directory."""
    KEYS = "keys"
    """Issue and end the keys of feeds, districts, displays and metrics."""
    RULES = "rules"
    """Change rules and try them on the past."""
    AUDIT = "audit"
    """Read the audit trail and check its chain."""
    ACCOUNTS = "accounts"
    """Add, change and disable people."""
    METRICS = "metrics"
    """Scrape the metrics with a browser's session."""


_SEES = frozenset({Capability.SEE})
_HANDLES = _SEES | {Capability.HANDLE}
_OPERATES = _HANDLES | {Capability.DRILL, Capability.INTAKE}

CAPABILITIES: Mapping[Role, frozenset[Capability]] = {
    Role.ADMIN: frozenset(Capability),
    Role.SHIFT_LEADER: _OPERATES
    | {Capability.LEAD, Capability.SILENCE, Capability.APPROVE, Capability.REGISTRY, Capability.AUDIT},
    Role.OPERATOR: _OPERATES,
    Role.UNIT_OFFICER: _HANDLES,
    Role.LEADER: _SEES,
    Role.AUDITOR: _SEES | {Capability.AUDIT},
    Role.VIEWER: _SEES,
}


def roles_with(capability: Capability) -> list[Role]:
    """Return the roles whose preset has a capability, in the order of :class:`Role`."""
    return [role for role, has in CAPABILITIES.items() if capability in has]
