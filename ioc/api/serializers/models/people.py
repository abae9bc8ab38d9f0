"""People and what they did: accounts, the session, the audit trail."""

from typing import Any

from ioc.api.serializers.models.base import AnswerModel, Moment, WholeListModel
from ioc.domain.people.capabilities import Capability, Role


class SessionModel(AnswerModel):
    """Who is signed in."""

    username: str
    name: str
    role: Role
    capabilities: list[Capability]
    """What this role may do; `areas` says where."""
    areas: list[str] | None
    """Null: every area."""
    zone: str | None
    language: str
    must_change: bool
    change_required: bool
    """Whether the password opens nothing but its own change."""


class UserModel(AnswerModel):
    """An account, without anything of the password."""

    username: str
    name: str
    role: Role
    area: str | None
    must_change: bool
    change_required: bool
    disabled: bool
    created_at: Moment
    updated_at: Moment
    version: int


class UserListModel(WholeListModel):
    """Accounts by name."""

    items: list[UserModel]


class NewUserModel(UserModel):
    """A new account, with its one-time password."""

    password: str


class OneTimePasswordModel(AnswerModel):
    """A new one-time password."""

    username: str
    password: str


class AuditLineModel(AnswerModel):
    """One line of the audit trail."""

    id: int
    log_time: Moment
    actor: str
    action: str
    object: str
    address: str | None
    detail: dict[str, Any] | None
    hash: str


class AuditListModel(WholeListModel):
    """The audit trail, newest first."""

    items: list[AuditLineModel]


class AuditVerdictModel(AnswerModel):
    """Whether the chain of the audit trail is whole."""

    checked: int
    intact: bool
    broken_at: int | None
    reason: str | None
    anchored_id: int | None
    """The newest row that is anchored elsewhere."""
    last_id: int | None
    last_hash: str
