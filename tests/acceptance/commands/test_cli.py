"""The command line: exit codes 0, 1, 2 and 3, output for people and for machines, errors in one line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ioc import __version__
from ioc.domain.people.account import KeyKind, parse_key
from ioc.settings import Settings
from tests.acceptance.instance import ROOT, Instance, run_cli


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Expect one clear line on stderr and the exit code; never a traceback."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert done.stdout == ""


def test_version_is_the_packages_own() -> None:
    """`ioc version` and `ioc --version` work without any instance."""
    for words in ("version", "--version"):
        done = run_cli(words)
        assert (done.returncode, done.stdout) == (0, f"ioc {__version__}\n")


def test_settings_tell_value_default_unit_and_source(tmp_path: Path) -> None:
    """Every setting is there; the environment goes over ioc.toml; an address with a password is not shown."""
    (tmp_path / "ioc.toml").write_text("http_port = 8100\nmqtt_port = 1900\n")
    secret = "postgresql://ioc:secret@db/ioc"
    done = run_cli("settings", "--json", cwd=tmp_path, IOC_HTTP_PORT="8200", IOC_DATABASE_URL=secret)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {f"IOC_{name.upper()}" for name in Settings.model_fields}
    assert all(row["description"] for row in rows.values())
    assert (rows["IOC_HTTP_PORT"]["value"], rows["IOC_HTTP_PORT"]["source"]) == ("8200", "environment")
    assert (rows["IOC_MQTT_PORT"]["value"], rows["IOC_MQTT_PORT"]["source"]) == ("1900", "ioc.toml")
    assert (rows["IOC_HTTP_HOST"]["default"], rows["IOC_HTTP_HOST"]["source"]) == ("127.0.0.1", "default")
    assert rows["IOC_STOP_SECONDS"]["unit"] == "s"
    assert "secret" not in done.stdout


def test_a_wrong_setting_or_word_is_a_usage_error(tmp_path: Path) -> None:
    """Exit code 2, with the name of what is wrong."""
    refused(run_cli("settings", IOC_HTTP_PORT="70000"), 2, "IOC_HTTP_PORT")
    refused(run_cli("no-such-verb"), 2, "no-such-verb")
    absent = str(tmp_path / "absent.csv")
    refused(run_cli("replay", absent, "--feed", "rainfall", "--column", "a=b", COLUMNS="400"), 2, "absent.csv")


def test_what_needs_an_instance_says_that_none_runs(tmp_path: Path) -> None:
    """Exit code 3: the service is unreachable, and how to start it."""
    refused(run_cli("device", "add", "x", "--feed", "rainfall", "--data", str(tmp_path)), 3, "ioc up")
    refused(run_cli("user", "add", "x", "--role", "viewer", "--data", str(tmp_path)), 3)
    nowhere = "postgresql://ioc:x@127.0.0.1:1/ioc"
    refused(run_cli("key", "issue", "--kind", "metrics", IOC_DATABASE_URL=nowhere), 3)
    file = tmp_path / "a.csv"
    file.write_text("time,mm\n2020-01-01,1\n")
    refused(run_cli("replay", str(file), "--feed", "rainfall", "--device", "x", "--column", "rain_mm=mm",
                    "--data", str(tmp_path)), 3, "ioc up")  # fmt: skip


def test_devices_are_made_once(instance: Instance) -> None:
    """The secret is printed once, as JSON or as lines; a second try, a wrong name or area is a usage error."""
    made = instance.made("device", "add", "cli-1", "--feed", "rainfall", "--lat", "20.82", "--lon", "105.34")
    assert set(made) == {"id", "key"}
    assert parse_key(made["key"]) is KeyKind.DEVICE
    refused(instance.cli("device", "add", "cli-1", "--feed", "rainfall"), 2, "cli-1")
    refused(instance.cli("device", "add", "Cli 2", "--feed", "rainfall"), 2, "device id")
    refused(instance.cli("device", "add", "cli-3", "--feed", "no-such-feed"), 2, "rainfall")
    swapped = ("--lat", "105.34", "--lon", "20.82")
    refused(instance.cli("device", "add", "cli-5", "--feed", "rainfall", *swapped), 2, "did you swap lat and lon?")
    refused(instance.cli("device", "add", "cli-4", "--feed", "rainfall", "--area", "99999"), 2, "99999")


def test_people_and_keys_are_made_once(instance: Instance) -> None:
    """A one-time password is to be changed; what makes no sense is a usage error."""
    person = instance.cli("user", "add", "cli-viewer", "--role", "viewer")
    assert person.returncode == 0, person.stderr
    lines = dict(line.split(": ", 1) for line in person.stdout.splitlines())
    assert set(lines) == {"username", "password"}
    with instance.signed_in(**lines) as client:
        assert client.get("/api/v1/session").json()["must_change"] is True
    refused(instance.cli("user", "add", "cli-viewer", "--role", "viewer"), 2, "cli-viewer")
    refused(instance.cli("user", "add", "cli-chief", "--role", "chief"), 2, "operator")
    refused(instance.cli("key", "issue", "--kind", "device"), 2, "kind")
    refused(instance.cli("key", "issue", "--kind", "feed"), 2, "feed")


def test_the_area_of_a_device_comes_from_its_point(instance: Instance, operator) -> None:
    """A point in Lương Sơn needs no --area."""
    instance.made("device", "add", "cli-ls", "--feed", "rainfall", "--lat", "20.8735", "--lon", "105.5365")
    device = operator.get("/api/v1/devices/cli-ls").json()
    assert (device["area"], device["zone"]) == ("04924", "luong-son")


def test_check_finds_what_is_wrong_in_a_pack(tmp_path: Path) -> None:
    """The shipped pack is sound; a broken copy is told by file and line, with exit code 1."""
    sound = run_cli("check")
    assert (sound.returncode, sound.stdout) == (0, "hoabinh: no problems\n")
    pack = tmp_path / "pack"
    shutil.copytree(ROOT / "ioc" / "packs" / "hoabinh", pack)
    rule = pack / "rules" / "rain.24h.yaml"
    rule.write_text(rule.read_text().replace("rain_24h_mm > 100.0", "rain_25h_mm > 100.0"))
    broken = run_cli("check", str(pack))
    assert broken.returncode == 1
    assert "rain.24h.yaml:" in broken.stdout
    assert "rain_25h_mm" in broken.stdout
    assert "Traceback" not in broken.stderr
    (pack / "pack.yaml").write_text("pack: [")
    assert run_cli("check", str(pack)).returncode == 1
    refused(run_cli("check", "no-such-pack"), 1, "no-such-pack")


def test_timelines_are_run_and_a_failing_one_is_told(tmp_path: Path) -> None:
    """The house's own pass; one that expects something else is told with its file and exit code 1."""
    done = run_cli("timelines", str(ROOT / "tests" / "timelines"))
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("passed, 0 failed\n")
    source = (ROOT / "tests" / "timelines" / "levels.yaml").read_text()
    assert "expect: firing critical" in source
    (tmp_path / "wrong.yaml").write_text(source.replace("expect: firing critical", "expect: none"))
    wrong = run_cli("timelines", str(tmp_path))
    assert wrong.returncode == 1
    assert "wrong.yaml" in wrong.stdout


def test_a_second_instance_on_the_same_folder_is_refused(instance: Instance) -> None:
    """The folder belongs to one `ioc up`; the running one is not disturbed."""
    second = run_cli("up", "--http-port", "0", "--mqtt-port", "0", "--data", str(instance.data))
    assert second.returncode == 3, second.stdout + second.stderr
    assert "Traceback" not in second.stderr
    with instance.client() as client:
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("role", ["door", "api"])
def test_a_role_alone_says_when_its_database_is_away(role: str, tmp_path: Path) -> None:
    """Exit code 3 at once, in place of hanging."""
    done = run_cli(role, "--data", str(tmp_path))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_person_gets_a_new_password_and_a_key_is_ended_on_the_command_line(instance: Instance) -> None:
    """A password that is printed for a script signs in; a temporary one opens nothing but its own change."""
    first = instance.made("user", "add", "cli-person", "--role", "viewer")
    again = instance.made("user", "reset", "cli-person")
    assert again["username"] == "cli-person"
    for password, status in ((first["password"], 401), (again["password"], 200)):
        with instance.client() as client:
            answer = client.post("/api/v1/session", json={"username": "cli-person", "password": password})
            assert answer.status_code == status
            assert client.get("/api/v1/alerts").status_code == status
    for words in (("user", "reset", "cli-person"), ("user", "add", "cli-new", "--role", "viewer")):
        made = instance.made(*words, "--temporary")
        with instance.signed_in(made["username"], made["password"]) as client:
            assert client.get("/api/v1/alerts").json()["code"] == "password_change_required"
    refused(instance.cli("user", "reset", "nobody"), 1, "no such user")
    key = instance.made("key", "issue", "--kind", "district", "--area", "hoa-binh")
    with instance.client(key=key["key"]) as client:
        assert client.get("/api/v1/alerts").status_code == 200
        assert instance.made("key", "revoke", key["id"]) == {"id": key["id"], "revoked": True}
        assert client.get("/api/v1/alerts").status_code == 401
    refused(instance.cli("key", "revoke", key["id"]), 1, "no such key")
