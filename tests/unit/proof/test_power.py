"""Power cuts: what left the guest counts, what the cut tore does not, and a disk is read back as it was filled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proof.harness.programs import find_program
from proof.harness.recorder import Recorder
from proof.harness.uml import MOUNTED, extract, is_whole, make_image
from proof.scenarios.delivery.guest import ID_STEP, Job, write_job
from proof.scenarios.delivery.power import Chain, Cut, PowerSize


@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        (b'{"kind": "ok", "id": "1"}\n', True),
        (b'{"kind": "ok", "id": "1"}\r\n', True),
        (b'{"kind": "ok", "id": "1"}', False),
        (b'{"kind": "invoke", "values": {"rain_mm": 1.0}', False),
        (b'{"kind": "ok", "id"\n', False),
        (b"READY {}\n", False),
    ],
)
def test_a_line_that_the_cut_tore_was_never_said(raw: bytes, *, whole: bool):
    assert is_whole(raw) is whole


def test_a_cut_before_the_first_acknowledgement_is_void_and_no_fault():
    assert Cut(0, 5, 1.0, {}).void
    assert not Cut(1, 5, 1.0, {}).void


def test_the_witness_of_a_chain_holds_every_start(tmp_path):
    chain = Chain(tmp_path, {}, PowerSize(), 1)
    recorder = Recorder(tmp_path / "witness.jsonl")
    for start in (0, 1):
        identifier = str(start * ID_STEP + 1)
        recorder.note("invoke", "d", identifier, values={})
        recorder.note("ok", "d", identifier)
    recorder.close()
    assert chain.history().acknowledged == {("d", "1"), ("d", str(ID_STEP + 1))}


def test_the_job_is_read_back(tmp_path):
    job = Job(MOUNTED, {"d": "k"}, 10.0, ("door",), start=2, seed=3, pg_bin="/bin")
    write_job(tmp_path / "job.json", job)
    found = json.loads((tmp_path / "job.json").read_text())
    assert Job(**{**found, "roles": tuple(found["roles"])}) == job


@pytest.mark.skipif(find_program("mkfs.ext4") is None, reason="e2fsprogs is not installed")
def test_a_disk_gives_back_what_it_was_made_from(tmp_path: Path):
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    (source / "below" / "file").write_bytes(bytes(range(256)) * 100)
    (source / "link").symlink_to("below/file")
    make_image(tmp_path / "disk", source)
    extract(tmp_path / "disk", tmp_path / "found")
    assert (tmp_path / "found" / "link").read_bytes() == bytes(range(256)) * 100
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == ["below", "link"]
