"""A picture of a person is removed from a running instance: from its answers and from the rows of its database."""

from __future__ import annotations

import httpx2

from tests.acceptance.instance import Instance
from tests.pictures import telephone_jpeg


def test_a_removed_picture_is_gone_for_everybody_and_the_trail_says_who_and_why(
    instance: Instance, operator: httpx2.Client
) -> None:
    sent = operator.post("/api/v1/media", content=telephone_jpeg(), headers={"Content-Type": "image/jpeg"})
    assert sent.status_code == 201, sent.text
    medium, path = sent.json()["id"], f"/api/v1/media/{sent.json()['id']}"
    assert operator.get(path).status_code == 200

    done = instance.cli("media", "remove", medium, "--reason", "theo đơn")
    assert (done.returncode, done.stdout) == (0, f"{medium}: removed\n"), done.stderr
    assert operator.get(path).status_code == 404
    again = instance.cli("media", "remove", medium, "--reason", "theo đơn")
    assert (again.returncode, "removed already" in again.stderr) == (1, True)
    nothing = instance.cli("media", "remove", "none", "--reason", "theo đơn")
    assert (nothing.returncode, "no medium" in nothing.stderr) == (1, True)

    trail = operator.get("/api/v1/audit", params={"limit": 50}).json()["items"]
    [row] = [one for one in trail if one["action"] == "media.remove"]
    assert (row["actor"], row["object"], row["detail"]["reason"]) == ("command line", medium, "theo đơn")
