"""TLS for the doors: contexts from the operator's files, a new certificate without a restart, no plain MQTT elsewhere.

What it promises: TLS 1.2 at least; what is wrong with a file is said at the start, with its name; a file that is
replaced by a bad one later leaves the old certificate in service and says so; connections outlive a renewal.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from ioc.errors import SettingsError
from ioc.ingest.mqtt.client_cert import read_revoked
from ioc.settings import Settings

LOOK_SECONDS = 2.0
"""How often the files are looked at."""
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 has no others."""


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """The files of one listener, as PEM."""

    certificate: Path
    key: Path
    client_authority: Path | None = None
    """Who signs the certificates of devices; None: no device is asked for one."""
    revoked: Path | None = None
    """Fingerprints of client certificates that are worth nothing any more."""

    def paths(self) -> list[Path]:
        """Return every file that is there to be read."""
        return [path for path in (self.certificate, self.key, self.client_authority, self.revoked) if path is not None]


def server_context(files: TLSFiles) -> ssl.SSLContext:
    """Return a fresh context.

    Raises:
        SettingsError: a file cannot be read, or the key is not the certificate's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0  # each handshake looks at the certificates anew, and an idle device costs less memory
    context.set_ciphers(CIPHERS)
    try:
        context.load_cert_chain(files.certificate, files.key)
        if files.client_authority is not None:
            context.load_verify_locations(cafile=files.client_authority)
            context.verify_mode = ssl.CERT_OPTIONAL  # who has none may still bring a key
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        named = ", ".join(str(path) for path in files.paths())
        raise SettingsError(f"the TLS files cannot be used ({error}): look at {named}") from error
    return context


def revoked_of(files: TLSFiles) -> frozenset[str]:
    """Return the revoked fingerprints.

    Raises:
        SettingsError: the list cannot be read, or a line is no fingerprint.
    """
    if files.revoked is None:
        return frozenset()
    try:
        revoked, wrong = read_revoked(files.revoked.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the revoked certificates cannot be read ({error}): look at {files.revoked}") from error
    if wrong:
        raise SettingsError(f"{files.revoked}, line {wrong[0]}: a SHA-256 fingerprint has 64 hexadecimal digits")
    return revoked


class LiveContext:
    """The context of a listener, renewed when its files change."""

    def __init__(self, files: TLSFiles, *, on_revoked: Callable[[frozenset[str]], None] | None = None) -> None:
        """Read the files.

        Raises:
            SettingsError: they cannot be used.
        """
        self.files = files
        self._on_revoked = on_revoked
        self._seen = self._stamps()
        self.context = server_context(files)
        """For the next handshake."""
        self.revoked = revoked_of(files)
        self._first = self.context

    def _stamps(self) -> list[tuple[int, int, int]]:
        stamps = []
        for path in self.files.paths():
            try:
                seen = path.stat()
                stamps.append((seen.st_mtime_ns, seen.st_size, seen.st_ino))
            except OSError:
                stamps.append((0, 0, 0))
        return stamps

    def look(self) -> bool:
        """Read the files again if one has changed; return whether what they say is in force now."""
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        self._seen = stamps
        log = structlog.get_logger()
        try:
            context, revoked = server_context(self.files), revoked_of(self.files)
        except SettingsError as error:
            # Only one file of the pair may have been replaced so far; replacing the other changes a time stamp again.
            log.warning("tls_files_unusable", error=str(error), advice="the old certificate stays in service")
            return False
        self.context = context
        # The web server holds the context that it was given: its certificate is changed in place.
        self._first.load_cert_chain(self.files.certificate, self.files.key)
        log.info("tls_files_read", certificate=str(self.files.certificate), revoked=len(revoked))
        if revoked != self.revoked:
            self.revoked = revoked
            if self._on_revoked is not None:
                self._on_revoked(revoked)
        return True

    async def follow(self) -> None:
        """Look at the files until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()


def mqtt_files(settings: Settings) -> TLSFiles | None:
    """Return the files of MQTT over TLS; None: it is not served.

    Raises:
        SettingsError: the port is given without its files.
    """
    if settings.mqtt_tls_port is None:
        return None
    certificate, key = settings.mqtt_tls_cert, settings.mqtt_tls_key
    if certificate is None or key is None:
        raise SettingsError("IOC_MQTT_TLS_PORT needs IOC_MQTT_TLS_CERT and IOC_MQTT_TLS_KEY, or `ioc up --tls self`")
    return TLSFiles(certificate, key, settings.mqtt_tls_client_ca, settings.mqtt_tls_revoked)


def http_files(settings: Settings) -> TLSFiles | None:
    """Return the files of HTTPS; None: plain HTTP is served.

    Raises:
        SettingsError: one of the two is given without the other.
    """
    certificate, key = settings.http_tls_cert, settings.http_tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise SettingsError("IOC_HTTP_TLS_CERT and IOC_HTTP_TLS_KEY go together")
    return TLSFiles(certificate, key)


def is_loopback(host: str) -> bool:
    """Tell whether a listening address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_tls(settings: Settings) -> None:
    """Refuse settings that would send device keys in clear over a network, or that name files which are not there.

    Raises:
        SettingsError: with what to do.
    """
    if not is_loopback(settings.mqtt_host) and not settings.mqtt_plain_anywhere:
        raise SettingsError(
            f"IOC_MQTT_HOST={settings.mqtt_host} would take device keys in clear from the network: serve TLS"
            " (IOC_MQTT_TLS_PORT with its certificate, or `ioc up --tls self`) and leave IOC_MQTT_HOST at 127.0.0.1;"
            " where something else protects the way, say IOC_MQTT_PLAIN_ANYWHERE=true"
        )
    for files in (mqtt_files(settings), http_files(settings)):
        if files is not None:
            server_context(files)
            revoked_of(files)
