"""Sign-in, sessions and forgery: fixation, sign-out, disabling, throttling, cross-site requests."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ioc.api.auth import inventory
from tests.integration.api.conftest import OTHER, PASSWORD, World
from tests.integration.api.test_access import filled

SIGN_IN = {"username": "op", "password": PASSWORD}
SAFE = ("GET", "HEAD")


async def test_who_am_i_tells_role_and_areas(world: World):
    async with world.signed_in("walled") as client:
        assert (await client.get("/api/v1/session")).json() == {
            "username": "walled", "name": "Walled", "role": "operator", "areas": [OTHER], "zone": "luong-son",
            "language": "vi", "must_change": True,
        }  # fmt: skip
    async with world.signed_in("op") as client:
        assert (await client.get("/api/v1/session")).json()["areas"] is None


async def test_the_cookie_on_loopback_http_and_over_tls(world: World):
    async with world.client() as client:
        cookie = (await client.post("/api/v1/session", json=SIGN_IN)).headers["set-cookie"]
        assert cookie.startswith("ioc_session=")
        for part in ("HttpOnly", "SameSite=strict", "Path=/"):
            assert part in cookie
        assert "Secure" not in cookie
    async with world.client(base_url="https://ioc.example") as client:
        cookie = (await client.post("/api/v1/session", json=SIGN_IN)).headers["set-cookie"]
        assert cookie.startswith("__Host-ioc=")
        assert "Secure" in cookie
        assert "Domain" not in cookie


async def test_plain_http_from_another_machine_is_told_so(world: World):
    client = world.client()
    client._transport.client = ("10.0.0.9", 4_000)  # type: ignore[attr-defined]
    async with client:
        answer = await client.post("/api/v1/session", json=SIGN_IN)
        assert (answer.status_code, answer.json()["code"]) == (403, "plain_http")


async def test_a_session_chosen_by_somebody_else_is_never_adopted(world: World):
    async with world.client() as client:
        client.cookies.set("ioc_session", "chosen-by-an-attacker")
        answer = await client.post("/api/v1/session", json=SIGN_IN)
        assert "chosen-by-an-attacker" not in answer.headers["set-cookie"]
    async with world.client() as client:
        client.cookies.set("ioc_session", "chosen-by-an-attacker")
        assert (await client.get("/api/v1/session")).status_code == 401


async def test_a_new_sign_in_ends_the_session_of_the_old_cookie(world: World):
    async with world.signed_in("op") as client:
        old = client.cookies["ioc_session"]
        await client.post("/api/v1/session", json=SIGN_IN)
        assert client.cookies["ioc_session"] != old
    async with world.client() as client:
        client.cookies.set("ioc_session", old)
        assert (await client.get("/api/v1/session")).status_code == 401


async def test_a_cookie_is_worthless_after_sign_out(world: World):
    async with world.signed_in("op") as client:
        cookie = client.cookies["ioc_session"]
        assert (await client.delete("/api/v1/session")).status_code == 204
    async with world.client() as client:
        client.cookies.set("ioc_session", cookie)
        assert (await client.get("/api/v1/session")).status_code == 401
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM session") == 0


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "viewer"}, {"area": OTHER}])
async def test_every_session_dies_when_the_account_changes(world: World, change: dict[str, object]):
    async with world.signed_in("op") as victim, world.signed_in("root") as root:
        assert (await victim.get("/api/v1/session")).status_code == 200
        assert (await root.patch("/api/v1/users/op", json=change)).status_code == 200
        assert (await victim.get("/api/v1/session")).status_code == 401


@pytest.mark.parametrize("column", ["created_at", "seen_at"])
async def test_idle_and_absolute_limits(world: World, column: str):
    hours = {"created_at": timedelta(hours=12, minutes=1), "seen_at": timedelta(minutes=31)}[column]
    async with world.signed_in("op") as client:
        async with world.database.connection() as connection:
            await connection.execute(f"UPDATE session SET {column} = {column} - $1::interval", hours)
        assert (await client.get("/api/v1/session")).status_code == 401


async def test_beyond_twenty_sessions_the_longest_unused_ends_and_not_the_desk_in_use(world: World):
    """The desk that has watched since the shift began is the oldest session, and the one that must stay."""
    async with world.signed_in("op") as desk:
        async with world.database.connection() as connection:
            await connection.execute("UPDATE session SET created_at = created_at - interval '7 hours'")
            for number in range(19):
                await connection.execute(
                    "INSERT INTO session (hash, id, username, created_at, seen_at) "
                    "SELECT $1, $2, username, created_at + interval '1 hour', seen_at - interval '25 minutes' "
                    "FROM session WHERE id NOT LIKE 'left-%'",
                    bytes([number]),
                    f"left-{number}",
                )
        async with world.signed_in("op"):
            assert (await desk.get("/api/v1/session")).status_code == 200
        async with world.database.connection() as connection:
            left = await connection.fetchval("SELECT count(*) FROM session WHERE id LIKE 'left-%'")
    assert left == 18


async def test_use_keeps_a_session_alive(world: World):
    async with world.signed_in("op") as client:
        async with world.database.connection() as connection:
            await connection.execute("UPDATE session SET seen_at = seen_at - interval '20 minutes'")
        assert (await client.get("/api/v1/session")).status_code == 200
        async with world.database.connection() as connection:
            seen = await connection.fetchval("SELECT seen_at FROM session")
        assert world.state.parts.wall.now() - seen < timedelta(seconds=10)


async def test_the_table_holds_no_cookie_and_no_password(world: World):
    async with world.signed_in("op") as client, world.database.connection() as connection:
        text = ""
        for table in ("session", "account", "api_key", "audit"):
            text += repr([dict(row) for row in await connection.fetch(f"SELECT * FROM {table}")])
        for secret in (client.cookies["ioc_session"], PASSWORD, *world.keys.values()):
            assert secret not in text
        assert text.count("$argon2id$") == 6


async def test_unknown_wrong_and_disabled_are_told_the_same(world: World):
    async with world.database.connection() as connection:
        await connection.execute("UPDATE account SET disabled = true WHERE username = 'view'")
    async with world.client() as client:
        bodies = []
        for username, password in (("nobody", PASSWORD), ("op", "a wrong password"), ("view", PASSWORD)):
            answer = await client.post("/api/v1/session", json={"username": username, "password": password})
            assert answer.status_code == 401
            bodies.append(answer.json())
        assert bodies[0] == bodies[1] == bodies[2]


async def test_guessing_is_throttled_per_account_also_for_names_that_do_not_exist(world: World):
    for username in ("op", "nobody"):
        async with world.client() as client:
            codes = []
            for _ in range(12):
                answer = await client.post("/api/v1/session", json={"username": username, "password": "wrong wrong"})
                codes.append(answer.status_code)
            assert codes[:5] == [401] * 5
            assert codes[5:] == [429] * 7
            assert int(answer.headers["retry-after"]) >= 1
            good = await client.post("/api/v1/session", json={"username": username, "password": PASSWORD})
            assert good.status_code == 429, "a right guess inside the delay is not told"


async def test_guessing_many_names_from_one_address_is_throttled(world: World):
    async with world.client() as client:
        codes = [
            (await client.post("/api/v1/session", json={"username": f"user{n}", "password": "wrong"})).status_code
            for n in range(40)
        ]
    assert codes[:30] == [401] * 30
    assert set(codes[31:]) == {429}


async def test_a_state_change_needs_the_same_origin(world: World):
    """Generated from the inventory: foreign, missing and cross-site origins are refused before anything is done."""
    lines = [line for line in inventory(world.app) if line.access is not None and line.method not in SAFE]
    lines = [line for line in lines if not line.path.endswith("/csp-reports")]
    assert len(lines) >= 14
    async with world.signed_in("root") as client:
        for line in lines:
            for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:81"},
                            {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {}):  # fmt: skip
                client.headers.pop("Origin", None)
                answer = await client.request(line.method, filled(line.path), headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), (line.path, headers)
        client.headers["Origin"] = "http://127.0.0.1"
        assert (await client.get("/api/v1/session")).status_code == 200


async def test_a_form_or_text_body_is_415(world: World):
    await world.alert()
    async with world.signed_in("op") as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            headers = {"Content-Type": kind, "If-Match": '"1"'}
            answer = await client.post("/api/v1/alerts/al_one/acknowledge", content=b"{}", headers=headers)
            assert answer.status_code == 415
        foreign = await client.post("/api/v1/session", json=SIGN_IN, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403


async def test_a_one_time_password_signs_in_and_can_be_changed(world: World):
    async with world.signed_in("root") as root:
        made = (await root.post("/api/v1/users", json={"username": "lan", "role": "viewer", "area": "152"})).json()
    assert made["must_change"] is True
    async with world.signed_in("lan", made["password"]) as client:
        weak = {"current": made["password"], "new": "passwordpassword"}
        assert (await client.put("/api/v1/session/password", json=weak)).status_code == 422
        good = {"current": made["password"], "new": "Lương Sơn mùa mưa"}
        assert (await client.put("/api/v1/session/password", json=good)).status_code == 204
        assert (await client.get("/api/v1/session")).json()["must_change"] is False
    async with world.signed_in("lan", "Lương Sơn mùa mưa"):
        pass
    async with world.client() as client:
        old = await client.post("/api/v1/session", json={"username": "lan", "password": made["password"]})
        assert old.status_code == 401
