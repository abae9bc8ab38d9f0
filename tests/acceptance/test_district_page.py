"""docs/district.md: its commands, as they stand on the page, against a running instance with a district's key."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.instance import ROOT, Instance, items

PAGE = ROOT / "docs" / "district.md"


@pytest.fixture(scope="module")
def day(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which all commands of the page were run, one after the other, with what they printed."""
    folder = tmp_path_factory.mktemp("district")
    (folder / "key").write_text(instance.made("key", "issue", "--kind", "district", "--area", "luong-son")["key"])
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 9
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)], cwd=folder, capture_output=True, text=True, timeout=90,
        check=False, env={**os.environ, "IOC": instance.url, "KEY_FILE": "key"},
    )  # fmt: skip
    (folder / "printed").write_text(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return folder


def answer(folder: Path, name: str) -> dict[str, object]:
    """Return what a command of the page has kept."""
    return dict(json.loads((folder / name).read_text()))


def test_what_the_page_sends_is_taken_and_refused_as_it_says(day: Path, operator: httpx2.Client) -> None:
    """The readings are in the log under their devices; a device of another feed is told by its index."""
    one = {"accepted": 1, "duplicate": 0, "rejected": []}
    assert answer(day, "sent.json") == one
    assert answer(day, "cloud.json") == one
    many = answer(day, "many.json")
    assert (many["accepted"], [item["reason"] for item in many["rejected"]]) == (1, ["wrong_feed"])  # type: ignore[attr-defined]
    ids = {event["id"] for event in items(operator, "/api/v1/events", feed="rainfall", device="rain-luong-son")}
    assert {name.split("-")[0] for name in ids} == {"ls"}
    assert len(ids) == 2


def test_what_the_page_reads_is_the_district_s_and_it_sees_its_alert(day: Path) -> None:
    """Its devices and nobody else's; the rain that it sent has raised an alert, which it follows and can explain."""
    printed = (day / "printed").read_text()
    assert "rain-luong-son\trainfall\t" in printed
    assert "rain-hoa-binh" not in printed
    assert '"clause": "rain_24h_mm > 100.0"' in printed
    assert re.search(r"^al_\S+\tfalse\thigh\tfiring\tnew$", printed, re.MULTILINE)
    assert (day / "events.csv").read_text(encoding="utf-8-sig").startswith("key,")


def test_a_district_key_sends_nothing_for_another_area_and_without_an_area_nothing_at_all(instance: Instance) -> None:
    """A foreign device is as unknown as any; a place outside is refused; a display and a metrics key send nothing."""
    own = instance.key("district", area="luong-son")
    with instance.client(key=own) as district:
        for feed, device in (("rainfall", "rain-hoa-binh"), ("reservoir", "res-hoa-binh"), ("rainfall", "no-such")):
            sent = district.post(f"/api/v1/feeds/{feed}/events?device={device}", json={"id": "d-1"})
            assert sent.status_code == 202, sent.text
            assert [item["reason"] for item in sent.json()["rejected"]] == ["unknown_device"]
        sent = district.post(
            "/api/v1/feeds/rainfall/events?history=true&device=rain-luong-son", json={"rain_1h_mm": 1, "id": "d-2"}
        )
        assert sent.status_code == 403
    for kind in ("district", "metrics", "display"):
        with instance.client(key=instance.key(kind)) as other:
            sent = other.post(
                "/api/v1/feeds/rainfall/events?device=rain-luong-son", json={"rain_1h_mm": 1, "id": "d-3"}
            )
            assert sent.status_code == 403, kind
