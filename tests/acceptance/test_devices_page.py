"""docs/devices.md: its three gauges of ten lines, as they stand on the page, against a running instance."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.instance import ROOT, Device, Instance, items

PAGE = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
SHIM = Path(__file__).parent / "arduino"
MAIN = '#include "sketch.ino"\nfloat rain_mm() { return 0.8; }\nint main() { setup(); while (true) loop(); }\n'


def block(language: str) -> str:
    """Return the page's one program in a language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def gauge(instance: Instance) -> Device:
    """One gauge for all three."""
    return instance.device("page-gauge", "rainfall", "04795")


def run(gauge: Device, *command: str | Path) -> None:
    given = {"HOST": "127.0.0.1", "PORT": str(gauge.instance.mqtt_port), "DEVICE": gauge.id, "KEY": gauge.key}
    done = subprocess.run(command, env={**os.environ, **given}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def stored(operator: httpx2.Client, gauge: Device, rain: float) -> dict[str, Any]:
    """Return the one event that says so much rain."""
    [found] = [one for one in items(operator, "/api/v1/events", device=gauge.id) if one["data"]["rain_mm"] == rain]
    assert found["time"] is not None
    assert not found["flags"] or found["flags"] == ["before_registration"], "its time counts"
    return found


def test_mosquitto_s_client(gauge: Device, operator: httpx2.Client) -> None:
    """One command, stored when it returns."""
    run(gauge, "bash", "-euc", block("sh"))
    stored(operator, gauge, 0.4)


def test_python(gauge: Device, operator: httpx2.Client) -> None:
    """Ten lines with paho."""
    run(gauge, sys.executable, "-c", block("python"))
    stored(operator, gauge, 0.6)


def test_arduino(gauge: Device, operator: httpx2.Client, tmp_path: Path) -> None:
    """The sketch, compiled for Linux against a small stand-in for the Arduino's core and its MQTT library."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no C++ compiler: the sketch of docs/devices.md is not run")
    (tmp_path / "sketch.ino").write_text(block("cpp"), encoding="utf-8")
    (tmp_path / "main.cpp").write_text(MAIN, encoding="utf-8")
    defined = {
        "HOST": '"127.0.0.1"',
        "PORT": gauge.instance.mqtt_port,
        "DEVICE": f'"{gauge.id}"',
        "KEY": f'"{gauge.key}"',
    }
    words = [f"-D{name}={value}" for name, value in defined.items()]
    run(
        gauge,
        compiler,
        "-std=c++17",
        "-I",
        SHIM,
        "-I",
        tmp_path,
        *words,
        "-o",
        tmp_path / "gauge",
        tmp_path / "main.cpp",
    )
    run(gauge, tmp_path / "gauge")
    stored(operator, gauge, 0.8)
