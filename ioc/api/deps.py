"""What lives as long as the application, and how a handler gets at it."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from ioc.api.context import APIContext, AreaCache
from ioc.api.identity.authenticator import Authenticator
from ioc.api.identity.passwords import Passwords
from ioc.api.identity.refusals import Refusals
from ioc.api.identity.throttle import SignInThrottle
from ioc.api.stream.hub import Hub
from ioc.api.views.looks import Looks
from ioc.api.views.rule_checks import RuleDesk
from ioc.api.views.scrapes import Scrapes
from ioc.api.views.tiles import Tiles
from ioc.media.photos import PhotoEncoder
from ioc.runtime.request_quota import RequestQuota
from ioc.sheets.sheet import SheetReader

__all__ = ["APIContext", "APIState", "StateDep", "get_state"]


@dataclass(frozen=True, slots=True)
class APIState:
    """What lives as long as the application."""

    context: APIContext
    areas: AreaCache
    people: Authenticator
    passwords: Passwords
    throttle: SignInThrottle
    refusals: Refusals
    looks: Looks
    quota: RequestQuota
    hub: Hub
    tiles: Tiles
    rules: RuleDesk
    scrapes: Scrapes
    sheets: SheetReader
    device_sheets: SheetReader
    photos: PhotoEncoder


def get_state(request: Request) -> APIState:
    """Return the application's state."""
    return cast("APIState", request.app.state.api)


StateDep = Annotated[APIState, Depends(get_state)]
