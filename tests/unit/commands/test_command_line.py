"""Whatever is given to a command, it answers in a sentence and with an exit code of the contract, never a traceback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ioc.__main__ import app
from ioc.commands.needs import NEEDS
from ioc.errors import SettingsError
from ioc.settings import read_settings, unknown_names
from tests.commands import commands_by_words

RUNNER = CliRunner()
USAGE, UNREACHABLE = 2, 3
LINES_MAX = 12
"""typer's own box around a usage error has eight."""
GIVEN = {
    "--feed": "rainfall", "--role": "operator", "--kind": "metrics", "--column": "rain_mm=x", "--layer": "rivers",
    "--from": "2026-01-01", "--to": "2026-01-02", "--time-column": "t", "--device": "d",
    "--reason": "bài thử", "--table": "number-plate",
}  # fmt: skip
ADDRESSES = ("nope", "http://x:notaport", "http://[::1", "http://127.0.0.1:1", "\x00", "é" * 300)
DATABASES = ("nope", "http://x/y", "postgresql://[::1/x", "postgresql://h:port/x", "postgresql://127.0.0.1:1/x")


COMMANDS = commands_by_words()


@pytest.fixture
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Files that are not what a command wants, in a working folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    for name in ("IOC_DATABASE_URL", "IOC_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    made = {name: tmp_path / name for name in ("binary", "half", "empty", "folder", "nothing", "deep/nothing")}
    made["binary"].write_bytes(bytes(range(256)))
    made["half"].write_text('{"a": [1', encoding="utf-8")
    made["empty"].touch()
    made["folder"].mkdir()
    return made


def is_path(parameter: Any) -> bool:
    return "Path" in str(parameter.type_descriptor)


def words_for(command: Any, *, but: str, value: str) -> list[str]:
    """The least that a command takes, with one parameter given badly."""
    words: list[str] = []
    for parameter in command.params:
        option = parameter.opts[0]
        if parameter.name == but:
            words += [value] if parameter.param_type_name == "argument" else [option, value]
        elif parameter.param_type_name == "argument" and parameter.required:
            words.append("empty" if is_path(parameter) else "anna")
        elif parameter.required:
            words += [option, GIVEN[option]]
    return words


def with_bad_paths() -> Iterator[tuple[str, str]]:
    for words, command in COMMANDS.items():
        for parameter in command.params:
            if is_path(parameter):
                yield words, parameter.name


def told(words: list[str]) -> tuple[int, str]:
    """Run a command; return its exit code and what it said. Anything but an orderly end fails here."""
    result = RUNNER.invoke(app, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), (words, repr(result.exception))
    assert "Traceback" not in result.output, words
    return result.exit_code, result.output


@pytest.mark.parametrize(("command", "parameter"), sorted(set(with_bad_paths())))
def test_no_file_and_no_folder_gives_a_traceback(command: str, parameter: str, bad: dict[str, Path]):
    for kind, path in bad.items():
        if parameter == "data" and kind not in {"binary", "empty"}:
            continue  # a folder that is empty or not there yet is a good one to start in
        words = [*command.split(), *words_for(COMMANDS[command], but=parameter, value=str(path))]
        code, output = told(words)
        assert code in {1, USAGE, UNREACHABLE}, (words, code, output)
        assert 0 < len(output.strip().splitlines()) <= LINES_MAX, (words, output)


def test_every_command_says_what_it_needs():
    assert set(NEEDS) == set(COMMANDS)


def test_the_walk_finds_the_commands_that_take_files():
    found = {command for command, _ in with_bad_paths()}
    assert {"up", "rules", "api", "timelines", "backtest", "replay", "area import", "verify audit"} <= found


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_gives_a_traceback(address: str, bad: dict[str, Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ioc.replay.door.RETRY_FIRST_SECONDS", 61.0)  # it gives up before it waits as long
    monkeypatch.setattr("ioc.replay.door.RETRY_MAX_SECONDS", 61.0)
    readings = bad["folder"] / "x.csv"
    readings.write_text("t,x\n2026-01-01T00:00:00Z,1\n", encoding="utf-8")
    words = words_for(COMMANDS["replay"], but="file", value=str(readings))
    words += ["--device", "d", "--time-column", "t", "--key", "k", "--url", address]
    code, output = told(["replay", *words])
    assert code == (UNREACHABLE if address == "http://127.0.0.1:1" else USAGE), output


@pytest.mark.parametrize("address", DATABASES)
@pytest.mark.parametrize("command", ["migrate", "verify audit", "user add anna --role operator"])
def test_no_address_of_a_database_gives_a_traceback(
    command: str, address: str, bad: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("IOC_DATABASE_URL", address)
    code, output = told(command.split())
    assert code == (UNREACHABLE if address.startswith("postgresql://127") else USAGE), output


def test_a_setting_that_may_hold_a_password_is_not_quoted():
    with pytest.raises(SettingsError) as caught:
        read_settings(database_url="postgres//me:secret@host/x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("option", ["--http-port", "--mqtt-port"])
def test_a_taken_port_is_said_before_anything_is_started(option: str, bad: dict[str, Path]):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        port = other.getsockname()[1]
        ports = {"--http-port": "0", "--mqtt-port": "0", option: str(port)}
        words = [word for pair in ports.items() for word in pair]
        code, output = told(["up", *words, "--data", "started"])
    assert code == UNREACHABLE
    assert f"port {port} on 127.0.0.1" in output
    assert f"choose another with {option}" in output
    assert not Path("started").exists()


@pytest.mark.parametrize(
    ("name", "meant"), [("IOC_HTTP_PROT", "IOC_HTTP_PORT"), ("IOC_MQQT_PORT", "IOC_MQTT_PORT"), ("IOC_ZZZ", None)]
)
def test_a_setting_that_there_is_not_is_said(
    name: str, meant: str | None, bad: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(name, "1")
    code, output = told(["version"])
    assert code == 0
    assert f"ioc: {name} is no setting" in output
    assert (f"did you mean {meant}?" in output) == (meant is not None)


def test_what_is_a_setting_or_another_variable_of_ours_is_not_said(tmp_path: Path):
    toml = tmp_path / "ioc.toml"
    toml.write_text("http_port = 1\nhtpp_port = 2\n", encoding="utf-8")
    names = {
        "IOC_HTTP_PORT": "",
        "IOC_KEY": "",
        "IOC_COMPILED": "",
        "ioc_pack": "",
        "PATH": "",
        "IOC_SUPERVISED_BY": "",
    }
    assert unknown_names(names, tmp_path / "none") == []
    assert unknown_names(names, toml) == [(f"htpp_port in {toml}", "IOC_HTTP_PORT")]
