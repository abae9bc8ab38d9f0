"""To whom an alert may be handed: accounts that may handle alerts and see this one."""

from collections.abc import Mapping
from typing import Any

from ioc.api.wall.caller import Caller, scope_of
from ioc.domain.people.account import USER, Principal
from ioc.domain.people.capabilities import Capability, Role
from ioc.errors import InvalidInputError
from ioc.store.accounts import accounts
from ioc.store.postgres.engine import Connection

Row = Mapping[str, Any]


async def read_assignees(
    connection: Connection, alert: Row, caller: Caller, restricted_feeds: frozenset[str]
) -> list[Row]:  # fmt: skip
    """Return the accounts to whom an alert may be handed, by user name."""
    people = await accounts.list_accounts(connection)
    may = [one for one in people if _may_handle(one, alert, caller, restricted_feeds)]
    return sorted(may, key=lambda one: str(one["username"]))


async def check_assignee(
    connection: Connection, username: str, alert: Row, caller: Caller, restricted_feeds: frozenset[str]
) -> None:
    """Accept somebody to whom an alert may be handed.

    Raises:
        InvalidInputError: there is no such account, or it may not handle this alert; told alike.
    """
    found = await accounts.get_account(connection, username)
    if found is None or not _may_handle(found, alert, caller, restricted_feeds):
        raise InvalidInputError("nobody of this user name may handle this alert", field="assignee")


def _may_handle(account: Row, alert: Row, caller: Caller, restricted_feeds: frozenset[str]) -> bool:
    if account["disabled"]:
        return False
    areas = caller.book.scope_of(account["area"], caller.today).areas
    person = Principal(name=account["username"], kind=USER, role=Role(account["role"]), areas=areas)
    scope = scope_of(person, caller.book, restricted_feeds)
    return person.has(Capability.HANDLE) and scope.sees(
        area=alert["area"], zone=alert["zone"], feed=alert["feed"], restricted=alert["restricted"]
    )
