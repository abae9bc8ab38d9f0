"""An unknown device of a running instance: it sends over HTTP with a feed key, is adopted, and raises its alert."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.acceptance.instance import Instance, wait_until

PATH = "/api/v1/feeds/rainfall/events"
LAT, LON = 20.8133, 105.3383


def reading(number: int, device: str, value: float) -> dict[str, Any]:
    """Return one of five readings of the last minutes, with its place and the device's own name."""
    time = (datetime.now(UTC) - timedelta(minutes=5 - number)).isoformat()
    return {"id": f"u{number}", "time": time, "device": device, "lat": LAT, "lon": LON, "rain_24h_mm": value}


def of_device(client: httpx2.Client, device: str) -> dict[str, Any] | None:
    """Return what the list of unknown devices says of one."""
    page = client.get("/api/v1/devices/unknown").json()
    return next((one for one in page["items"] if one["device"] == device), None)


def test_a_device_is_adopted_from_what_it_sent_raises_its_alert_and_is_taken_back(
    instance: Instance, operator: httpx2.Client
) -> None:
    """What was refused at the door is stored once, whoever sends it again; undo leaves nothing of it."""
    device, sent = "gauge-nobody-knows", [reading(n, "gauge-nobody-knows", 100.0 + 20.0 * n) for n in range(5)]
    with instance.client(key=instance.key("feed", feed="rainfall")) as door:
        answer = door.post(PATH, content=json.dumps(sent), headers={"content-type": "application/json"}).json()
        assert [one["reason"] for one in answer["rejected"]] == ["unknown_device"] * 5
        found = of_device(operator, device)
        assert found is not None
        assert (found["feed"], found["letters"], len(found["samples"])) == ("rainfall", 5, 3)
        assert json.loads(found["samples"][0]["raw_text"])["rain_24h_mm"] == 180.0
        place = found["place"]
        assert (place["lat"], place["lon"], place["area"]) == (LAT, LON, "04795")
        taken = operator.post(f"/api/v1/devices/unknown/{device}/adopt", json={"lat": LAT, "lon": LON})
        assert taken.status_code == 201, taken.text
        told = taken.json()
        assert (told["device"]["id"], told["device"]["name"]["vi"], told["device"]["area"]) == (device, device, "04795")
        assert (told["release"]["released"], told["release"]["done"], told["release"]["adopted"]) == (5, True, True)
        again = door.post(PATH, content=json.dumps(sent), headers={"content-type": "application/json"}).json()
        assert (again["accepted"], again["duplicate"]) == (0, 5), "its readings are stored once"
    assert of_device(operator, device) is None
    events = operator.get("/api/v1/events", params={"device": device}).json()["items"]
    assert len(events) == 5
    assert not any("unknown_field" in one["flags"] for one in events), "the device's name is no field of the feed"

    def alerts() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = operator.get("/api/v1/alerts", params={"device": device}).json()["items"]
        return found

    wait_until(alerts, seconds=20, what="the alert of what was let in")
    back = operator.post(f"/api/v1/dead-letters/releases/{told['release']['id']}/undo", json={"why": "nhầm trạm"})
    assert back.status_code == 200, back.text
    assert (back.json()["undone"], back.json()["device_removed"]) == (5, True)
    assert operator.get(f"/api/v1/devices/{device}").status_code == 404
    wait_until(lambda: all(one["condition"] == "cleared" for one in alerts()), seconds=20, what="the end of its alert")
    found = of_device(operator, device)
    assert found is not None, "it is unknown again"
    assert found["letters"] == 5
