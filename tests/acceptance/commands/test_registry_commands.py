"""Devices by the table, keys that overlap and gateways, from the command line of a running instance."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx2

from tests.acceptance.instance import Device, Instance, items, wait_until


def test_a_table_of_devices_is_taken_whole_or_not_at_all(
    instance: Instance, operator: httpx2.Client, tmp_path: Path
) -> None:
    """Errors by line and nothing written; then new devices with their keys in a file; then a change of one."""
    table, keys = tmp_path / "devices.csv", tmp_path / "keys.json"
    table.write_text(
        "id,feed,name_vi,area,lat,lon\nimp-1,rainfall,Trạm nhập,04795,20.82,105.34\nimp-2,rainfall,,99999,,\n"
    )
    refused = instance.cli("device", "import", str(table), "--keys", str(keys))
    assert refused.returncode == 1, refused.stderr
    assert "devices.csv:3: area: no unit of today has the code 99999" in refused.stdout
    assert "nothing was written" in refused.stdout
    assert not keys.exists()
    assert operator.get("/api/v1/devices/imp-1").status_code == 404

    table.write_text(table.read_text().replace("99999", "04924"))
    dry = instance.made("device", "import", str(table), "--dry-run")
    assert ([one["id"] for one in dry["created"]], dry["dry_run"]) == (["imp-1", "imp-2"], True)
    assert operator.get("/api/v1/devices/imp-1").status_code == 404
    taken = instance.cli("device", "import", str(table), "--keys", str(keys))
    assert (taken.returncode, taken.stdout) == (0, "devices.csv: 2 new, 0 changed, 0 as they were\n"), taken.stderr
    secrets = json.loads(keys.read_text())
    assert Device(instance, "rainfall", "imp-1", secrets["imp-1"]).publish({"rain_1h_mm": 1}).returncode == 0
    found = operator.get("/api/v1/devices/imp-2").json()
    assert (found["area"], found["zone"], found["name"]["vi"]) == ("04924", "luong-son", "imp-2")

    table.write_text("id,name_vi\nimp-1,Trạm nhập\nimp-2,Trạm hai\n")
    again = instance.made("device", "import", str(table))
    assert again == {
        "created": [], "changed": [{"id": "imp-2", "fields": ["name_vi"]}], "unchanged": 1, "dry_run": False,
    }  # fmt: skip
    assert operator.get("/api/v1/devices/imp-2").json()["name"] == {"vi": "Trạm hai", "en": "imp-2"}


def test_a_key_is_rotated_without_a_moment_in_which_neither_works(instance: Instance) -> None:
    """Both publish until the old one's time; a third is refused; at once ends at once."""
    old = instance.device("rot-1", "rainfall", "04795")
    made = instance.made("device", "rotate-key", "rot-1", "--old-until", "2h")
    new = Device(instance, "rainfall", "rot-1", made["key"])
    for number, device in enumerate((old, new)):
        assert device.publish({"id": f"rot-{number}", "rain_1h_mm": 1}).returncode == 0
    third = instance.cli("device", "rotate-key", "rot-1")
    assert third.returncode == 1
    assert "two live keys" in third.stderr
    with instance.signed_in(instance.username, instance.password) as admin:
        live = {key["id"]: key["expires_at"] for key in items(admin, "/api/v1/devices/rot-1/keys")}
        assert live[made["old_key"]] == made["old_until"]
        assert admin.delete(f"/api/v1/devices/rot-1/keys/{made['old_key']}").status_code == 204
    last = Device(
        instance, "rainfall", "rot-1", instance.made("device", "rotate-key", "rot-1", "--old-until", "0m")["key"]
    )
    assert last.publish({"id": "rot-9", "rain_1h_mm": 1}).returncode == 0
    assert wait_until(lambda: new.publish({"id": "rot-8", "rain_1h_mm": 1}).returncode, what="the old key's end")


def test_a_gateway_speaks_for_the_devices_that_it_was_given(instance: Instance, operator: httpx2.Client) -> None:
    """It publishes for them as long as they are its own."""
    gate, _ = instance.device("gw-1", "rainfall", "04795"), instance.device("gw-rain", "rainfall", "04795")
    made = instance.made("device", "gateway", "gw-1", "--add", "gw-rain")
    assert made == {"gateway": "gw-1", "is_gateway": True, "speaks_for": ["gw-rain"]}

    def heard(number: int) -> bool:
        gate.publish({"id": f"gw-{number}", "rain_1h_mm": number}, "-t", "ioc/v1/rainfall/gw-rain")
        return any(event["id"] == f"gw-{number}" for event in items(operator, "/api/v1/events", device="gw-rain"))

    wait_until(lambda: heard(1), what="a reading of a device behind its gateway")  # the registry is 2 s old at most
    listening = subprocess.Popen(
        ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(instance.mqtt_port), "-i", gate.id, "-u", gate.id,
         "-P", gate.key,
         "-t", "ioc/v1/commands/gw-1/#", "-q", "1", "-C", "1", "-W", "30", "-F", "%t %p"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def told() -> bool:
        body = {"topic_suffix": "valve", "payload": "40"}
        return operator.post("/api/v1/devices/gw-rain/messages", json=body).status_code == 202

    try:
        wait_until(told, what="the gateway's session")
        assert listening.communicate(timeout=30)[0] == "ioc/v1/commands/gw-1/devices/gw-rain/valve 40\n"
    finally:
        listening.kill()
    assert instance.made("device", "gateway", "gw-1", "--remove", "gw-rain")["speaks_for"] == []
    assert instance.made("device", "gateway", "gw-1", "--off")["is_gateway"] is False
    assert instance.cli("device", "gateway", "gw-1", "--add", "nobody").returncode == 2


def test_a_layer_takes_the_place_of_the_pack_s_or_stands_beside_it(
    instance: Instance, operator: httpx2.Client, tmp_path: Path
) -> None:
    """What cannot be drawn is left out with its reason; a file of nothing exits with 1, no GeoJSON with 2."""
    line = {"type": "LineString", "coordinates": [[105.3, 20.8], [105.4, 20.9]]}
    features = [
        {"type": "Feature", "properties": {"name": "Sông Đà", "owner": "x"}, "geometry": line},
        {"type": "Feature", "properties": None, "geometry": {**line, "coordinates": [[430_000, 2e6], [0, 0]]}},
        {"type": "Feature", "properties": {}, "geometry": None},
        {"type": "Feature", "properties": {}, "geometry": {**line, "coordinates": [[20.8, 105.3], [20.9, 105.4]]}},
        7,
    ]  # fmt: skip
    file = tmp_path / "own.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    done = instance.cli("layer", "import", str(file), "--layer", "song-da", "--kind", "water")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "imported: 1 features as song-da"
    assert [line.startswith("left out: feature ") for line in lines[1:]] == [True] * 4
    assert "did you swap" in done.stdout
    assert instance.cli("layer", "import", str(file), "--layer", "duong-moi", "--label", "Đường mới").returncode == 0
    layers = {layer["id"]: layer for layer in items(operator, "/api/v1/layers")}
    assert layers["song-da"] == {
        "id": "song-da", "label": {"vi": "Sông Đà", "en": "Đà river"}, "source": "import", "kind": "water",
    }  # fmt: skip
    assert (layers["duong-moi"]["label"]["en"], layers["duong-moi"]["kind"]) == ("Đường mới", "road")
    drawn = operator.get("/api/v1/layers/song-da").json()["features"]
    assert [(one["properties"], one["geometry"]) for one in drawn] == [({"name": "Sông Đà"}, line)]
    for content, code in (("{}", 2), ("no", 2), ('{"type": "FeatureCollection", "features": []}', 1)):
        file.write_text(content)
        refused = instance.cli("layer", "import", str(file), "--layer", "duong-moi")
        assert (refused.returncode, "Traceback" in refused.stderr) == (code, False), content
    assert instance.cli("layer", "import", str(file), "--layer", "Sông").returncode == 2
