"""Whom to call about an alert, now: the choice of the directory, and what came of calls so far."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from ioc.api.auth import OPERATORS
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.openapi_responses import responses_of
from ioc.api.routes.alerts.alerts import find_alert
from ioc.api.serializers import contacts as contacts_json
from ioc.api.serializers.models.contacts import WhomToCallModel
from ioc.api.views.duty import read_duty
from ioc.api.views.open_hours import hours_at
from ioc.api.wall.caller import Caller
from ioc.contacts.choice import Situation, choose
from ioc.domain.severity import Severity
from ioc.store.contacts import reader
from ioc.store.personal.values import open_personal

router = APIRouter(prefix="/alerts", tags=["contacts"])


@router.get("/{alert}/contacts", summary="Whom to call about an alert", **responses_of(WhomToCallModel))
async def get_contacts(alert: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep) -> Response:
    """Return at most three contacts in the order in which they are called, each with why it is this one.

    Nearest first: the commune's before the zone's before everybody's, the domain's own before general ones, and only
    who is in hours; else a deputy, else the next level. Who is on duty by the roster comes first of their unit; where a
    unit keeps a roster and has nobody on duty, its next level does. Where there is nobody, `gap` says why.
    """
    context = state.context
    async with context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        row = await find_alert(connection, alert, caller)
        units, contacts = await reader.read_directory(connection)
        calls = await reader.read_calls(connection, row["id"])
        situation = Situation(
            domain=row["domain"], severity=Severity(row["severity"]), area=row["area"], zone=row["zone"]
        )
        now = context.clock.now()
        duty = await read_duty(connection, {unit.id: unit for unit in units}, now, context.pack)
        choice = choose(units, contacts, situation, is_open=hours_at(now, context.pack), duty=duty)
        persons = await open_personal(connection, [one.contact.person for one in choice.candidates])
    told = contacts_json.whom_to_call(
        choice, persons=persons, calls=calls, numbers=context.pack.emergency_numbers,
        names={unit.id: unit for unit in units}, book=caller.book, today=caller.today,
    )  # fmt: skip
    return responses.json_response(told)
