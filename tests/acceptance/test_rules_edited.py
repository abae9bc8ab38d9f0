"""A site edits a rule of its pack on a live instance: it counts at once, can be taken back, and outlives a new pack."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import pytest

from tests.acceptance.conftest import for_good
from tests.acceptance.instance import ROOT, Device, Instance, Stream, items, new_data_folder, wait_until

RULE = "/api/v1/rules/rain.24h"
WHY = "Đất đã bão hòa nước sau ba ngày mưa"
PACKS_FORM = "rain_24h_mm > 100.0"
SITES_FORM = "rain_24h_mm > 50.0"


@pytest.fixture(scope="module")
def site() -> Iterator[Instance]:
    """An instance on a copy of the shipped pack, which the last test changes."""
    folder = new_data_folder()
    pack = folder / "pack"
    shutil.copytree(ROOT / "ioc" / "packs" / "hoabinh", pack)
    started = Instance(folder, IOC_PACK=str(pack))
    try:
        started.start()
        yield started
        assert started.stop() == 0, started.output()
    finally:
        for_good(started)


@pytest.fixture
def admin(site: Instance) -> Iterator[httpx2.Client]:
    with site.signed_in(site.username, site.password) as client:
        yield client


@pytest.fixture(scope="module")
def gauges(site: Instance) -> list[Device]:
    return [site.device(f"edit-{number}", "rainfall", "04795") for number in range(4)]


def rule_of(client: httpx2.Client) -> dict[str, Any]:
    answer = client.get(RULE)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def change(client: httpx2.Client, method: str, path: str = "", **body: Any) -> dict[str, Any]:
    """Change the rule as it stands now."""
    seen = rule_of(client)["version"]
    answer = client.request(method, RULE + path, json={"why": WHY, **body}, headers={"If-Match": f'"{seen}"'})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def alerts_of(client: httpx2.Client, device: Device) -> list[dict[str, Any]]:
    return items(client, "/api/v1/alerts", device=device.id, rule="rain.24h")


def folded(client: httpx2.Client, device: Device, value: float) -> None:
    """Wait until a reading is behind the engine: a second one above every limit has made its alert."""
    assert device.publish({"rain_24h_mm": value}).returncode == 0
    wait_until(lambda: alerts_of(client, device), what="the alert of the reading behind")


def test_an_edited_limit_counts_within_a_second(admin: httpx2.Client, gauges: list[Device]) -> None:
    """60 mm said nothing to anybody. With the site's limit of 50 mm the gauge that stands there is an alert of version
    2 as soon as the edit is saved, and so is each gauge that says 60 mm from then on.
    """
    first, *others, witness = gauges
    assert first.publish({"id": "before", "rain_24h_mm": 60.0}).returncode == 0
    folded(admin, witness, 150.0)
    assert alerts_of(admin, first) == [], "the engine is past the reading, and the pack's form said nothing"
    text = rule_of(admin)["yaml"]
    assert PACKS_FORM in text
    before = admin.get("/api/v1/alerts", params={"limit": 1}).json()["position"]
    with Stream(admin, after=before) as stream:

        def told(device: str, since: float) -> float:
            """Return how long the alert of a device took to the stream."""

            def ask() -> float | None:
                return next((event.at for event in stream.of("alert") if event.data["device"] == device), None)

            return wait_until(ask, what=f"the alert of {device} on the stream") - since

        found = change(admin, "PUT", yaml=text.replace(PACKS_FORM, SITES_FORM).replace("< 90.0", "< 40.0"))
        seconds = [told(first.id, time.time())]
        for gauge in others:
            assert gauge.publish({"id": "after", "rain_24h_mm": 60.0}).returncode == 0
            seconds.append(told(gauge.id, time.time()))
    assert median(seconds) < 1.0, seconds
    assert (found["origin"], found["version"], found["changed"]["why"]) == ("overlay", 2, WHY)
    for gauge in (first, *others):
        (alert,) = alerts_of(admin, gauge)
        assert (alert["rule_version"], alert["condition"]) == (2, "firing")
        evidence = admin.get(f"/api/v1/alerts/{alert['id']}/evidence").json()
        assert (evidence["clause"], evidence["rule"]["hash"]) == (SITES_FORM, found["hash"])


def test_switching_the_rule_off_ends_its_alerts_and_says_why(admin: httpx2.Client, gauges: list[Device]) -> None:
    (alert,) = alerts_of(admin, gauges[0])
    assert change(admin, "POST", "/disable")["health"]["state"] == "off"
    wait_until(lambda: alerts_of(admin, gauges[0])[0]["condition"] == "cleared", what="the end of the alert")
    history = admin.get(f"/api/v1/alerts/{alert['id']}/history").json()["items"]
    assert [line["kind"] for line in history] == ["opened", "cleared"]
    assert history[-1]["reason"] == "rule_removed"


def test_in_monitor_mode_the_rule_is_counted_and_raises_nothing(admin: httpx2.Client, gauges: list[Device]) -> None:
    change(admin, "POST", "/enable")
    watched = change(admin, "POST", "/monitor")
    assert watched["mode"] == "monitor"
    count = len(alerts_of(admin, gauges[1]))
    assert gauges[1].publish({"id": "watched", "rain_24h_mm": 77.0}).returncode == 0

    def seen() -> list[dict[str, Any]]:
        return items(admin, f"{RULE}/monitored")

    (move,) = wait_until(seen, what="what the rule would have raised")
    assert (move["device"], move["kind"], move["values"]["rain_24h_mm"]) == (gauges[1].id, "opened", 77.0)
    assert move["version"] == watched["version"]
    wait_until(lambda: rule_of(admin)["health"]["monitored"] == 1, what="the count of the engine")
    assert len(alerts_of(admin, gauges[1])) == count


def test_a_second_editor_is_told_how_the_rule_is_now(admin: httpx2.Client) -> None:
    lost = admin.put(RULE, json={"why": WHY, "yaml": rule_of(admin)["yaml"]}, headers={"If-Match": '"1"'})
    assert lost.status_code == 412
    assert lost.json()["current"]["version"] == rule_of(admin)["version"]
    assert [line["action"] for line in items(admin, f"{RULE}/history")] == [
        "monitor",
        "enable",
        "disable",
        "edit",
        "pack",
    ]


def test_a_new_pack_at_the_next_start_leaves_the_sites_form_in_force(site: Instance, gauges: list[Device]) -> None:
    """The pack now says 120 mm, and changes another rule: that one comes, the site's stays until it is reset."""
    assert site.stop() == 0, site.output()
    rules = site.data / "pack" / "rules"
    replace_in(rules / "rain.24h.yaml", PACKS_FORM, "rain_24h_mm > 120.0")
    replace_in(rules / "reservoir.gates.yaml", "\nlevels:", "\nrefire: 7m\nlevels:")
    site.start()
    with site.signed_in(site.username, site.password) as admin:
        found = rule_of(admin)
        assert (found["origin"], found["mode"], SITES_FORM in found["yaml"]) == ("overlay", "monitor", True)
        assert found["pack"]["moved"]
        assert "rain_24h_mm > 120.0" in found["pack"]["yaml"]
        other = admin.get("/api/v1/rules/reservoir.gates").json()
        assert (other["origin"], other["version"], "refire: 7m" in other["yaml"]) == ("pack", 2, True)
        reset = change(admin, "POST", "/reset")
        assert (reset["origin"], reset["mode"], reset["pack"]["moved"]) == ("pack", "alert", False)
        assert gauges[2].publish({"id": "now", "rain_24h_mm": 125.0}).returncode == 0
        newest = wait_until(
            lambda: [alert for alert in alerts_of(admin, gauges[2]) if alert["condition"] == "firing"],
            what="the alert by the pack's new form",
        )[0]
        assert newest["rule_version"] == reset["version"]


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, path
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
