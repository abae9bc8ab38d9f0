"""The supervisor keeps roles running, stops them in reverse order and never leaves one behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ioc.errors import ServiceUnreachableError
from ioc.runtime.supervisor import RoleProcess, Supervisor, read_ready

ROLE = """
import pathlib, signal, sys, time
sys.path.insert(0, {root!r})
from ioc.runtime.supervisor import write_ready, end_with_supervisor
end_with_supervisor()
def stop(*_):
    with open({log!r}, "a") as file: file.write({name!r} + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
{before}
write_ready(pathlib.Path({ready!r}), port=7)
while True: time.sleep(0.05)
"""


@pytest.fixture
def make_role(tmp_path):
    def make(name, *, before="", ready_seconds=10.0):
        ready = tmp_path / f"{name}.json"
        code = textwrap.dedent(ROLE).format(
            root=str(Path.cwd()), log=str(tmp_path / "stopped"), name=name, ready=str(ready), before=before
        )
        return RoleProcess(name, [sys.executable, "-c", code], ready_file=ready, ready_seconds=ready_seconds)

    return make


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_roles_stop_in_reverse_order(make_role, tmp_path):
    supervisor = Supervisor(stop_seconds=10)
    for name in ("first", "second", "third"):
        assert (await supervisor.start(make_role(name)))["port"] == 7
    await supervisor.stop()
    assert (tmp_path / "stopped").read_text().split() == ["third", "second", "first"]


async def test_a_killed_role_comes_back_by_itself(make_role):
    supervisor = Supervisor(stop_seconds=10)
    role = make_role("one")
    await supervisor.start(role)
    first = supervisor.pid("one")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: supervisor.pid("one") not in (None, first) and read_ready(role.ready_file).get("pid") != first)
    assert supervisor.restarts("one") == 1
    await supervisor.stop()


async def test_a_role_that_does_not_stop_is_killed_at_the_deadline(make_role):
    supervisor = Supervisor(stop_seconds=0.5)
    await supervisor.start(make_role("deaf", before="signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    pid = supervisor.pid("deaf")
    assert pid is not None
    await supervisor.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_role_that_never_becomes_ready_is_a_clear_error(make_role):
    supervisor = Supervisor(stop_seconds=2)
    with pytest.raises(ServiceUnreachableError, match="slow did not become ready"):
        await supervisor.start(make_role("slow", before="time.sleep(60)", ready_seconds=0.3))
    await supervisor.stop()


async def test_roles_end_when_their_supervisor_is_killed(make_role, tmp_path):
    """kill -9 of `ioc up` leaves nothing running: the kernel tells the roles."""
    role = make_role("orphan")
    code = textwrap.dedent("""
        import asyncio, pathlib, sys
        sys.path.insert(0, {root!r})
        from ioc.runtime.supervisor import RoleProcess, Supervisor
        async def main():
            orphan = RoleProcess("orphan", {command!r}, ready_file=pathlib.Path({ready!r}))
            await Supervisor(stop_seconds=5).start(orphan)
            await asyncio.sleep(60)
        asyncio.run(main())
    """).format(root=str(Path.cwd()), command=list(role.command), ready=str(role.ready_file))
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    await until(lambda: "pid" in read_ready(role.ready_file))
    pid = read_ready(role.ready_file)["pid"]
    parent.kill()
    await parent.wait()

    def gone():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            return False
        return True

    await until(gone)


BEATS = """
import os, time
def beat(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        os.write(int(os.environ["IOC_SUPERVISOR_PIPE"]), b"0")
        time.sleep(0.05)
"""


def beating(role, beat):
    """Return a role that beats once it is ready, by the given call."""
    code = role.command[-1].replace("while True:", f"{BEATS}\nbeat({beat})\nwhile True:")
    return replace(role, command=[*role.command[:-1], code], beats=True)


async def test_a_role_that_beats_no_more_is_killed_and_started_again(make_role):
    """Also one that does not hear SIGTERM, as a frozen one does not."""
    restarts = []
    supervisor = Supervisor(stop_seconds=5, still_seconds=0.8, on_restart=lambda *told: restarts.append(told))
    role = beating(make_role("hangs", before="signal.signal(signal.SIGTERM, signal.SIG_IGN)"), 0.5)
    await supervisor.start(role)
    first = supervisor.pid("hangs")
    await until(lambda: supervisor.pid("hangs") not in (None, first))
    assert restarts == [("hangs", -signal.SIGKILL)]
    supervisor._stop_seconds = 0.1
    await supervisor.stop()


async def test_a_role_that_beats_is_left_alone_and_so_is_one_that_has_not_begun(make_role):
    supervisor = Supervisor(stop_seconds=5, still_seconds=0.4)
    await supervisor.start(beating(make_role("works"), 60))
    await supervisor.start(replace(make_role("starts"), beats=True))
    await asyncio.sleep(2.0)
    assert [supervisor.restarts(name) for name in ("works", "starts")] == [0, 0]
    await supervisor.stop()


async def test_the_supervisors_own_sleep_is_nobodys_fault(make_role):
    """It was stopped itself, or its machine was: what it finds in the pipe afterwards decides."""
    supervisor = Supervisor(stop_seconds=5, still_seconds=2.2)
    await supervisor.start(beating(make_role("works"), 60))
    await asyncio.sleep(0.3)
    time.sleep(3.0)  # noqa: ASYNC251 - the whole loop stands still, that is the point
    await asyncio.sleep(1.0)
    assert supervisor.restarts("works") == 0
    await supervisor.stop()


async def test_a_role_that_cannot_run_as_asked_ends_the_start_with_a_sentence(make_role):
    """A port that somebody took meanwhile, a file that is not there: starting it again for ever helps nobody."""
    supervisor = Supervisor(stop_seconds=2)
    with pytest.raises(ServiceUnreachableError, match="refused cannot run as it is asked to"):
        await supervisor.start(make_role("refused", before="sys.exit(3)", ready_seconds=30))
    await supervisor.stop()
