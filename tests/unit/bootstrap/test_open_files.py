"""The MQTT door has a file descriptor for each connection that it allows, or says how to get them."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from ioc.bootstrap.door import OWN_FILES

PROGRAM = """
import resource, sys
from ioc.bootstrap.door import raise_open_files
from ioc.errors import SettingsError
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
try:
    print(raise_open_files({wanted}), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
except SettingsError as error:
    print(error)
"""


def said(*, soft: int, hard: int, wanted: int) -> str:
    """Run in a process of its own: a hard limit never rises again."""
    program = PROGRAM.format(soft=soft, hard=hard, wanted=wanted)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2_000, reason="this system allows too few files")
def test_the_soft_limit_is_raised_and_a_hard_one_is_told_with_what_to_do():
    assert said(soft=512, hard=2_000, wanted=1_000) == f"1000 {1_000 + OWN_FILES}"
    assert said(soft=1_500, hard=2_000, wanted=1_000) == "1000 1500"
    refused = said(soft=512, hard=800, wanted=1_000)
    assert f"need {1_000 + OWN_FILES} open files and the system allows 800" in refused
    assert "LimitNOFILE" in refused
    assert said(soft=512, hard=2_000, wanted=10_000).splitlines()[-1] == f"{2_000 - OWN_FILES} 2000", "the default"
