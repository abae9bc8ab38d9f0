"""The screens' files: hashed assets for ever, index.html fresh and for client routes, nothing outside the folder."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx2
import pytest

from ioc.screens.site import Site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>IOC</title>")
    (static / "assets" / "app-1a2b.js").write_text("console.log(1)")
    (static / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(b"console.log(1)"))
    (static / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    return static


def client(site: Site) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=site), base_url="http://127.0.0.1")


async def test_assets_are_immutable_and_index_is_always_asked_again(folder: Path):
    async with client(Site(folder)) as asking:
        asset = await asking.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "identity"})
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-type"].startswith("text/javascript")
        assert "content-encoding" not in asset.headers
        packed = await asking.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.text == "console.log(1)"
        for path in ("/", "/index.html", "/alerts", "/alerts/al_one", "/devices/"):
            answer = await asking.get(path)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache"), path
            assert "<title>IOC</title>" in answer.text
        assert (await asking.get("/icon.svg")).headers["cache-control"] == "no-cache"
        assert (await asking.head("/alerts")).status_code == 200


@pytest.mark.parametrize("length", [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])
async def test_a_file_of_any_length_comes_whole(folder: Path, length: int):
    content = bytes(number % 251 for number in range(length))
    (folder / "assets" / "large-1a2b.js").write_bytes(content)
    async with client(Site(folder)) as asking:
        answer = await asking.get("/assets/large-1a2b.js")
        assert (answer.content, answer.headers["content-length"]) == (content, str(length))


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/gone.js",
        "/api/v1/nothing",
        "/x.map",
    ],
)
async def test_what_is_not_there_is_404_and_no_path_climbs_out(folder: Path, path: str):
    async with client(Site(folder)) as asking:
        answer = await asking.get(path)
        assert answer.status_code == 404
        assert "secret" not in answer.text


async def test_nothing_but_reading(folder: Path):
    async with client(Site(folder)) as asking:
        assert (await asking.post("/alerts")).status_code == 404


async def test_screens_that_are_not_built_are_told_so(tmp_path: Path):
    site = Site(tmp_path / "none")
    assert not site.built
    async with client(site) as asking:
        answer = await asking.get("/")
        assert answer.status_code == 503
        assert "make build-screens" in answer.text
        assert "Màn hình chưa được dựng" in answer.text


async def test_a_device_whose_id_has_a_dot_has_a_page_and_a_missing_file_has_none(folder: Path):
    async with client(Site(folder)) as asking:
        visit = await asking.get("/devices/a.b", headers={"Accept": "text/html,*/*"})
        assert (visit.status_code, "<title>IOC</title>" in visit.text) == (200, True)
        assert (await asking.get("/assets/gone.js", headers={"Accept": "text/html"})).status_code == 404
