"""A person is erased from a running instance: from its answers, its tables and the files beside its database."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2

from tests.acceptance.instance import Instance, wait_until

CANARY = "0987 601 234"


def test_an_erased_telephone_number_is_in_no_answer_and_in_no_file_of_the_instance(
    instance: Instance, operator: httpx2.Client
) -> None:
    key = instance.key("feed", feed="citizen_report")
    report = {"device": "app-xoa", "id": "erase-1", "time": datetime.now(UTC).isoformat(), "text": "mất nước",
              "contact": CANARY}  # fmt: skip
    with instance.client(key=key) as door:
        assert door.post("/api/v1/feeds/citizen_report/events", json=report).json()["accepted"] == 1
        refused = door.post("/api/v1/feeds/citizen_report/events", json={**report, "id": "erase-2", "text": 7})
        assert refused.json()["accepted"] == 0
    [event] = [
        one
        for one in operator.get("/api/v1/events", params={"device": "app-xoa"}).json()["items"]
        if one["device"] == "app-xoa"
    ]
    path = f"/api/v1/events/{event['key']}/unmask"
    assert operator.post(path, json={"reason": "gọi lại hỏi vị trí"}).json()["fields"] == {"contact": CANARY}

    done = instance.cli("person", "erase", CANARY, "--reason", "theo đơn")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "person_data.value: 1 erased\n", "the refused one was kept without it from the beginning"
    again = instance.cli("person", "erase", CANARY, "--reason", "theo đơn")
    assert (again.returncode, again.stdout) == (0, "found nowhere\n")
    short = instance.cli("person", "erase", "0987", "--reason", "theo đơn")
    assert (short.returncode, "6 to 200 characters" in short.stderr) == (2, True)

    answer = operator.post(path, json={"reason": "gọi lại hỏi vị trí"}).json()
    assert (answer["fields"], answer["erased"]) == ({}, ["contact"])
    for place in ("events", "latest", "audit", "dead-letters", "manual"):
        assert CANARY not in operator.get(f"/api/v1/{place}").text, place
    beside = [file for file in instance.data.rglob("*") if file.is_file() and "postgres" not in file.parts]
    assert beside
    assert [file for file in beside if CANARY.encode() in file.read_bytes()] == []
    wait_until(lambda: operator.get("/readyz").status_code == 200, what="that it goes on")
