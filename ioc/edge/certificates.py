"""`ioc up --tls self`: an authority and a server certificate of this instance's own, for a LAN without a public name.

What it promises: keys are made once, kept in `tls/` of the data folder and readable by their owner only; the server's
certificate is renewed by itself before it ends or when this machine's addresses change, under the same authority, so
that what trusts the authority goes on trusting.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ioc.settings import Settings

AUTHORITY_DAYS = 3_650
SERVER_DAYS = 397
"""Browsers take no longer life."""
RENEW_DAYS = 30
CLOCK_DAYS = 1
"""Certificates begin a day early: clocks of devices lag."""
ANYWHERE = "0.0.0.0"  # noqa: S104 - over TLS, and asked for by name
MQTT_TLS_PORT = 8_883
AUTHORITY_NAME = "IOC own authority"


@dataclass(frozen=True, slots=True)
class OwnCertificates:
    """Where they are."""

    authority: Path
    certificate: Path
    key: Path
    fingerprint: str
    """SHA-256 of the authority's certificate, to compare by eye where it is installed."""


def with_own_tls(settings: Settings, now: datetime) -> tuple[Settings, OwnCertificates]:
    """Return settings that serve HTTPS and MQTT over TLS to the LAN with this instance's own certificates.

    An address or port that was set stays as it was set.
    """
    own = own_certificates(settings.data_dir, now)
    given = settings.model_fields_set
    update: dict[str, object] = {
        "http_tls_cert": own.certificate, "http_tls_key": own.key,
        "mqtt_tls_cert": own.certificate, "mqtt_tls_key": own.key,
    }  # fmt: skip
    if "http_host" not in given:
        update["http_host"] = ANYWHERE
    if settings.mqtt_tls_port is None:
        update["mqtt_tls_port"] = MQTT_TLS_PORT
    return settings.model_copy(update=update), own


def own_certificates(data_dir: Path, now: datetime, *, names: Sequence[str] | None = None) -> OwnCertificates:
    """Return this instance's certificates, made or renewed where needed.

    ``names`` are the host names and addresses that the server is reached by; None: all of this machine.
    """
    folder = data_dir / "tls"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    names = list(names) if names is not None else machine_names()
    authority, authority_key = _authority(folder, now)
    certificate, key = folder / "server.pem", folder / "server.key"
    if not _serves(certificate, key, authority=authority, names=names, now=now):
        _make_server(certificate, key, authority=authority, authority_key=authority_key, names=names, now=now)
    fingerprint = authority.fingerprint(hashes.SHA256()).hex(":").upper()
    return OwnCertificates(folder / "ca.pem", certificate, key, fingerprint)


def machine_names() -> list[str]:
    """Return the names and addresses that this machine answers to, loopback first."""
    host = socket.gethostname()
    found = ["localhost", "127.0.0.1", "::1"]
    if host and host.isascii():
        found += [host, f"{host}.local"] if "." not in host else [host]
    with contextlib.suppress(OSError):  # a host name that resolves to nothing
        found += [str(info[4][0]).partition("%")[0] for info in socket.getaddrinfo(host, None)]
    address = lan_address()
    return list(dict.fromkeys([*found, *([address] if address else [])]))


def lan_address() -> str | None:
    """Return the address that this machine has towards its network; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return None


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_path, key_path = folder / "ca.pem", folder / "ca.key"
    if certificate_path.exists() and key_path.exists():
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        if isinstance(key, ec.EllipticCurvePrivateKey) and certificate.not_valid_after_utc > now:
            return certificate, key
    key = ec.generate_private_key(ec.SECP256R1())
    # Two instances must not make two authorities of one name: chains would be built with the wrong key.
    serial = x509.random_serial_number()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{AUTHORITY_NAME} {serial:x}"[:48])])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=CLOCK_DAYS))
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(key_path, key)
    _write(certificate_path, certificate.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _serves(path: Path, key_path: Path, *, authority: x509.Certificate, names: Sequence[str], now: datetime) -> bool:
    """Tell whether the server's certificate is good for a while and for every name."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        certificate.verify_directly_issued_by(authority)
        known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    if key.public_key() != certificate.public_key():
        return False
    if certificate.not_valid_after_utc - now < timedelta(days=RENEW_DAYS):
        return False
    return set(_general_names(names)) <= set(known)


def _make_server(
    path: Path, key_path: Path, *, authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey,
    names: Sequence[str], now: datetime,
) -> None:  # fmt: skip
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=CLOCK_DAYS))
        .not_valid_after(now + timedelta(days=SERVER_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(key_path, key)
    _write(path, certificate.public_bytes(serialization.Encoding.PEM))


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    raw = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(path, raw)


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    draft = path.with_suffix(path.suffix + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
