"""A new pack over rules that the site has touched: nothing that somebody wrote here is overwritten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.integration.api.rule_world import RAIN, SPEED, WHY, RuleWorld, open_rules

AT_120 = RAIN.replace("100.0", "120.0")
AT_50 = RAIN.replace("100.0", "50.0")


@pytest.fixture
async def rules(database_dsn: str) -> AsyncIterator[RuleWorld]:
    async with open_rules(database_dsn) as opened:
        yield opened


async def notes(rules: RuleWorld) -> list[tuple[str, int, bool]]:
    """Return (why, version, in the log) of what packs did to the rule, oldest first."""
    rows = await rules.rows("SELECT * FROM rule_history WHERE rule = 'rain.24h' AND actor IS NULL ORDER BY number")
    return [(row["why"], row["version"], row["position"] is not None) for row in rows]


async def test_an_unchanged_pack_writes_nothing(rules: RuleWorld):
    before = (await rules.entries(), await rules.rows("SELECT * FROM rule"), await rules.rows("SELECT * FROM change"))
    await rules.apply(RAIN, SPEED)
    after = (await rules.entries(), await rules.rows("SELECT * FROM rule"), await rules.rows("SELECT * FROM change"))
    assert before == after


async def test_an_untouched_rule_takes_the_packs_new_form(rules: RuleWorld):
    await rules.apply(AT_120, SPEED)
    found = await rules.rule()
    assert (found["origin"], found["version"], found["yaml"]) == ("pack", 2, AT_120)
    assert await notes(rules) == [("new_form", 1, True), ("new_form", 2, True)]
    assert (await rules.entries())[-1][1]["version"] == 2


async def test_new_comments_of_the_pack_come_without_a_new_version(rules: RuleWorld):
    await rules.apply("# Thêm ghi chú\n" + RAIN, SPEED)
    found = await rules.rule()
    assert (found["version"], found["yaml"], found["pack"]["yaml"]) == (1, "# Thêm ghi chú\n" + RAIN, found["yaml"])
    assert len(await rules.history()) == 1


async def test_a_form_of_the_sites_own_stays_whatever_the_pack_does(rules: RuleWorld):
    await rules.do("PUT", "/rain.24h", {"yaml": AT_50, **WHY}, version=1)
    entries = await rules.entries()
    await rules.apply(AT_120, SPEED)
    found = await rules.rule()
    assert (found["origin"], found["version"], found["yaml"]) == ("overlay", 2, AT_50)
    assert found["pack"]["moved"]
    assert await rules.entries() == entries, "what is in force has not changed: the log has nothing to say"
    assert (await notes(rules))[-1] == ("site_form_kept", 2, False)
    changes = await rules.rows("SELECT id FROM change WHERE kind = 'rule' ORDER BY position DESC LIMIT 1")
    assert changes == [{"id": "rain.24h"}], "screens are told that the pack has moved"


@pytest.mark.parametrize(("action", "line"), [("disable", "enabled: false\n"), ("monitor", "mode: monitor\n")])
async def test_a_rule_that_was_only_quieted_takes_the_new_text_and_stays_quiet(
    rules: RuleWorld, action: str, line: str
):
    await rules.do("POST", f"/rain.24h/{action}", WHY, version=1)
    await rules.apply(AT_120, SPEED)
    found = await rules.rule()
    assert (found["origin"], found["version"], found["yaml"]) == ("overlay", 3, AT_120 + line)
    assert not found["pack"]["moved"]
    assert (await notes(rules))[-1] == ("still_switched", 3, True)
    body = (await rules.entries())[-1][1]["body"]
    assert body["levels"][0]["when"] == "rain_24h_mm > 120.0"
    assert (body.get("enabled", True), body.get("mode", "alert")) != (True, "alert")


async def test_a_rule_that_the_site_made_louder_keeps_its_text(rules: RuleWorld):
    """The pack watches, the site alerts: a new text that nobody here has judged must not alert by itself."""
    await rules.apply(RAIN + "mode: monitor\n", SPEED)
    await rules.do("POST", "/rain.24h/alert", WHY, version=2)
    await rules.apply(AT_120 + "mode: monitor\n", SPEED)
    found = await rules.rule()
    assert (found["mode"], found["yaml"], found["pack"]["moved"]) == ("alert", RAIN, True)


async def test_a_pack_that_comes_to_say_the_same_is_the_packs_again(rules: RuleWorld):
    await rules.do("PUT", "/rain.24h", {"yaml": AT_50, **WHY}, version=1)
    await rules.apply(AT_50, SPEED)
    found = await rules.rule()
    assert (found["origin"], found["version"], found["pack"]["differs"]) == ("pack", 3, False)


async def test_a_rule_that_leaves_the_pack(rules: RuleWorld):
    """Untouched it leaves the force; with a form of the site's own it stays as the site's rule, said in its history."""
    await rules.do("PUT", "/rain.24h", {"yaml": AT_50, **WHY}, version=1)
    await rules.apply()
    assert (await rules.ask("GET", "/car.speed")).status_code == 404
    assert (await rules.entries())[-1] == ("car.speed", None)
    found = await rules.rule()
    assert (found["origin"], found["version"], found["pack"], found["yaml"]) == ("site", 2, None, AT_50)
    assert (await notes(rules))[-1] == ("left_to_the_site", 2, False)
    assert (await rules.ask("DELETE", "/rain.24h", WHY, version=2)).status_code == 204


async def test_a_rule_that_comes_back_goes_on_counting_its_versions(rules: RuleWorld):
    await rules.apply(RAIN)
    await rules.apply(RAIN, SPEED)
    assert (await rules.rule("car.speed"))["version"] == 3
    assert [value and value["version"] for subject, value in await rules.entries() if subject == "car.speed"] == [
        1,
        None,
        3,
    ]


async def test_a_pack_that_brings_a_rule_of_the_sites_id_leaves_the_sites_in_force(rules: RuleWorld):
    own = RAIN.replace("rain.24h", "site.rain")
    assert (await rules.ask("POST", "", {"yaml": own, **WHY})).status_code == 201
    await rules.apply(RAIN, SPEED, own.replace("100.0", "120.0"))
    found = await rules.rule("site.rain")
    assert (found["origin"], found["version"], found["yaml"], found["pack"]["moved"]) == ("overlay", 1, own, True)


async def test_a_pack_and_an_edit_at_once_come_one_after_the_other(rules: RuleWorld):
    """Whoever is first, nothing that was written is lost and no version is given twice."""
    for round_ in range(1, 5):
        version = (await rules.rule())["version"]
        theirs, mine = (RAIN.replace("100.0", f"{value + round_}.0") for value in (120, 50))
        _, answer = await asyncio.gather(
            rules.apply(theirs, SPEED), rules.ask("PUT", "/rain.24h", {"yaml": mine, **WHY}, version=version)
        )
        found = await rules.rule()
        assert answer.status_code in (200, 412)
        assert found["yaml"] == (mine if answer.status_code == 200 else theirs)
        assert found["pack"]["yaml"] == theirs
        if answer.status_code == 200:
            await rules.do("POST", "/rain.24h/reset", WHY, version=found["version"])
    versions = [value["version"] for subject, value in await rules.entries() if subject == "rain.24h"]
    assert versions == list(range(1, len(versions) + 1))
