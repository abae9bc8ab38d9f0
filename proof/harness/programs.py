"""Programs that proofs drive: where they are, and what to raise where this machine cannot run a proof."""

from __future__ import annotations

import os
import shutil

SYSTEM_PATH = ("/usr/sbin", "/sbin")
"""Where Debian keeps mosquitto and mkfs, which the PATH of a normal user leaves out."""


class NotRunError(Exception):
    """This machine cannot run the proof. The text completes "not run, because ..."."""


def find_program(name: str) -> str | None:
    """Return the path of a program, also of one that only root's PATH shows."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_PATH]))
