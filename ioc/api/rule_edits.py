"""What administrators of every area change of rules; each change says why, and counts from its place in the log on."""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, Field

from ioc.api import answer, wire_rule_state, wire_rules
from ioc.api.alerts import seen_version
from ioc.api.auth import ADMINS
from ioc.api.body import Input, InputT, Line, described, read_body
from ioc.api.caller import Caller
from ioc.api.deps import APIState, StateDep
from ioc.api.rule_desk import problem
from ioc.api.rules import one_rule, rule_answer
from ioc.domain.rule_form import RuleAction
from ioc.errors import ForbiddenError, InvalidRuleError, NotFoundError, TransitionError, VersionConflictError
from ioc.packs.rule_text import switched, switches, written
from ioc.rules.check import TEXT_BYTES_MAX, Checked
from ioc.store import rules_read
from ioc.store.rule_edits import RuleEdit, edit_rule
from ioc.store.rule_forms import Form

router = APIRouter(prefix="/rules", tags=["rules"])
BODY_BYTES_MAX = 3 * TEXT_BYTES_MAX
"""JSON may write a letter with more bytes than the text has."""
WHY_LENGTH_MIN = 3
SWITCHES: Mapping[RuleAction, Mapping[str, Any]] = {
    RuleAction.ENABLE: {"enabled": True},
    RuleAction.DISABLE: {"enabled": False},
    RuleAction.MONITOR: {"mode": "monitor"},
    RuleAction.ALERT: {"mode": "alert"},
}


def _told(text: str) -> str:
    settled = unicodedata.normalize("NFC", text.strip())
    if len(settled) < WHY_LENGTH_MIN:
        raise ValueError(f"say why, with at least {WHY_LENGTH_MIN} letters")
    return settled


Why = Annotated[Line, Field(max_length=500), AfterValidator(_told)]
RuleText = Annotated[str, Field(max_length=TEXT_BYTES_MAX)]


class Reason(Input):
    """Why a rule is changed."""

    why: Why


class RuleForm(Reason):
    """A rule's text, and why."""

    yaml: RuleText


class RuleDraft(Input):
    """A text to check; ``rule`` is the one it edits."""

    yaml: RuleText
    rule: Annotated[Line, Field(max_length=64)] | None = None


def whole_admin(caller: Caller) -> None:
    """Accept only an administrator of every area: a rule counts for every area.

    Raises:
        ForbiddenError: this one has an area.
    """
    if caller.scope.areas is not None:
        raise ForbiddenError("rules count for every area: only an administrator of every area changes them")


def sound(found: Checked) -> Form:
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
    async with state.parts.database.connection() as connection:
        row = await rules_read.get_rule(connection, rule)
    if row is None:
        raise NotFoundError("no such rule")
    if row["version"] != version:
        raise VersionConflictError("somebody else changed this rule first", current=await one_rule(rule, caller, state))
    return row


async def _commit(edit: RuleEdit, caller: Caller, state: APIState) -> None:
    parts = state.parts
    edit = replace(edit, address=caller.address)
    try:
        await edit_rule(parts.database, parts.log, edit, now=parts.clock.now(), wall=parts.wall.now())
    except VersionConflictError as error:
        raise VersionConflictError(str(error), current=await one_rule(edit.rule, caller, state)) from error


@router.post("/check", summary="Check a rule's text", openapi_extra=described(RuleDraft))
async def check(request: Request, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Say what is wrong with a text, as `ioc check` does, and what a sound one says in plain words."""
    state.rules.checks.take(caller.principal.name)
    draft = await read_body(request, RuleDraft, bytes_max=BODY_BYTES_MAX)
    before = None
    if draft.rule is not None:
        async with state.parts.database.connection() as connection:
            before = await rules_read.get_rule(connection, draft.rule)
    body = before["body"] if before is not None else None
    found = await state.rules.check(draft.yaml, identifier=draft.rule, before=body)
    made = None
    if found.rule is not None and found.body is not None:
        pack = state.parts.pack
        row = {"id": found.rule.id, "version": 0, "hash": found.hash, "body": found.body,
               "enabled": switches(found.body)["enabled"]}  # fmt: skip
        made = wire_rules.rule(row, feeds=pack.feeds, open_alerts=0, text=found.text, codes=wire_rules.codes_of(pack))
        made["limits"] = wire_rule_state.limits(found.body, state.parts.today())
        del made["version"], made["open_alerts"]
    return answer.json_answer({"problems": [problem(fault) for fault in found.faults], "rule": made})


@router.post("", summary="Add a rule", openapi_extra=described(RuleForm))
async def create(request: Request, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Put a rule of the site's own in force."""
    body = await _begin(request, RuleForm, caller, state)
    form = sound(await state.rules.check(body.yaml))
    identifier = str(form.body["rule"])
    await _commit(RuleEdit(identifier, RuleAction.CREATE, body.why, caller.principal.name, form), caller, state)
    return rule_answer(await one_rule(identifier, caller, state), status=201)


@router.put("/{rule}", summary="Change a rule", openapi_extra=described(RuleForm))
async def change(request: Request, rule: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Put another form of a rule in force; If-Match names the version seen."""
    version = seen_version(request)
    body = await _begin(request, RuleForm, caller, state)
    row = await present(rule, version, caller, state)
    form = sound(await state.rules.check(body.yaml, identifier=rule))
    if form.yaml != row["yaml"]:
        edit = RuleEdit(rule, RuleAction.EDIT, body.why, caller.principal.name, form, version)
        await _commit(edit, caller, state)
    return rule_answer(await one_rule(rule, caller, state))


async def _switch(request: Request, caller: Caller, state: APIState, *, rule: str, action: RuleAction) -> Response:
    """Turn one switch; nothing is done where it stands so already."""
    version = seen_version(request)
    body = await _begin(request, Reason, caller, state)
    row = await present(rule, version, caller, state)
    standing = switches(row["body"])
    wanted = {**standing, **SWITCHES[action]}
    if wanted != standing:
        text, _ = switched(row["yaml"], row["body"], wanted)
        form = sound(await state.rules.check(text, identifier=rule))
        await _commit(RuleEdit(rule, action, body.why, caller.principal.name, form, version), caller, state)
    return rule_answer(await one_rule(rule, caller, state))


async def _begin(request: Request, model: type[InputT], caller: Caller, state: APIState) -> InputT:
    whole_admin(caller)
    state.rules.edits.take(caller.principal.name)
    return await read_body(request, model, bytes_max=BODY_BYTES_MAX)


@router.post("/{rule}/enable", summary="Switch a rule on", openapi_extra=described(Reason))
async def enable(request: Request, rule: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Put a rule in force again."""
    return await _switch(request, caller, state, rule=rule, action=RuleAction.ENABLE)


@router.post("/{rule}/disable", summary="Switch a rule off", openapi_extra=described(Reason))
async def disable(request: Request, rule: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Take a rule out of force; its open alerts end."""
    return await _switch(request, caller, state, rule=rule, action=RuleAction.DISABLE)


@router.post("/{rule}/monitor", summary="Only watch what a rule would do", openapi_extra=described(Reason))
async def monitor(request: Request, rule: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Let a rule evaluate and raise nothing; its open alerts end."""
    return await _switch(request, caller, state, rule=rule, action=RuleAction.MONITOR)


@router.post("/{rule}/alert", summary="Let a rule raise alerts", openapi_extra=described(Reason))
async def alert(request: Request, rule: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Let a rule in monitor mode raise alerts."""
    return await _switch(request, caller, state, rule=rule, action=RuleAction.ALERT)


@router.post("/{rule}/reset", summary="Go back to the pack's form", openapi_extra=described(Reason))
async def reset(request: Request, rule: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Put the pack's present form of a rule in force; 409 for a rule of the site's own."""
    version = seen_version(request)
    body = await _begin(request, Reason, caller, state)
    row = await present(rule, version, caller, state)
    if row["pack_form_hash"] is None:
        raise TransitionError("a rule of the site's own has no form of the pack to go back to")
    if row["origin"] != "pack":
        text = row["pack_form_yaml"] or written(row["pack_form_body"])
        form = sound(await state.rules.check(text, identifier=rule))
        await _commit(RuleEdit(rule, RuleAction.RESET, body.why, caller.principal.name, form, version), caller, state)
    return rule_answer(await one_rule(rule, caller, state))


@router.delete("/{rule}", summary="Delete a rule", status_code=204, openapi_extra=described(Reason))
async def delete(request: Request, rule: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Take a rule of the site's own away; 409 for a rule of the pack, which can be disabled."""
    version = seen_version(request)
    body = await _begin(request, Reason, caller, state)
    await present(rule, version, caller, state)
    await _commit(RuleEdit(rule, RuleAction.DELETE, body.why, caller.principal.name, None, version), caller, state)
    return Response(status_code=204)
