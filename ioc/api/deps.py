"""What lives as long as the application, and how a handler gets at it."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from ioc.api.authenticator import Authenticator
from ioc.api.hub import Hub
from ioc.api.parts import APIParts, AreaCache
from ioc.api.passwords import Passwords
from ioc.api.rule_desk import RuleDesk
from ioc.api.throttle import Throttle
from ioc.api.tiles import Tiles

__all__ = ["APIParts", "APIState", "StateDep", "get_state"]


@dataclass(frozen=True, slots=True)
class APIState:
    """What lives as long as the application."""

    parts: APIParts
    areas: AreaCache
    people: Authenticator
    passwords: Passwords
    account_throttle: Throttle
    address_throttle: Throttle
    hub: Hub
    tiles: Tiles
    rules: RuleDesk


def get_state(request: Request) -> APIState:
    """Return the application's state."""
    return cast("APIState", request.app.state.api)


StateDep = Annotated[APIState, Depends(get_state)]
