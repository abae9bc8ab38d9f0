"""What people do with an alert: one route, `/{alert}/{action}`, made for each row of the table of work.

Each action is described by itself: its body, its answers, who may call it. An action that the table does not have is
no path, so it is not found.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from ioc.api.auth import Access
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import STORABLE, Input, Line, read_body, request_body
from ioc.api.http.filters import Moment
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.alerts.alerts import alert_json, find_alert
from ioc.api.serializers import nouns
from ioc.api.serializers.models.alerts import AlertModel
from ioc.api.views.assignees import check_assignee
from ioc.api.wall.caller import Caller
from ioc.domain.contacts.call import OUTCOME_WORDS, Call, CallOutcome
from ioc.domain.contacts.directory import DirectoryNoun
from ioc.errors import InvalidInputError, VersionConflictError
from ioc.store.alerts.reader import Row
from ioc.store.alerts.work import Work, do_work
from ioc.store.contacts import reader as directory
from ioc.work.transitions import WORK_TRANSITIONS, Need, WorkAction, WorkTransition

PATH = "/{alert}/{action}"
OPERATIONS = {WorkAction.FALSE_ALARM: "mark_false"}
"""Names under which clients made from the description know an action, where it is not the action's own."""


class Remark(Input):
    """Words that go with an action."""

    text: Annotated[Line, Field(max_length=4_000)] | None = None


class CallRemark(Remark):
    """Words about a call; with `contact` and `outcome`, whom of the directory it was and what came of it."""

    contact: Annotated[Line, Field(min_length=1, max_length=64)] | None = None
    outcome: Literal["reached", "no_answer", "busy"] | None = None


class Assignment(Remark):
    """To whom it is handed, with words if there are any."""

    assignee: Annotated[Line, Field(min_length=1, max_length=64)]


class Comment(Input):
    """A comment, or the reason of a false alarm: there must be words."""

    text: Annotated[str, Field(min_length=1, max_length=4_000, pattern=r"\S"), STORABLE]


class Shelving(Comment):
    """Why it is put aside, and until when: at most 24 hours ahead."""

    until: Moment


BODIES: Mapping[frozenset[Need], type[Remark | Comment]] = {
    frozenset(): Remark,
    frozenset({Need.TEXT}): Comment,
    frozenset({Need.CALL}): CallRemark,
    frozenset({Need.ASSIGNEE}): Assignment,
    frozenset({Need.TEXT, Need.UNTIL}): Shelving,
}
"""The body of an action, by what its row says that it must carry or may."""

Handler = Callable[..., Awaitable[Response]]


def work_router(table: Mapping[WorkAction, WorkTransition]) -> APIRouter:
    """Return the route of every action of a table."""
    router = APIRouter(prefix="/alerts", tags=["alerts"])
    for action, row in table.items():
        router.add_api_route(
            PATH.replace("{action}", action),
            _handler(action, row),
            methods=["POST"],
            name=OPERATIONS.get(action, action.replace("-", "_")),
            summary=row.title,
            description=row.text,
            openapi_extra=request_body(BODIES[row.needs | row.may]),
            **responses_of(AlertModel, tagged=True, refused=(409,)),
        )
    return router


def _handler(action: WorkAction, row: WorkTransition) -> Handler:
    """Return what answers one action."""
    body, access = BODIES[row.needs | row.may], Access(row.capability)

    async def handle(
        request: Request, alert: str, caller: Annotated[Caller, Depends(access)], version: SeenVersion, state: StateDep
    ) -> Response:
        said = await read_body(request, body)
        text, call = said.text, None
        if isinstance(said, CallRemark) and not (said.contact is None and said.outcome is None):
            text, call = await _called(said, caller, state)
        assignee = said.assignee if isinstance(said, Assignment) else None
        until = said.until if isinstance(said, Shelving) else None
        who = caller.principal
        work = Work(alert, action, version, who.name, text, caller.address, call, assignee, until, who.capabilities)
        try:
            done = await perform(state, caller, work)
        except VersionConflictError as error:
            async with state.context.database.connection() as connection:
                current = await find_alert(connection, work.alert, caller)
            raise VersionConflictError(str(error), current=alert_json(current, caller)) from error
        return responses.json_response(alert_json(done, caller), headers={"ETag": nouns.alert_etag(done)})

    return handle


async def _called(said: CallRemark, caller: Caller, state: APIState) -> tuple[str, Call]:
    """Return the words of a call of the directory, which name the unit and its function and nobody, and the call.

    Raises:
        InvalidInputError: only one of the two is said, or there is no such contact inside the wall.
    """
    if said.contact is None or said.outcome is None:
        missing = "contact" if said.contact is None else "outcome"
        raise InvalidInputError("say whom you called and what came of it, or neither", field=missing)
    inside = directory.places_of(caller.scope, caller.book)
    async with state.context.database.connection() as connection:
        row = await directory.get_entry(
            connection, DirectoryNoun.CONTACT, said.contact, inside=inside, with_removed=False
        )
    if row is None:
        raise InvalidInputError("there is no such contact in the directory", field="contact")
    call = Call(unit=row["unit"], contact=row["id"], outcome=CallOutcome(said.outcome))
    name = "vi" if caller.language == "vi" else "en"
    outcome = getattr(OUTCOME_WORDS[call.outcome], name)
    words = f"{row[f'unit_name_{name}']} – {row[f'title_{name}']}: {outcome}"
    return f"{words}. {said.text}" if said.text else words, call


async def _check_assignee(state: APIState, caller: Caller, alert: str, assignee: str) -> None:
    async with state.context.database.connection() as connection:
        row = await find_alert(connection, alert, caller)
        await check_assignee(connection, assignee, row, caller, state.context.restricted_feeds)


async def perform(state: APIState, caller: Caller, work: Work) -> Row:
    """Do one action and return the alert after it.

    Raises:
        VersionConflictError: somebody, or the condition, was first. TransitionError: its state has no way.
        NotFoundError: there is none inside the wall. ForbiddenError: not this person. InvalidInputError: not so.
    """
    database = state.context.database
    if work.assignee is not None:
        await _check_assignee(state, caller, work.alert, work.assignee)
    now, wall = state.context.clock.now(), state.context.wall.now()
    found = await do_work(database, work, scope=caller.scope, now=now, wall=wall)
    async with database.connection() as connection:
        return await find_alert(connection, found, caller)


router = work_router(WORK_TRANSITIONS)
