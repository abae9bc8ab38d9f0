"""Debian's own Prometheus on a running instance, with the configuration and alert rules that the house ships."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2

from tests.acceptance.instance import ROOT, Instance, wait_until
from tests.databases import free_port

SHIPPED = ROOT / "deploy" / "prometheus"
Query = Callable[[str], list[dict[str, Any]]]


def program(name: str) -> str:
    """Return the path of one of Debian's programs; `make test` installs it or says so."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: apt-get install prometheus"
    return found


@contextlib.contextmanager
def scraping(instance: Instance, key: str, folder: Path) -> Iterator[httpx2.Client]:
    """Let Prometheus scrape an instance each second, as shipped but for target, key and pace; yield its API."""
    text = (SHIPPED / "prometheus.yml").read_text().replace("15s", "1s")
    text = text.replace("/etc/prometheus/ioc-metrics-key", str(folder / "key"))
    text = text.replace("127.0.0.1:8000", instance.url.removeprefix("http://"))
    (folder / "key").write_text(key)
    (folder / "prometheus.yml").write_text(text)
    shutil.copy(SHIPPED / "ioc.rules.yml", folder)
    address = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program("prometheus"), f"--config.file={folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={address}", "--log.level=warn"],
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        with httpx2.Client(base_url=f"http://{address}", timeout=10) as client:

            def scraped() -> bool:
                try:
                    return bool(samples(client, 'up{job="ioc"} == 1'))
                except httpx2.TransportError:  # not up yet
                    assert process.poll() is None, (folder / "log").read_text()
                    return False

            wait_until(scraped, seconds=40, what="the first good scrape")
            yield client
    finally:
        process.terminate()
        process.wait(20)


def samples(client: httpx2.Client, query: str) -> list[dict[str, Any]]:
    """Return what a query gives now; a query that makes no sense fails."""
    answer = client.get("/api/v1/query", params={"query": query})
    if answer.status_code == 503:  # it reads its own files yet
        return []
    assert answer.status_code == 200, (query, answer.text)
    return list(answer.json()["data"]["result"])
