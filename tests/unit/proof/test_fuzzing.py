"""The fuzzer finds what is planted, and what it once kept still does what is promised."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path

import pytest

from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import Subscribe, Subscription
from proof.fuzzing.campaign import TARGETS, read_corpus, write_corpus
from proof.fuzzing.codec import BrokenCodec, CodecTarget, join_packets, sample_packets, split_packets
from proof.fuzzing.engine import Fuzzer, smallest

ROOT = Path(__file__).resolve().parents[3]


class Lock:
    """Fails behind three doors, each of which only its coverage shows."""

    name = "lock"
    words: Sequence[bytes] = (b"key",)
    files: Sequence[str] = ("test_fuzzing.py",)

    def seeds(self) -> list[bytes]:
        return [b""]

    def split(self, data: bytes) -> list[bytes]:
        return [data]

    def join(self, parts: Sequence[bytes]) -> bytes:
        return b"".join(parts)

    def run(self, data: bytes) -> Hashable:
        if data[:3] != b"key":
            return "outside"
        if len(data) < 8:
            return "in the hall"
        if data[5] != 0x7F:
            return "at the door"
        raise ZeroDivisionError("behind the door")


def test_what_is_behind_three_doors_is_found_and_counted_once():
    findings = Fuzzer(Lock(), seed=1).run([], seconds=60, executions_max=200_000, until_crash=True)
    assert [crash.error for crash in findings.crashes] == ["ZeroDivisionError('behind the door')"]
    assert findings.executions > 10


def test_the_planted_fault_of_the_control_is_a_crash():
    two = tuple(Subscription(topic_filter=name) for name in ("a", "b"))
    for packet_id in (5, 500):
        data = b"\x01" + encode(Subscribe(packet_id=packet_id, subscriptions=two), 4)
        CodecTarget().run(data)
    with pytest.raises(IndexError, match="planted"):
        BrokenCodec().run(data)


@pytest.mark.parametrize("name", TARGETS)
def test_the_files_whose_coverage_guides_the_fuzzer_are_there(name: str):
    """One that has moved is not watched, and the fuzzer is blind in it without a word."""
    files: Sequence[str] = vars(TARGETS[name])["files"]
    assert files
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_few_inputs_reach_what_all_reach():
    target = Lock()
    kept = [b"", b"a", b"b", b"key", b"keykey", b"key45678", b"key4567890"]
    assert smallest(kept, target, count_max=10) == [b"", b"key", b"key45678"]


def test_packets_are_taken_apart_and_put_together():
    stream = b"\x02" + b"".join(encode(packet, 5) for packet in sample_packets(5))
    parts = split_packets(stream)
    assert len(parts) == 1 + len(sample_packets(5))
    assert join_packets(parts) == stream
    assert split_packets(b"\x00\x30\xff\xff") == [b"\x00", b"\x30"]


def test_a_corpus_comes_back_as_it_was_written(tmp_path):
    write_corpus("codec", [b"\x00\x01", b"", b"\xff"], tmp_path)
    assert read_corpus("codec", tmp_path) == [b"\x00\x01", b"\xff"]
    assert read_corpus("nothing", tmp_path) == []


@pytest.mark.parametrize("name", TARGETS)
def test_what_fuzzing_once_kept_still_keeps_every_promise(name):
    """The committed corpus: each input once reached something that no other did."""
    corpus = read_corpus(name)
    assert len(corpus) > 10
    target = TARGETS[name]()
    try:
        for data in corpus:
            target.run(data)
    finally:
        target.close()
