"""A real nginx on the reference configuration, with a certificate and ports of its own; nothing of it is left."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from proof.harness.instance import REPOSITORY, InstanceError, free_port
from proof.harness.programs import NotRunError, find_program

REFERENCE = REPOSITORY / "deploy" / "nginx" / "ioc.conf"
BIND = "127.0.0.9"
"""Where nginx connects from: the one proxy that an instance under test trusts."""
START_SECONDS = 15.0
MAIN = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
worker_rlimit_nofile 16384;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_bind {bind};
    include {folder}/ioc.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Front:
    """A running nginx."""

    port: int
    plain_port: int
    pid: int
    tls: ssl.SSLContext
    folder: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def errors(self) -> str:
        """What it has complained of."""
        return (self.folder / "error.log").read_text(encoding="utf-8", errors="replace")


def render(reference: str, *, upstream_port: int, port: int, plain_port: int, folder: Path) -> str:
    """Return the reference with the four things that are a site's own put in.

    Raises:
        InstanceError: the reference lacks one of them, or has one twice.
    """
    changes = {
        "127.0.0.1:8000;": f"127.0.0.1:{upstream_port};",
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "/etc/nginx/ioc/fullchain.pem": f"{folder}/fullchain.pem",
        "/etc/nginx/ioc/privkey.pem": f"{folder}/privkey.pem",
    }
    for old, new in changes.items():
        if reference.count(old) != 1:
            raise InstanceError(f"{REFERENCE.name} has {old!r} {reference.count(old)} times")
        reference = reference.replace(old, new)
    return reference


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise InstanceError(f"{' '.join(command)} ended with {process.returncode}: {output.decode()[-2_000:]}")


@contextlib.asynccontextmanager
async def running_nginx(upstream_port: int) -> AsyncIterator[Front]:
    """Run nginx before an instance.

    Raises:
        NotRunError: nginx or openssl is not installed.
        InstanceError: nginx does not take the configuration (`nginx -t`), or does not answer.
    """
    nginx, openssl = find_program("nginx"), find_program("openssl")
    if nginx is None or openssl is None:
        raise NotRunError("nginx or openssl is not installed")
    folder = _make_folder()
    port, plain_port = free_port(), free_port()
    try:
        await _run(
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
            f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem",
        )  # fmt: skip
        reference = await asyncio.to_thread(REFERENCE.read_text, encoding="utf-8")
        rendered = render(reference, upstream_port=upstream_port, port=port, plain_port=plain_port, folder=folder)
        (folder / "ioc.conf").write_text(rendered, encoding="utf-8")
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, bind=BIND), encoding="utf-8")
        await _run(nginx, "-t", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log")
        process = await asyncio.create_subprocess_exec(
            nginx, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log", stdin=asyncio.subprocess.DEVNULL
        )
        try:
            await _answers(port)
            context = ssl.create_default_context(cafile=f"{folder}/fullchain.pem")
            yield Front(port, plain_port, process.pid, context, folder)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ioc-proof-nginx-"))
    folder.chmod(0o755)  # its worker runs as another account when we are root
    return folder


async def _answers(port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
