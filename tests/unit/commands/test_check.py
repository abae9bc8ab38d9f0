"""What `ioc check` looks at beside a pack's own frame."""

from __future__ import annotations

import shutil

import pytest

from ioc.commands.check import check_everything
from ioc.errors import PackError
from ioc.ingest.adapters.registry import unknown_adapters
from ioc.packs.loader import load_pack, pack_folder


def test_a_feed_names_an_adapter_that_there_is(tmp_path):
    """Told with its line; one that there is passes."""
    folder = tmp_path / "pack"
    shutil.copytree(pack_folder("hoabinh"), folder)
    feed = folder / "feeds" / "rainfall.yaml"
    text = feed.read_text(encoding="utf-8")
    feed.write_text(f"{text}adapter: cloudevents\n", encoding="utf-8")
    assert check_everything(str(folder)) == []
    assert load_pack(folder, shapes=False).feeds["rainfall"].adapter == "cloudevents"
    feed.write_text(f"{text}adapter: cloud\n", encoding="utf-8")
    [problem] = check_everything(str(folder))
    assert (problem.file, problem.message) == ("feeds/rainfall.yaml", "there is no adapter `cloud`")
    assert problem.line == text.count("\n") + 1
    assert unknown_adapters(load_pack(folder, shapes=False).feeds) == [("rainfall", "cloud")]


def test_there_is_no_check_of_no_pack(tmp_path):
    with pytest.raises(PackError):
        check_everything(str(tmp_path / "nothing"))
