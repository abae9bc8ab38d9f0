"""What administrators of every area change of rules; each change says why, and counts from its place in the log on."""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, Field

from ioc.api.auth import RULE_EDITORS, RULE_WRITERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import STORABLE, Input, InputT, Line, read_body, request_body
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.rules.rules import one_rule, rule_response
from ioc.api.serializers import rule_state as rule_state_json
from ioc.api.serializers import rules as rules_json
from ioc.api.serializers.models.rules import RuleCheckModel, RuleModel
from ioc.api.views.rule_checks import problem
from ioc.api.wall.caller import Caller
from ioc.domain.rules.form import RuleAction
from ioc.errors import InvalidRuleError, NotFoundError, TransitionError, VersionConflictError
from ioc.packs.rule_text import switches, with_switches, written
from ioc.rules.loading.check import TEXT_BYTES_MAX, CheckResult
from ioc.store.rules import reader as rules_read
from ioc.store.rules.edits import RuleEdit, edit_rule
from ioc.store.rules.forms import Form

router = APIRouter(prefix="/rules", tags=["rules"])
BODY_BYTES_MAX = 3 * TEXT_BYTES_MAX
"""JSON may write a letter with more bytes than the text has."""
CHANGED = responses_of(RuleModel, tagged=True, refused=(409,))
"""What every change of a rule answers: the rule after it."""
SWITCHES: Mapping[RuleAction, Mapping[str, Any]] = {
    RuleAction.ENABLE: {"enabled": True},
    RuleAction.DISABLE: {"enabled": False},
    RuleAction.MONITOR: {"mode": "monitor"},
    RuleAction.ALERT: {"mode": "alert"},
}


def _reason_text(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


Why = Annotated[str, Field(min_length=3, max_length=500, pattern=r"\S.+\S"), STORABLE, AfterValidator(_reason_text)]
"""Why a rule or a limit is changed, in words: three letters at least."""
RuleText = Annotated[str, Field(max_length=TEXT_BYTES_MAX)]


class EditReason(Input):
    """Why a rule is changed."""

    why: Why


class RuleForm(EditReason):
    """A rule's text, and why."""

    yaml: RuleText


class RuleDraft(Input):
    """A text to check; ``rule`` is the one it edits."""

    yaml: RuleText
    rule: Annotated[Line, Field(max_length=64)] | None = None


def require_sound(found: CheckResult) -> Form:
    """Return the form of a checked text.

    Raises:
        InvalidRuleError: it has errors; the answer carries them all.
    """
    if found.rule is None or found.body is None:
        first = found.errors[0]
        told = f"line {first.line}: {first}" + (f" ({first.hint})" if first.hint else "")
        raise InvalidRuleError(told, problems=[problem(fault) for fault in found.faults])
    return Form(found.hash, found.body, found.text)


async def present(rule: str, version: int, caller: Caller, state: APIState) -> rules_read.Row:
    """Return the rule that its editor has seen.

    Raises:
        NotFoundError: there is none. VersionConflictError: it has changed since; the answer carries it as it is now.
    """
    async with state.context.database.connection() as connection:
        row = await rules_read.get_rule(connection, rule)
    if row is None:
        raise NotFoundError("no such rule")
    if row["version"] != version:
        raise VersionConflictError("somebody else changed this rule first", current=await one_rule(rule, caller, state))
    return row


async def _commit(edit: RuleEdit, caller: Caller, state: APIState) -> None:
    context = state.context
    edit = replace(edit, address=caller.address)
    try:
        await edit_rule(context.database, context.log, edit, now=context.clock.now(), wall=context.wall.now())
    except VersionConflictError as error:
        raise VersionConflictError(str(error), current=await one_rule(edit.rule, caller, state)) from error


@router.post(
    "/check", summary="Check a rule's text", openapi_extra=request_body(RuleDraft), **responses_of(RuleCheckModel)
)
async def check(request: Request, caller: Annotated[Caller, Depends(RULE_WRITERS)], state: StateDep) -> Response:
    """Say what is wrong with a text, as `ioc check` does, and what a sound one says in plain words."""
    state.rules.checks.take(caller.principal.name)
    draft = await read_body(request, RuleDraft, bytes_max=BODY_BYTES_MAX)
    before = None
    if draft.rule is not None:
        async with state.context.database.connection() as connection:
            before = await rules_read.get_rule(connection, draft.rule)
    body = before["body"] if before is not None else None
    found = await state.rules.check(draft.yaml, identifier=draft.rule, before=body)
    made = None
    if found.rule is not None and found.body is not None:
        pack = state.context.pack
        row = {"id": found.rule.id, "version": 0, "hash": found.hash, "body": found.body,
               "enabled": switches(found.body)["enabled"]}  # fmt: skip
        made = rules_json.rule(
            row, found.rule, feeds=pack.feeds, open_alerts=0, text=found.text, codes=rules_json.codes_of(pack)
        )
        made["limits"] = rule_state_json.limits(found.body, state.context.today())
        del made["version"], made["open_alerts"]
    return responses.json_response({"problems": [problem(fault) for fault in found.faults], "rule": made})


@router.post(
    "",
    summary="Add a rule",
    openapi_extra=request_body(RuleForm),
    **responses_of(RuleModel, status=201, tagged=True, refused=(409,)),
)
async def create(request: Request, caller: Annotated[Caller, Depends(RULE_EDITORS)], state: StateDep) -> Response:
    """Put a rule of the site's own in force."""
    body = await _begin(request, RuleForm, caller, state)
    form = require_sound(await state.rules.check(body.yaml))
    identifier = str(form.body["rule"])
    await _commit(RuleEdit(identifier, RuleAction.CREATE, body.why, caller.principal.name, form), caller, state)
    return rule_response(await one_rule(identifier, caller, state), status=201)


@router.put("/{rule}", summary="Change a rule", openapi_extra=request_body(RuleForm), **CHANGED)
async def change(
    request: Request, rule: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Put another form of a rule in force; If-Match names the version seen."""
    body = await _begin(request, RuleForm, caller, state)
    row = await present(rule, version, caller, state)
    form = require_sound(await state.rules.check(body.yaml, identifier=rule))
    if form.yaml != row["yaml"]:
        edit = RuleEdit(rule, RuleAction.EDIT, body.why, caller.principal.name, form, version)
        await _commit(edit, caller, state)
    return rule_response(await one_rule(rule, caller, state))


async def _switch(
    request: Request, caller: Caller, state: APIState, *, rule: str, version: int, action: RuleAction
) -> Response:
    """Turn one switch; nothing is done where it stands so already."""
    body = await _begin(request, EditReason, caller, state)
    row = await present(rule, version, caller, state)
    standing = switches(row["body"])
    wanted = {**standing, **SWITCHES[action]}
    if wanted != standing:
        text, _ = with_switches(row["yaml"], row["body"], wanted)
        form = require_sound(await state.rules.check(text, identifier=rule))
        await _commit(RuleEdit(rule, action, body.why, caller.principal.name, form, version), caller, state)
    return rule_response(await one_rule(rule, caller, state))


async def _begin(request: Request, model: type[InputT], caller: Caller, state: APIState) -> InputT:
    state.rules.edits.take(caller.principal.name)
    return await read_body(request, model, bytes_max=BODY_BYTES_MAX)


@router.post("/{rule}/enable", summary="Switch a rule on", openapi_extra=request_body(EditReason), **CHANGED)
async def enable(
    request: Request, rule: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Put a rule in force again."""
    return await _switch(request, caller, state, rule=rule, version=version, action=RuleAction.ENABLE)


@router.post("/{rule}/disable", summary="Switch a rule off", openapi_extra=request_body(EditReason), **CHANGED)
async def disable(
    request: Request, rule: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Take a rule out of force; its open alerts end."""
    return await _switch(request, caller, state, rule=rule, version=version, action=RuleAction.DISABLE)


@router.post(
    "/{rule}/monitor", summary="Only watch what a rule would do", openapi_extra=request_body(EditReason), **CHANGED
)
async def monitor(
    request: Request, rule: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Let a rule evaluate and raise nothing; its open alerts end."""
    return await _switch(request, caller, state, rule=rule, version=version, action=RuleAction.MONITOR)


@router.post("/{rule}/alert", summary="Let a rule raise alerts", openapi_extra=request_body(EditReason), **CHANGED)
async def alert(
    request: Request, rule: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Let a rule in monitor mode raise alerts."""
    return await _switch(request, caller, state, rule=rule, version=version, action=RuleAction.ALERT)


@router.post("/{rule}/reset", summary="Go back to the pack's form", openapi_extra=request_body(EditReason), **CHANGED)
async def reset(
    request: Request, rule: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Put the pack's present form of a rule in force; 409 for a rule of the site's own."""
    body = await _begin(request, EditReason, caller, state)
    row = await present(rule, version, caller, state)
    if row["pack_form_hash"] is None:
        raise TransitionError("a rule of the site's own has no form of the pack to go back to")
    if row["origin"] != "pack":
        text = row["pack_form_yaml"] or written(row["pack_form_body"])
        form = require_sound(await state.rules.check(text, identifier=rule))
        await _commit(RuleEdit(rule, RuleAction.RESET, body.why, caller.principal.name, form, version), caller, state)
    return rule_response(await one_rule(rule, caller, state))


@router.delete(
    "/{rule}", summary="Delete a rule", openapi_extra=request_body(EditReason), **responses_of(refused=(409,))
)
async def delete(
    request: Request, rule: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Take a rule of the site's own away; 409 for a rule of the pack, which can be disabled."""
    body = await _begin(request, EditReason, caller, state)
    await present(rule, version, caller, state)
    await _commit(RuleEdit(rule, RuleAction.DELETE, body.why, caller.principal.name, None, version), caller, state)
    return Response(status_code=204)
