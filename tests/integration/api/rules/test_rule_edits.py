"""Rules changed over the API on a real PostgreSQL: forms, versions, races, history, audit, log and stream as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ioc.api.identity.allowance import Allowance
from ioc.api.views import rule_checks as rule_desk
from ioc.store.audit import trail as audit
from tests.integration.api.rule_world import RAIN, SPEED, WHY, RuleWorld, open_rules

TO_50 = RAIN.replace("100.0", "50.0")
OWN = RAIN.replace("rain.24h", "site.rain")


@pytest.fixture
async def rules(database_dsn: str) -> AsyncIterator[RuleWorld]:
    async with open_rules(database_dsn) as opened:
        yield opened


async def test_a_rule_of_the_pack_that_nobody_touched(rules: RuleWorld):
    found = await rules.rule()
    assert (found["origin"], found["version"], found["changed"], found["yaml"]) == ("pack", 1, None, RAIN)
    assert (found["kind"], found["mode"], found["enabled"]) == ("threshold", "alert", True)
    assert found["pack"] == {"hash": found["hash"], "yaml": RAIN, "differs": False, "moved": False}
    assert found["limits"] == [
        {"value": 100, "unit": "mm", "source": "QĐ 18/2021", "verified": False, "valid_from": None, "in_force": True,
         "severity": "high"}
    ]  # fmt: skip
    (line,) = await rules.history()
    assert (line["id"], line["by"], line["action"], line["version"]) == (1, None, "pack", 1)
    assert line["diff"].startswith("@@")


async def test_an_edit_is_form_history_log_audit_and_change_or_nothing(rules: RuleWorld):
    before = await rules.rows("SELECT max(position) AS position FROM change")
    found = await rules.do("PUT", "/rain.24h", {"yaml": TO_50, **WHY}, version=1)
    assert (found["origin"], found["version"], found["yaml"]) == ("overlay", 2, TO_50)
    assert found["changed"] == {"at": "2026-11-23T13:00:00.000Z", "by": "root", "action": "edit", **WHY}
    assert found["pack"]["differs"]
    assert not found["pack"]["moved"]
    assert found["pack"]["yaml"] == RAIN
    subject, value = (await rules.entries())[-1]
    assert (subject, value["version"], value["hash"]) == ("rain.24h", 2, found["hash"])
    assert value["body"]["levels"][0]["when"] == "rain_24h_mm > 50.0"
    newest, oldest = await rules.history()
    assert (newest["by"], newest["action"], newest["why"], newest["version"]) == ("root", "edit", WHY["why"], 2)
    moved = [line for line in newest["diff"].split("\n") if line[0] in "+-"]
    assert moved == ["-    when: 'rain_24h_mm > 100.0'", "+    when: 'rain_24h_mm > 50.0'"]
    assert newest["position"] > oldest["position"]
    (line,) = await rules.rows("SELECT actor, action, object, detail FROM audit WHERE action LIKE 'rule.%'")
    assert (line["actor"], line["action"], line["object"]) == ("root", "rule.edit", "rain.24h")
    assert line["detail"] == {"why": WHY["why"], "version": 2, "hash": found["hash"], "origin": "overlay"}
    changes = await rules.rows("SELECT kind, id, version FROM change WHERE position > $1", before[0]["position"])
    assert changes == [{"kind": "rule", "id": "rain.24h", "version": 2}]
    async with rules.world.database.connection() as connection:
        assert (await audit.verify_chain(connection)).broken_at is None


async def test_nothing_is_left_of_an_edit_whose_audit_line_cannot_be_written(
    rules: RuleWorld, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_: object) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr("ioc.store.rules.edits.append_audit", broken)
    entries = await rules.entries()
    answer = await rules.ask("PUT", "/rain.24h", {"yaml": TO_50, **WHY}, version=1)
    assert answer.status_code == 500
    assert (await rules.rule())["version"] == 1
    assert await rules.entries() == entries
    assert len(await rules.history()) == 1


async def test_a_text_with_errors_is_refused_with_every_fault_at_its_line(rules: RuleWorld):
    answer = await rules.ask("PUT", "/rain.24h", {"yaml": RAIN.replace("rain_24h_mm >", "rain >"), **WHY}, version=1)
    assert answer.status_code == 422
    told = answer.json()
    assert told["type"] == "urn:ioc:problem:invalid_rule"
    (fault,) = told["problems"]
    assert (fault["line"], fault["member"], fault["severity"]) == (8, "levels[0].when", "error")
    assert "undeclared reference to 'rain'" in fault["detail"]
    assert "line 8" in told["detail"]
    other = await rules.ask("PUT", "/rain.24h", {"yaml": OWN, **WHY}, version=1)
    assert other.json()["problems"][0]["member"] == "rule"
    assert (await rules.rule())["version"] == 1


async def test_check_answers_as_an_edit_would_and_changes_nothing(rules: RuleWorld):
    sound = (await rules.ask("POST", "/check", {"yaml": TO_50, "rule": "rain.24h"})).json()
    assert [(fault["severity"], fault["line"]) for fault in sound["problems"]] == [("warning", 9)]
    assert sound["rule"]["text"]["en"]
    assert sound["rule"]["limits"][0]["value"] == 100
    assert "version" not in sound["rule"]
    ends = (await rules.ask("POST", "/check", {"yaml": TO_50 + "by: [area]\n", "rule": "rain.24h"})).json()
    assert any("ends the open alerts" in fault["detail"] for fault in ends["problems"])
    wrong = (await rules.ask("POST", "/check", {"yaml": "rule: ["})).json()
    assert wrong["rule"] is None
    assert (wrong["problems"][0]["line"], wrong["problems"][0]["column"]) == (2, 1)
    bomb = (await rules.ask("POST", "/check", {"yaml": "a: &a [x]\nb: [*a, *a]\n"})).json()
    assert "aliases are not allowed" in bomb["problems"][0]["detail"]
    assert (await rules.ask("POST", "/check", {"yaml": "#" * 70_000})).status_code == 422
    assert (await rules.ask("POST", "/check", {"yaml": "#" * 200_000})).status_code == 413
    assert len(await rules.history()) == 1


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({}, {"yaml": TO_50, **WHY}, 428, "version_required"),
        ({"If-Match": '"7"'}, {"yaml": TO_50, **WHY}, 412, "version_conflict"),
        ({"If-Match": '"1"'}, {"yaml": TO_50}, 422, "invalid_input"),
        ({"If-Match": '"1"'}, {"yaml": TO_50, "why": " x "}, 422, "invalid_input"),
        ({"If-Match": '"1"'}, {"yaml": TO_50, "why": "x" * 501}, 422, "invalid_input"),
        ({"If-Match": '"1"'}, {"yaml": TO_50, "version": 9, **WHY}, 422, "invalid_input"),
    ],
)
async def test_what_an_edit_must_say(
    rules: RuleWorld, headers: dict[str, str], body: dict[str, str], status: int, code: str
):
    answer = await rules.client.put("/api/v1/rules/rain.24h", json=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:ioc:problem:{code}")
    assert len(await rules.history()) == 1


async def test_of_two_editors_one_is_told_how_the_rule_is_now(rules: RuleWorld):
    """Both have seen version 1 and save at once: one wins, the other gets the winner's form with the refusal."""
    texts = [RAIN.replace("100.0", f"{value}.0") for value in (50, 60, 70, 80)]
    answers = await asyncio.gather(*(rules.ask("PUT", "/rain.24h", {"yaml": text, **WHY}, version=1) for text in texts))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    lost = [answer.json()["current"] for answer in answers if answer.status_code == 412]
    assert {found["yaml"] for found in lost} == {won["yaml"]}
    assert len(await rules.history()) == 2
    assert len([subject for subject, _ in await rules.entries() if subject == "rain.24h"]) == 2


async def test_switches_are_written_into_the_text_and_turning_back_is_the_pack_again(rules: RuleWorld):
    off = await rules.do("POST", "/rain.24h/disable", WHY, version=1)
    assert (off["enabled"], off["origin"], off["version"], off["yaml"]) == (
        False,
        "overlay",
        2,
        RAIN + "enabled: false\n",
    )
    assert off["health"]["state"] == "off"
    assert (await rules.entries())[-1][1]["body"]["enabled"] is False
    again = await rules.do("POST", "/rain.24h/disable", WHY, version=2)
    assert again["version"] == 2, "nothing to do, nothing done"
    on = await rules.do("POST", "/rain.24h/enable", WHY, version=2)
    assert (on["enabled"], on["origin"], on["version"], on["yaml"]) == (True, "pack", 3, RAIN)
    watched = await rules.do("POST", "/rain.24h/monitor", WHY, version=3)
    assert (watched["mode"], watched["yaml"]) == ("monitor", RAIN + "mode: monitor\n")
    assert (await rules.do("POST", "/rain.24h/alert", WHY, version=4))["origin"] == "pack"
    assert [line["action"] for line in await rules.history()] == ["alert", "monitor", "enable", "disable", "pack"]
    assert [line["version"] for line in await rules.history()] == [5, 4, 3, 2, 1]


async def test_a_rule_of_the_sites_own_comes_and_goes_and_its_version_never_goes_back(rules: RuleWorld):
    answer = await rules.ask("POST", "", {"yaml": OWN, **WHY})
    assert (answer.status_code, answer.headers["location"]) == (201, "/api/v1/rules/site.rain")
    made = answer.json()
    assert (made["origin"], made["pack"], made["version"]) == ("site", None, 1)
    taken = await rules.ask("POST", "", {"yaml": OWN, **WHY})
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "rule")
    assert (await rules.ask("POST", "/site.rain/reset", WHY, version=1)).status_code == 409
    gone = await rules.ask("DELETE", "/site.rain", WHY, version=1)
    assert gone.status_code == 204
    assert (await rules.entries())[-1] == ("site.rain", None)
    assert (await rules.ask("GET", "/site.rain")).status_code == 404
    assert (await rules.ask("PUT", "/site.rain", {"yaml": OWN, **WHY}, version=2)).status_code == 404
    back = await rules.ask("POST", "", {"yaml": OWN.replace("100.0", "90.0"), **WHY})
    assert back.json()["version"] == 3
    assert [line["action"] for line in await rules.history("site.rain")] == ["create", "delete", "create"]


async def test_a_rule_of_the_pack_cannot_be_deleted(rules: RuleWorld):
    refused = await rules.ask("DELETE", "/rain.24h", WHY, version=1)
    assert refused.status_code == 409
    assert "disable it" in refused.json()["detail"]
    await rules.do("PUT", "/rain.24h", {"yaml": TO_50, **WHY}, version=1)
    assert (await rules.ask("DELETE", "/rain.24h", WHY, version=2)).status_code == 409


async def test_reset_goes_back_to_the_pack(rules: RuleWorld):
    await rules.do("PUT", "/rain.24h", {"yaml": TO_50, **WHY}, version=1)
    found = await rules.do("POST", "/rain.24h/reset", WHY, version=2)
    assert (found["origin"], found["version"], found["yaml"], found["pack"]["differs"]) == ("pack", 3, RAIN, False)
    assert found["changed"]["action"] == "reset"
    assert (await rules.do("POST", "/rain.24h/reset", WHY, version=3))["version"] == 3


async def test_a_comment_alone_is_an_edit_with_the_same_hash(rules: RuleWorld):
    first = await rules.rule()
    found = await rules.do("PUT", "/rain.24h", {"yaml": "# seen\n" + TO_50, **WHY}, version=1)
    again = await rules.do("PUT", "/rain.24h", {"yaml": "# read\n" + TO_50, **WHY}, version=2)
    assert first["hash"] != found["hash"] == again["hash"]
    assert again["version"] == 3
    assert (await rules.do("PUT", "/rain.24h", {"yaml": "# read\n" + TO_50, **WHY}, version=3))["version"] == 3


async def test_only_administrators_of_every_area_change_rules_and_all_may_read(rules: RuleWorld):
    world = rules.world
    for who, read in (("op", 200), ("view", 200), ("walled-admin", 200)):
        async with world.signed_in(who) as client:
            mine = RuleWorld(world, client)
            assert (await mine.ask("GET", "/rain.24h")).status_code == read
            assert (await mine.ask("GET", "/rain.24h/history")).status_code == 200
            assert (await mine.ask("PUT", "/rain.24h", {"yaml": TO_50, **WHY}, version=1)).status_code == 403, who
            assert (await mine.ask("POST", "", {"yaml": OWN, **WHY})).status_code == 403, who
            for action in ("enable", "disable", "monitor", "alert", "reset"):
                assert (await mine.ask("POST", f"/rain.24h/{action}", WHY, version=1)).status_code == 403, who
            assert (await mine.ask("DELETE", "/rain.24h", WHY, version=1)).status_code == 403, who
    async with world.client(key="district") as machine:
        assert (await machine.get("/api/v1/rules/rain.24h")).json()["changed"] is None
        assert (await machine.get("/api/v1/rules/rain.24h/history")).status_code == 403
    assert len(await rules.history()) == 1


async def test_changes_and_checks_of_one_account_are_bounded(rules: RuleWorld, monkeypatch: pytest.MonkeyPatch):
    desk = rules.world.state.rules
    monkeypatch.setattr(desk, "edits", Allowance(desk.edits.clock, per_minute=2))
    monkeypatch.setattr(desk, "checks", Allowance(desk.checks.clock, per_minute=2))
    answers = [await rules.ask("POST", "/rain.24h/enable", WHY, version=1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    checks = [await rules.ask("POST", "/check", {"yaml": RAIN}) for _ in range(3)]
    assert [answer.status_code for answer in checks] == [200, 200, 429]
    assert rule_desk.CHECKS_PER_MINUTE > rule_desk.EDITS_PER_MINUTE


async def test_there_are_at_most_so_many_rules(rules: RuleWorld, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ioc.store.rules.edits.RULES_MAX", 2)
    answer = await rules.ask("POST", "", {"yaml": OWN, **WHY})
    assert answer.status_code == 409
    assert "bound" in answer.json()["detail"]


async def test_history_comes_in_pages(rules: RuleWorld):
    for version, action in enumerate(("disable", "enable", "monitor"), start=1):
        await rules.do("POST", f"/rain.24h/{action}", WHY, version=version)
    seen: list[int] = []
    cursor = None
    for _ in range(3):
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await rules.client.get("/api/v1/rules/rain.24h/history", params=params)).json()
        seen.extend(line["id"] for line in page["items"])
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [4, 3, 2, 1]
    assert (await rules.client.get("/api/v1/rules/car.speed/history", params={"cursor": "x"})).status_code == 400
    assert (await rules.ask("GET", "/no.such/history")).status_code == 404


async def test_a_pack_in_between_is_told_apart_from_an_edit(rules: RuleWorld):
    """The overlay stays; the pack has moved; a further edit settles that; reset takes the pack's newest."""
    await rules.do("PUT", "/rain.24h", {"yaml": TO_50, **WHY}, version=1)
    await rules.apply(RAIN.replace("100.0", "120.0"), SPEED)
    found = await rules.rule()
    assert (found["version"], found["yaml"], found["pack"]["moved"]) == (2, TO_50, True)
    assert "120.0" in found["pack"]["yaml"]
    newest = (await rules.history())[0]
    assert (newest["by"], newest["action"], newest["position"], newest["diff"]) == (None, "pack", None, "")
    assert "bản của địa phương vẫn có hiệu lực" in newest["why"]
    still = await rules.do("POST", "/rain.24h/disable", WHY, version=2)
    assert still["pack"]["moved"], "a switch does not say that the pack's new form was seen"
    seen = await rules.do("PUT", "/rain.24h", {"yaml": TO_50.replace("50.0", "55.0"), **WHY}, version=3)
    assert not seen["pack"]["moved"]
    reset = await rules.do("POST", "/rain.24h/reset", WHY, version=4)
    assert (reset["origin"], "120.0" in reset["yaml"]) == ("pack", True)
