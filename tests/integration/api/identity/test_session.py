"""Sign-in, sessions and forgery: fixation, sign-out, disabling, throttling, cross-site requests."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest

from ioc.api.auth import inventory
from ioc.api.identity.refusals import ROWS_PER_HOUR_MAX
from ioc.api.identity.throttle import FREE_ACCOUNT_ATTEMPTS, FREE_ADDRESS_ATTEMPTS
from ioc.domain.people.capabilities import Role
from ioc.errors import TooManyRequestsError
from ioc.store.audit.trail import AuditEntry
from tests.integration.api.conftest import NOW, OTHER, PASSWORD, World
from tests.integration.api.identity.test_access import filled

SIGN_IN = {"username": "op", "password": PASSWORD}
SAFE = ("GET", "HEAD")


async def test_who_am_i_tells_role_and_areas(world: World):
    async with world.signed_in("walled") as client:
        assert (await client.get("/api/v1/session")).json() == {
            "username": "walled", "name": "Walled", "role": "operator", "areas": [OTHER],
            "capabilities": ["see", "handle", "drill", "intake"], "zone": "luong-son",
            "language": "vi", "must_change": True, "change_required": False,
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
    async with world.client(base_url="https://localhost") as client:
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
        assert world.state.context.wall.now() - seen < timedelta(seconds=10)


async def test_the_table_holds_no_cookie_and_no_password(world: World):
    async with world.signed_in("op") as client, world.database.connection() as connection:
        text = ""
        for table in ("session", "account", "api_key", "audit"):
            text += repr([dict(row) for row in await connection.fetch(f"SELECT * FROM {table}")])
        for secret in (client.cookies["ioc_session"], PASSWORD, *world.keys.values()):
            assert secret not in text
        assert text.count("$argon2id$") == await connection.fetchval("SELECT count(*) FROM account")


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


async def guess(client: httpx2.AsyncClient, username: str, times: int) -> list[int]:
    codes = []
    for _ in range(times):
        answer = await client.post("/api/v1/session", json={"username": username, "password": "wrong wrong"})
        codes.append(answer.status_code)
    return codes


async def test_guessing_is_throttled_per_account_also_for_names_that_do_not_exist(world: World):
    for username in ("op", "nobody"):
        async with world.client() as client:
            codes = await guess(client, username, 12)
            assert codes[:5] == [401] * 5
            assert codes[5:] == [429] * 7
            good = await client.post("/api/v1/session", json={"username": username, "password": PASSWORD})
            assert int(good.headers["retry-after"]) >= 1
            assert good.status_code == 429, "a right guess inside the delay is not told"


async def test_wrong_guesses_from_a_shared_address_make_no_right_password_wait(world: World):
    """Thirty-five at one name, thirty-five at others: everybody else there signs in at once."""
    async with world.client() as client:
        await guess(client, "op", 35)
        for number in range(35):
            await guess(client, f"user{number}", 1)
    for username in ("op2", "view", "root"):
        async with world.signed_in(username):
            pass


async def test_a_known_browser_passes_and_another_accounts_does_not(world: World):
    """Whoever guesses in a person's name does not lock them out of the desk where they have signed in before."""
    async with world.signed_in("op") as desk, world.signed_in("op2") as other:
        await desk.delete("/api/v1/session")
        async with world.client() as stranger:
            assert (await guess(stranger, "op", 8))[-1] == 429
        assert (await other.post("/api/v1/session", json=SIGN_IN)).status_code == 429
        assert (await desk.post("/api/v1/session", json=SIGN_IN)).status_code == 200
        assert (await guess(desk, "op", 7))[-1] == 429, "a stolen cookie gives no more guesses than a place does"


async def test_a_success_clears_the_failures(world: World):
    async with world.client() as client:
        for _ in range(4):
            assert await guess(client, "op", 4) == [401] * 4
            assert (await client.post("/api/v1/session", json=SIGN_IN)).status_code == 200
            client.cookies.clear()


async def test_a_browsers_mark_is_never_chosen_by_somebody_else_and_ends_with_a_reset(world: World):
    chosen = "A" * 43
    async with world.client() as client:
        client.cookies.set("ioc_session_device", chosen)
        answer = await client.post("/api/v1/session", json=SIGN_IN)
        assert chosen not in answer.headers["set-cookie"]
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM known_device") == 1
    async with world.signed_in("root") as root:
        root.headers["Origin"] = "http://127.0.0.1"
        assert (await root.post("/api/v1/users/op/password")).status_code == 201
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM known_device WHERE username = 'op'") == 0


async def test_guessing_many_names_from_one_address_is_slowed(world: World):
    throttle = world.state.throttle
    for number in range(FREE_ADDRESS_ATTEMPTS):
        throttle.begin(f"user{number}", "10.0.0.9", device=None)
    with pytest.raises(TooManyRequestsError) as refused:
        throttle.begin("user-new", "10.0.0.9", device=None)
    assert refused.value.retry_after_seconds <= 30
    throttle.begin("user-new", "10.0.0.8", device=None)
    throttle.begin("user-new", "10.0.0.9", device="known")


async def test_guessing_at_one_name_from_many_addresses_is_slowed_but_not_for_its_own_browser(world: World):
    throttle = world.state.throttle
    for number in range(FREE_ACCOUNT_ATTEMPTS):
        throttle.begin("op", f"10.0.0.{number}", device=None)
    with pytest.raises(TooManyRequestsError):
        throttle.begin("op", "10.0.1.1", device=None)
    throttle.begin("op", "10.0.1.1", device="known")


async def test_failed_sign_ins_and_refusals_leave_a_bounded_trail(world: World):
    """One row for each kind of refusal of each caller in ten minutes, two hundred an hour in all, the rest counted."""
    await world.alert("al_one")
    async with world.client() as client:
        await guess(client, "op", 8)
        await guess(client, "my secret password!", 1)
    async with world.signed_in("view") as client:
        for _ in range(3):
            assert (await client.post("/api/v1/alerts/al_one/acknowledge", json={})).status_code == 403
    async with world.signed_in("walled") as client:
        assert (await client.post("/api/v1/alerts/al_one/acknowledge", json={})).status_code == 404
    async with world.signed_in("root") as root:
        rows = (await root.get("/api/v1/audit?limit=500")).json()["items"]
    found = [(row["actor"], row["action"], row["object"]) for row in rows if row["action"].endswith(
        ("wrong", "throttled", "refused"))]  # fmt: skip
    acknowledge = "POST /alerts/{alert}/acknowledge"
    assert sorted(found) == [
        ("anonymous", "session.throttled", "op"), ("anonymous", "session.wrong", "?"),
        ("anonymous", "session.wrong", "op"), ("view", "access.refused", acknowledge),
        ("walled", "access.refused", acknowledge),
    ]  # fmt: skip
    for number in range(ROWS_PER_HOUR_MAX + 20):
        await world.state.refusals.note(AuditEntry(f"user{number}", "session.wrong", "x"), NOW)
    async with world.database.connection() as connection:
        count = await connection.fetchval("SELECT count(*) FROM audit WHERE action IN ('session.wrong')")
    assert count <= ROWS_PER_HOUR_MAX
    assert world.state.context.metrics.refusals_unrecorded._value.get() >= 20


async def test_a_temporary_password_opens_nothing_but_its_own_change(world: World):
    """Made on the screen: until it is changed every route but the session's own is refused, the stream too."""
    async with world.signed_in("root") as root:
        made = (await root.post("/api/v1/users", json={"username": "new-one", "role": "operator"})).json()
    async with world.signed_in("new-one", made["password"]) as client:
        assert (await client.get("/api/v1/session")).json()["change_required"] is True
        for line in inventory(world.app):
            if line.access is None or line.path.startswith(("/api/v1/session", "/api/v1/csp-reports")):
                continue
            answer = await client.request(line.method, filled(line.path))
            assert answer.status_code == 403, line.path
            if Role.OPERATOR in line.access.description()["roles"]:
                assert answer.json()["code"] == "password_change_required", line.path
        same = {"current": made["password"], "new": made["password"]}
        assert (await client.put("/api/v1/session/password", json=same)).status_code == 422
        change = {"current": made["password"], "new": "thuyen ve ben cu chieu nay"}
        assert (await client.put("/api/v1/session/password", json=change)).status_code == 204
        assert (await client.get("/api/v1/session")).json()["change_required"] is False
        assert (await client.get("/api/v1/alerts")).status_code == 200


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
        good = {"current": made["password"], "new": "Lương Sơn mùa mưa, sông Bùi dâng"}
        assert (await client.put("/api/v1/session/password", json=good)).status_code == 204
        assert (await client.get("/api/v1/session")).json()["must_change"] is False
    async with world.signed_in("lan", "Lương Sơn mùa mưa, sông Bùi dâng"):
        pass
    async with world.client() as client:
        old = await client.post("/api/v1/session", json={"username": "lan", "password": made["password"]})
        assert old.status_code == 401
