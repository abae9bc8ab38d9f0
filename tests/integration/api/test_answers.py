"""What answers look like: headers on each, errors without insides, filters that refuse what they do not know."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from ioc.store.audit.trail import AuditEntry, append_audit, verify_chain
from ioc.store.postgres.engine import Database
from tests.integration.api.conftest import NOW, OTHER, OWN, World, open_world


async def test_security_headers_are_on_every_kind_of_answer(world: World):
    async def broken(_: Request) -> Response:
        raise ZeroDivisionError("secret detail /usr/lib")

    world.app.router.add_route("/broken", broken, methods=["GET"])
    async with world.client() as client:
        for path, status in (("/livez", 200), ("/api/v1/alerts", 401), ("/nowhere", 404), ("/broken", 500)):
            answer = await client.get(path)
            assert answer.status_code == status
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert "strict-transport-security" not in answer.headers
            policy = answer.headers["content-security-policy"]
            assert "unsafe" not in policy
            for part in (
                "default-src 'none'",
                "script-src 'self'",
                "object-src 'none'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            ):
                assert part in policy
            assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "secret" not in answer.text
        assert answer.json()["code"] == "internal"
    async with world.client(base_url="https://localhost") as client:
        assert "max-age=31536000" in (await client.get("/livez")).headers["strict-transport-security"]


async def test_titles_follow_accept_language_and_codes_do_not(world: World):
    async with world.client() as client:
        for header, title in (
            ("en-US,en;q=0.9", "Not signed in"),
            ("vi", "Bạn chưa đăng nhập"),
            ("fr", "Bạn chưa đăng nhập"),
        ):
            body = (await client.get("/api/v1/alerts", headers={"Accept-Language": header})).json()
            assert (body["title"], body["code"], body["status"]) == (title, "unauthenticated", 401)
            assert body["type"] == "urn:ioc:problem:unauthenticated"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("alerts?stat=new", "stat"), ("alerts?state=new&state=resolved", "state"), ("alerts?limit=501", "limit"),
        ("alerts?q=%00", "q"), ("alerts?from=yesterday", "from"),
        ("alerts?since=2026-01-01", "since"),
        ("alerts?open=maybe", "open"), ("zones?x=1", "x"),
        ("areas?on=today", "on"), ("series?field=x", "device"), ("alerts/al_one?x=1", "x"),
        ("stream?after=-1", "after"),
    ],
)  # fmt: skip
async def test_a_filter_that_makes_no_sense_is_refused_by_name(world: World, path: str, field: str):
    async with world.signed_in("op") as client:
        answer = await client.get(f"/api/v1/{path}")
        assert answer.status_code == 422, answer.text
        assert field in answer.json()["errors"][0]["field"]


async def test_area_filters_mean_today_zone_former_district_or_a_day(world: World):
    for name, area in (("al_a", OWN), ("al_b", "04792"), ("al_c", OTHER)):
        await world.alert(name, area=area)
    cases = {
        OWN: {"al_a"}, "hoa-binh": {"al_a", "al_b"}, "148": {"al_a", "al_b"}, "152": {"al_c"}, "luong-son": {"al_c"},
        f"{OWN}@2025-06-30": {"al_b"}, "04801@2024-01-01": {"al_a", "al_b"}, f"{OWN}@2026-01-01": {"al_a"},
    }  # fmt: skip
    async with world.signed_in("op") as client:
        for area, expected in cases.items():
            items = (await client.get("/api/v1/alerts", params={"area": area})).json()["items"]
            assert {item["id"] for item in items} == expected, area
        both = await client.get("/api/v1/alerts", params={"zone": "luong-son", "area": OWN})
        assert both.json()["items"] == []


async def test_pages_walk_every_alert_once_and_a_cursor_is_bound_to_its_filters(world: World):
    for number in range(25):
        await world.alert(f"al_{number:02}", opened_at=NOW - timedelta(minutes=number // 3), opened_position=number)
    seen, cursor = [], None
    async with world.signed_in("op") as client:
        while True:
            params = {"limit": "7", "severity": "high", **({"cursor": cursor} if cursor else {})}
            page = (await client.get("/api/v1/alerts", params=params)).json()
            seen += [item["id"] for item in page["items"]]
            assert page["position"] == 25
            if page["next"] is None:
                break
            cursor = page["next"]
        assert len(seen) == len(set(seen)) == 25
        other = await client.get("/api/v1/alerts", params={"limit": "7", "severity": "low", "cursor": cursor})
        assert other.status_code == 400


async def test_search_ignores_case_marks_and_tone_placement(world: World):
    await world.device("rain-1", name_vi="Trạm đo mưa Hoà Bình")
    await world.alert("al_one", device="rain-1")
    await world.alert("al_two", area=OTHER)
    async with world.signed_in("op") as client:
        for text in ("hòa bình", "hoa binh", "HOÀ BÌNH", "do mua"):
            assert [
                item["id"] for item in (await client.get("/api/v1/alerts", params={"q": text})).json()["items"]
            ] == ["al_one"]
            assert len((await client.get("/api/v1/devices", params={"q": text})).json()["items"]) == 1
        assert (await client.get("/api/v1/alerts", params={"q": "100%_'\\"})).json()["items"] == []


async def test_search_goes_by_words_and_knows_the_old_names_of_places(world: World):
    """A bit of a word (`oa bin`) is no word; a ward that was merged is found by the name that it had."""
    await world.device("rain-1", name_vi="Trạm đo mưa Hoà Bình")
    await world.alert("al_heir", area="04792")
    await world.alert("al_other", area=OTHER)
    async with world.signed_in("op") as client:

        async def found(noun: str, text: str) -> set[str]:
            return {item["id"] for item in (await client.get(f"/api/v1/{noun}", params={"q": text})).json()["items"]}

        assert await found("devices", "oa bin") == set()
        assert await found("devices", "binh do tram") == {"rain-1"}
        assert await found("alerts", "Phường cũ") == {"al_heir"}
        assert await found("alerts", "sap nhap") == {"al_heir"}
        assert await found("alerts", "luong son") == {"al_other"}


async def test_an_alert_has_the_agreed_members(world: World):
    await world.device("rain-1")
    await world.alert(device="rain-1", flap_count=2)
    async with world.signed_in("op") as client:
        alert = (await client.get("/api/v1/alerts/al_one")).json()
    agreed = (
        "id number rule rule_version key condition state severity peak_severity title summary domain feed "
        "device device_name area area_name zone lat lon opened_at changed_at cleared_at flap_count "
        "retrospective restricted owner acknowledged_at acknowledged_by comments transitions version "
        "opening now peak trend"
    )
    assert set(agreed.split()) <= set(alert)
    assert alert["opened_at"] == "2026-11-23T13:00:00.000Z"
    assert alert["device_name"] == {"vi": "Trạm rain-1", "en": "Station rain-1"}
    assert alert["area_name"] == {"vi": "Phường Hòa Bình", "en": "Hoa Binh ward"}
    assert (alert["state"], alert["owner"], alert["version"]) == ("new", None, 2)


async def test_open_means_firing_or_new(world: World):
    await world.alert("al_firing")
    await world.alert("al_cleared", condition="cleared")
    await world.alert("al_done", condition="cleared")
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert_work SET state = 'resolved' WHERE alert = 'al_done'")
        await connection.execute("UPDATE alert_work SET state = 'acknowledged' WHERE alert = 'al_firing'")
    async with world.signed_in("op") as client:
        opened = (await client.get("/api/v1/alerts?open=true")).json()["items"]
        closed = (await client.get("/api/v1/alerts?open=false")).json()["items"]
    assert {item["id"] for item in opened} == {"al_firing", "al_cleared"}
    assert {item["id"] for item in closed} == {"al_done"}


async def test_csv_escapes_formulas_and_geojson_is_lon_lat(world: World):
    for number, text in enumerate(("=1+1", "+cmd", "-2", "@x", "\tt", "\rr", "plain", 'dấu, "phẩy"')):
        await world.event("rain-1", number, id=text, lat=20.8, lon=105.3)
    async with world.signed_in("op") as client:
        answer = await client.get("/api/v1/events", headers={"Accept": "text/csv"})
        assert answer.headers["content-disposition"] == 'attachment; filename="events.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [row["id"] for row in rows] == ['dấu, "phẩy"', "plain", "'\rr", "'\tt", "'@x", "'-2", "'+cmd", "'=1+1"]
        shapes = (await client.get("/api/v1/events", headers={"Accept": "application/geo+json"})).json()
        assert shapes["features"][0]["geometry"] == {"type": "Point", "coordinates": [105.3, 20.8]}
        page = await client.get("/api/v1/events?limit=2", headers={"Accept": "text/csv"})
        assert 'rel="next"' in page.headers["link"]


async def test_events_by_key_and_their_newest_revision(world: World):
    await world.event("rain-1", 1)
    await world.event("rain-1", 2, key=(1).to_bytes(16, "big"), revision=1, data={"rain_24h_mm": 99.0})
    async with world.signed_in("op") as client:
        found = (await client.get("/api/v1/events/" + (1).to_bytes(16, "big").hex())).json()
        assert (found["revision"], found["data"]) == (1, {"rain_24h_mm": 99.0})
        assert (await client.get("/api/v1/events/nonsense")).status_code == 404


async def test_series_by_step_raw_and_bounds(world: World):
    await world.device("rain-1")
    await world.device("rain-2")
    for device, total, top in (("rain-1", 30.0, 12.0), ("rain-2", 10.0, 9.0)):
        await world.insert("series", {
            "feed": "rainfall", "device": device, "field": "rain_24h_mm", "step": 300,
            "bucket": NOW - timedelta(minutes=10),
            "n": 2, "sum": total, "min": 1.0, "max": top, "first": 1.0, "first_at": NOW, "last": top, "last_at": NOW,
        })  # fmt: skip
    await world.event("rain-1", 1, when=NOW - timedelta(minutes=3), data={"rain_24h_mm": 7, "up": True})
    async with world.signed_in("op") as client:
        both = (await client.get("/api/v1/series?field=rain_24h_mm&feed=rainfall&step=5m")).json()
        assert both == {
            "step": "5m",
            "unit": "mm",
            "items": [{"t": "2026-11-23T12:50:00.000Z", "v": 10.0, "n": 4, "min": 1.0, "max": 12.0}],
        }
        one = (await client.get("/api/v1/series?field=rain_24h_mm&device=rain-1&aggregate=max")).json()["items"]
        assert one[0]["v"] == 12.0
        raw = (await client.get("/api/v1/series?field=rain_24h_mm&device=rain-1&step=raw")).json()["items"]
        assert raw == [{"t": "2026-11-23T12:57:00.000Z", "v": 7.0, "n": 1, "min": 7.0, "max": 7.0}]
        wide = await client.get("/api/v1/series?field=rain_24h_mm&device=rain-1&from=2026-01-01&to=2026-11-23")
        assert wide.status_code == 422
        assert "step=1h" in wide.json()["detail"]


async def test_the_line_of_a_first_morning_is_drawn_by_five_minutes(world: World):
    await world.device("rain-1")
    for number in range(3):
        start = NOW.replace(minute=NOW.minute // 5 * 5, second=0) - timedelta(minutes=5 * number)
        await world.insert("series", {
            "feed": "rainfall", "device": "rain-1", "field": "rain_24h_mm", "step": 300, "bucket": start,
            "n": 1, "sum": 10.0 - number, "min": 1.0, "max": 9.0, "first": 1.0, "first_at": NOW, "last": 1.0,
            "last_at": NOW,
        })  # fmt: skip
    async with world.signed_in("op") as client:
        tiles = {tile["id"]: tile for tile in (await client.get("/api/v1/domains")).json()["items"]}
    assert tiles["disaster"]["spark"] == [None] * 21 + [8.0, 9.0, 10.0]
    assert tiles["disaster"]["spark_step_seconds"] == 300


async def test_a_tile_says_normal_alert_or_no_data(world: World):
    await world.device("rain-1")
    await world.device("cam-1", feed="camera_detection")
    seen = {"events": 5, "effective": NOW, "position": 1}
    await world.insert("device_seen", {"device": "rain-1", "feed": "rainfall", "log_time": NOW, **seen})
    old = NOW - timedelta(minutes=21)
    await world.insert("device_seen", {"device": "cam-1", "feed": "camera_detection", "log_time": old, **seen})
    await world.insert("series", {
        "feed": "rainfall", "device": "rain-1", "field": "rain_24h_mm", "step": 3600,
        "bucket": NOW - timedelta(hours=1),
        "n": 2, "sum": 30.0, "min": 1.0, "max": 20.0, "first": 1.0, "first_at": NOW, "last": 1.0, "last_at": NOW,
    })  # fmt: skip
    async with world.signed_in("op") as client:
        tiles = {tile["id"]: tile for tile in (await client.get("/api/v1/domains")).json()["items"]}
        assert tiles["disaster"]["state"] == "normal"
        assert (tiles["disaster"]["devices"], tiles["disaster"]["online"]) == (1, 1)
        assert tiles["disaster"]["spark"] == [None] * 22 + [15.0, None]
        assert tiles["disaster"]["spark_step_seconds"] == 3600
        assert tiles["traffic"]["state"] == "no_data"
        assert tiles["traffic"]["no_data_since"] == "2026-11-23T12:39:00.000Z"
        assert (tiles["health"]["state"], tiles["health"]["no_data_since"]) == ("no_data", None)
        await world.alert(severity="critical")
        await asyncio.sleep(1.1)
        tiles = {tile["id"]: tile for tile in (await client.get("/api/v1/domains")).json()["items"]}
        assert (tiles["disaster"]["state"], tiles["disaster"]["open"]["critical"]) == ("critical", 1)


async def test_devices_are_registered_changed_and_their_keys_rotated(world: World):
    new = {"id": "rain-7", "feed": "rainfall", "name": {"vi": "Trạm 7"}, "area": OWN, "lat": 20.8, "lon": 105}
    async with world.signed_in("root") as client:
        made = await client.post("/api/v1/devices", json=new)
        assert made.status_code == 201, made.text
        assert (made.json()["zone"], made.json()["status"], made.json()["version"]) == ("hoa-binh", "never", 1)
        assert (await client.post("/api/v1/devices", json=new)).status_code == 409
        for owned in (
            {"version": 9},
            {"registered_at": "2026-01-01T00:00:00Z"},
            {"zone": "x"},
            {"status": "online"},
            {"feed": "y"},
        ):
            answer = await client.patch("/api/v1/devices/rain-7", json=owned, headers={"If-Match": '"1"'})
            assert answer.status_code == 422, owned
        moved = await client.patch(
            "/api/v1/devices/rain-7", json={"area": OTHER, "critical": True}, headers={"If-Match": '"1"'}
        )
        assert (moved.json()["zone"], moved.json()["version"]) == ("luong-son", 2)
        lost = await client.patch("/api/v1/devices/rain-7", json={"critical": False}, headers={"If-Match": '"1"'})
        assert (lost.status_code, lost.json()["current"]["version"]) == (412, 2)
        keys = [(await client.post("/api/v1/devices/rain-7/keys", json={})) for _ in range(3)]
        assert [answer.status_code for answer in keys] == [201, 201, 409]
        assert keys[0].json()["key"].startswith("ioc_device_")
        assert (await client.delete(f"/api/v1/devices/rain-7/keys/{keys[0].json()['id']}")).status_code == 204
        assert (await client.post("/api/v1/devices/rain-7/keys", json={})).status_code == 201
    async with world.database.connection() as connection:
        entries = await connection.fetch("SELECT subject, data FROM event WHERE kind = 'device' ORDER BY position")
        assert [(entry["subject"], entry["data"]["area"]) for entry in entries] == [("rain-7", OWN), ("rain-7", OTHER)]
        places = await connection.fetch("SELECT area FROM change WHERE kind = 'device' ORDER BY position")
        assert [row["area"] for row in places] == [OWN, *sorted([OWN, OTHER])], "the place that it left hears of it too"
        assert await connection.fetchval("SELECT version FROM registry_version") >= 6
        assert (await verify_chain(connection)).broken_at is None


async def test_metrics_and_openapi_are_not_public(world: World):
    await world.alert()
    async with world.client(key="metrics") as client:
        text = (await client.get("/metrics")).text
        assert text.startswith("# joined\n")
        assert 'ioc_alerts_open{area="04795",domain="disaster",severity="high"} 1.0' in text
        assert (await client.get("/api/v1/alerts")).status_code == 403
    async with world.signed_in("view") as client:
        assert "/api/v1/alerts/{alert}/acknowledge" in (await client.get("/api/v1/openapi.json")).json()["paths"]
        assert (await client.get("/metrics")).status_code == 403


async def test_ready_pings_what_was_built_and_says_weak_durability(database_dsn: str):
    async with open_world(database_dsn) as world, world.client() as client:
        answer = (await client.get("/readyz")).json()
        assert (answer["ready"], answer["checks"]) == (True, {"database": "ok"})
        assert (
            answer["durability"] == "degraded: fsync=off, synchronous_commit=off" or "fsync=off" in answer["durability"]
        )
        await world.database.close()
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/livez")).status_code == 200
        down = await client.get("/api/v1/alerts", headers={"Authorization": f"Bearer {world.keys['display']}"})
        assert (down.status_code, down.json()["code"]) == (503, "store_unavailable")
        assert down.headers["retry-after"] == "2"


async def test_the_audit_chain_finds_each_kind_of_tampering(database_dsn: str):
    database = Database(database_dsn, name="audit")
    await database.open()

    async def write(number: int) -> None:
        async with database.transaction() as connection:
            await append_audit(
                connection, AuditEntry("op", "alert.comment", f"al_{number}", detail={"text": "ừ", "n": 1.5}), NOW
            )

    try:
        await asyncio.gather(*(write(number) for number in range(40)))
        async with database.connection() as connection:
            whole = await verify_chain(connection)
            assert (whole.checked, whole.broken_at) == (40, None)
            anchor = (whole.last_id, whole.last_hash)
            tamperings = {
                "UPDATE audit SET actor = 'root' WHERE id = 7": 7,
                "UPDATE audit SET detail = '{}' WHERE id = 40": 40,
                "DELETE FROM audit WHERE id = 12": 13,
                "UPDATE audit SET object = 'al_x', hash = sha256('x') WHERE id = 20": 20,
                "UPDATE audit SET id = -id WHERE id = 5": -5,
                "DELETE FROM audit WHERE id > 38": 39,
            }
            for statement, broken_at in tamperings.items():
                transaction = connection.transaction()
                await transaction.start()
                await connection.execute("SET LOCAL session_replication_role = replica")
                await connection.execute(statement)
                verdict = await verify_chain(connection, dict([anchor]))
                assert verdict.broken_at is not None, statement
                if broken_at > 0:
                    assert verdict.broken_at == broken_at, statement
                if "id > 38" in statement:
                    assert (await verify_chain(connection)).broken_at is None, "without an anchor a cut is not seen"
                await transaction.rollback()
    finally:
        await database.close()


async def test_a_device_is_put_where_the_site_is_or_nowhere(world: World):
    """One swapped point took the whole map away: it is refused when made and when changed, with what to do."""
    await world.device("rain-1")
    body = {"id": "rain-2", "feed": "rainfall", "name": {"vi": "x"}, "area": "04795"}
    async with world.signed_in("root") as client:
        for place in ({"lat": 105.34, "lon": 20.82}, {"lat": 0, "lon": 0}, {"lat": 20.82, "lon": -105.34}):
            made = await client.post("/api/v1/devices", json={**body, **place})
            moved = await client.patch("/api/v1/devices/rain-1", json=place, headers={"If-Match": '"1"'})
            for answer in (made, moved):
                assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "lat"), answer.text
        assert "did you swap lat and lon?" in (
            await client.post("/api/v1/devices", json={**body, "lat": 105.34, "lon": 20.82})
        ).json()["detail"]  # fmt: skip
        assert (await client.post("/api/v1/devices", json={**body, "lat": 20.82, "lon": 105.34})).status_code == 201
        assert (await client.get("/api/v1/status")).json()["bbox"] == [104.7, 20.2, 106.0, 21.85]
