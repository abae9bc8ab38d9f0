"""Records a database as a release leaves it: a real run with devices and people, dumped after its end.

Run it in a checkout of that release, so that everything but this file is the release's own:

    cd ../ioc-0.1.0 && PYTHONPATH=. IOC_PG_BIN=/usr/lib/postgresql/15/bin python ../ioc/tests/migrations/record.py \
        ../ioc/tests/migrations/releases/0.1.0

test_upgrade.py starts this version on it. It writes NAME.sql.xz, and NAME.json: what that release's own API told of
alerts and readings, and the accounts and keys that must go on working. The oldest PostgreSQL that is supported makes
the dump, so that any other can load it.
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from ioc.store.embedded.server import EmbeddedPostgres
from tests.acceptance.instance import Instance, items, new_data_folder, wait_until

PASSWORD = "vien-gach-mau-xanh-17"
SECONDS = 12


def now_text(**ago: float) -> str:
    """Return the present moment, or one before it, as a device writes it."""
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


class Day:
    """What devices and people do in the recorded run."""

    def __init__(self, instance: Instance, person: httpx2.Client) -> None:
        self._instance = instance
        self._person = person
        self.keys: dict[str, str] = {}

    def _done(self, answer: httpx2.Response) -> Any:
        assert answer.status_code < 300, answer.text
        said = answer.json() if answer.content else {}
        assert not said.get("rejected"), said
        return said

    def send(self, feed: str, device: str, **fields: object) -> None:
        """Post one reading of a device of the pack."""
        if device not in self.keys:
            issued = self._person.post(f"/api/v1/devices/{device}/keys", json={})
            self.keys[device] = self._done(issued)["key"]
        with self._instance.client(key=self.keys[device]) as client:
            body = {"time": now_text(), **fields}
            self._done(client.post(f"/api/v1/feeds/{feed}/events", params={"device": device}, json=body))

    def report(self, number: str, time_text: str, **fields: object) -> None:
        """Post what somebody reported, as the city's app does."""
        if "app" not in self.keys:
            body = {"kind": "feed", "name": "app", "feed": "citizen_report"}
            self.keys["app"] = self._done(self._person.post("/api/v1/keys", json=body))["key"]
        with self._instance.client(key=self.keys["app"]) as client:
            place = {"category": "other", "lat": 20.83, "lon": 105.34}
            report = {"id": number, "device": "app", "time": time_text, **place, **fields}
            self._done(client.post("/api/v1/feeds/citizen_report/events", json=report))

    def alert(self, rule: str) -> dict[str, Any]:
        """Return the newest alert of a rule, once there is one."""
        found = wait_until(lambda: items(self._person, "/api/v1/alerts", rule=rule), what=f"an alert of {rule}")
        return max(found, key=lambda alert: str(alert["opened_at"]))

    def act(self, rule: str, action: str, text: str) -> None:
        """Do what a person does with an alert; where its condition was first, look again."""
        status = 412
        while status == 412:
            alert = self.alert(rule)
            answer = self._person.post(
                f"/api/v1/alerts/{alert['id']}/{action}",
                json={"text": text},
                headers={"If-Match": f'"{alert["version"]}"'},
            )
            status = answer.status_code
        self._done(answer)

    def readings(self) -> None:
        """Rain, a rising river, gates, a power cut, reports: some alerts that stay open, some that end."""
        for rain in (20.0, 104.5, 131.0, 212.0):
            self.send("rainfall", "rain-thinh-lang", rain_24h_mm=rain, rain_mm=rain / 10)
            self.send("river_level", "river-hoa-binh", level_cm=2000 + rain)
        for gates in (0, 1, 4):
            self.send("reservoir", "res-hoa-binh", gates_open=gates, level_m=117.2, outflow_m3s=2400.0 * gates)
        self.report("1", now_text(), urgency="urgent", text="Nước ngập đến nửa bánh xe")
        with self._instance.client(key=self.keys["rain-thinh-lang"]) as client:
            refused = client.post("/api/v1/feeds/rainfall/events", content='{"rain_24h_mm": 18',
                                  headers={"Content-Type": "application/json"})  # fmt: skip
            assert refused.status_code in {200, 202, 400, 422}, refused.text

    def people(self) -> None:
        """Work on alerts, rules and messages to devices."""
        self.act("rain.24h", "acknowledge", "đã gọi trưởng khu phố")
        self.act("rain.24h", "comment", "nước lên tới bậc thềm")
        self.act("reservoir.gates", "acknowledge", "")
        self.act("report.urgent", "acknowledge", "đã cử đội")
        moment = now_text()
        self.report("2", moment, urgency="urgent", text="Cây đổ chắn đường")
        wait_until(lambda: len(items(self._person, "/api/v1/alerts", rule="report.urgent")) > 1)
        self.report("2", moment, urgency="normal", text="Cây đổ sát lề, xe vẫn qua được")
        by_person = self.alert("report.urgent").get("ends") == "person"  # since 0.2.0 only people end it
        wait_until(lambda: by_person or self.alert("report.urgent")["condition"] == "cleared")
        self.act("report.urgent", "resolve", "đã dọn")
        for rule, action in (("noise.night", "disable"), ("traffic.queue", "monitor")):
            version = self._person.get(f"/api/v1/rules/{rule}").json()["version"]
            self._done(self._person.post(f"/api/v1/rules/{rule}/{action}", json={"why": "thử tại hiện trường"},
                                         headers={"If-Match": f'"{version}"'}))  # fmt: skip
        rule = self._person.get("/api/v1/rules/rain.1h").json()
        text = rule["yaml"].replace("Mưa", "Trận mưa", 1)
        self._done(self._person.put("/api/v1/rules/rain.1h", json={"yaml": text, "why": "từ của trạm"},
                                    headers={"If-Match": f'"{rule["version"]}"'}))  # fmt: skip


def told(person: httpx2.Client) -> dict[str, Any]:
    """Return what the API tells of alerts with their history, of readings and of the site's own rules."""
    return {
        "alerts": [told_of(person, alert) for alert in items(person, "/api/v1/alerts", limit=200)],
        "events": [
            {name: event[name] for name in ("position", "key", "device", "time", "data")}
            for event in items(person, "/api/v1/events", limit=500)
        ],
        "rules": [
            {name: rule[name] for name in ("id", "origin", "enabled", "mode", "yaml")}
            for rule in items(person, "/api/v1/rules")
            if rule["origin"] != "pack"
        ],
        "dead_letters": [letter["raw_text"] for letter in items(person, "/api/v1/dead-letters")],
    }


def told_of(person: httpx2.Client, alert: dict[str, Any]) -> dict[str, Any]:
    """Return what stays true of an alert, whatever comes after."""
    names = ("id", "number", "rule", "peak_severity", "opened_at", "acknowledged_by", "resolved_by", "condition")
    found = person.get(f"/api/v1/alerts/{alert['id']}/history").json()
    history = found["items"] if isinstance(found, dict) else found  # since 0.2.0 it comes in pages
    return {name: alert[name] for name in names} | {"history": history}


def dump(folder: Path) -> str:
    """Return the whole database of a stopped instance as SQL that any supported PostgreSQL takes."""
    programs = Path(os.environ["IOC_PG_BIN"])
    server = EmbeddedPostgres(folder, programs)
    server.start()
    try:
        options = ["--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=100"]
        done = subprocess.run(
            [programs / "pg_dump", *options, server.dsn], capture_output=True, text=True, check=True
        )  # fmt: skip
    finally:
        server.stop()
    return "\n".join(kept_lines(done.stdout)) + "\n"


def kept_lines(text: str) -> Iterator[str]:
    """Yield the lines that are SQL: no comments of pg_dump's, no command of psql's."""
    for line in text.splitlines():
        if line and not line.startswith(("--", "\\")):
            yield line


def record(out: Path) -> None:
    """Run the release, play the day, dump what it leaves."""
    folder = new_data_folder()
    try:
        instance = Instance(folder, IOC_PG_BIN=os.environ["IOC_PG_BIN"])
        instance.start()
        with instance.signed_in(instance.username, instance.password) as person:
            day = Day(instance, person)
            changed = person.put("/api/v1/session/password", json={"current": instance.password, "new": PASSWORD})
            assert changed.status_code == 204, changed.text
            day.readings()
            day.people()
            time.sleep(SECONDS)  # ticks, roll-ups, a snapshot
            facts = told(person)
        assert instance.stop() == 0, instance.output()
        out.with_suffix(out.suffix + ".sql.xz").write_bytes(lzma.compress(dump(folder).encode(), preset=9))
        facts |= {"username": instance.username, "password": PASSWORD, "keys": day.keys}
        text = json.dumps(facts, ensure_ascii=False, indent=1)
        out.with_suffix(out.suffix + ".json").write_text(text + "\n", encoding="utf-8")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    record(Path(sys.argv[1]))
