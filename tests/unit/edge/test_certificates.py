"""The certificates of `ioc up --tls self`: made once, renewed in time, under one authority."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta

from cryptography import x509

from ioc.edge.certificates import RENEW_DAYS, SERVER_DAYS, own_certificates, with_own_tls
from ioc.edge.tls import TLSFiles, is_loopback, server_context
from ioc.settings import Settings

NOW = datetime(2026, 11, 24, tzinfo=UTC)
NAMES = ["localhost", "127.0.0.1", "192.168.1.5"]


def test_they_serve_and_stay_as_they_are_until_shortly_before_their_end(tmp_path):
    own = own_certificates(tmp_path, NOW, names=NAMES)
    server_context(TLSFiles(own.certificate, own.key))
    certificate = x509.load_pem_x509_certificate(own.certificate.read_bytes())
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name) for name in named.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "192.168.1.5"]
    first, authority = own.certificate.read_bytes(), own.authority.read_bytes()
    own_certificates(tmp_path, NOW + timedelta(days=SERVER_DAYS - RENEW_DAYS - 2), names=NAMES)
    assert own.certificate.read_bytes() == first
    own_certificates(tmp_path, NOW + timedelta(days=SERVER_DAYS - RENEW_DAYS + 2), names=NAMES)
    assert own.certificate.read_bytes() != first
    assert own.authority.read_bytes() == authority, "who trusts it goes on trusting"


def test_another_address_or_a_broken_file_makes_a_new_certificate_under_the_same_authority(tmp_path):
    own = own_certificates(tmp_path, NOW, names=NAMES)
    first, authority = own.certificate.read_bytes(), own.authority.read_bytes()
    own_certificates(tmp_path, NOW, names=[*NAMES, "10.0.0.7"])
    second = own.certificate.read_bytes()
    assert second != first
    own.key.write_text("torn", encoding="utf-8")
    again = own_certificates(tmp_path, NOW, names=NAMES)
    assert again.fingerprint == own.fingerprint
    assert (own.certificate.read_bytes() != second, own.authority.read_bytes() == authority) == (True, True)
    server_context(TLSFiles(own.certificate, own.key))


def test_only_the_owner_reads_them(tmp_path):
    own_certificates(tmp_path, NOW, names=NAMES)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tls").iterdir()} == {0o600}


def test_what_was_set_stays_as_it_was_set(tmp_path):
    served, own = with_own_tls(Settings(data_dir=tmp_path), NOW)
    assert (served.http_host, served.mqtt_host, served.mqtt_tls_port) == ("0.0.0.0", "127.0.0.1", 8_883)  # noqa: S104
    assert served.http_tls_cert == own.certificate
    narrow = Settings(data_dir=tmp_path, http_host="127.0.0.1", mqtt_tls_port=9_999)
    served, _ = with_own_tls(narrow, NOW)
    assert (served.http_host, served.mqtt_tls_port) == ("127.0.0.1", 9_999)


def test_loopback_is_this_machine_only():
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "", "localhost.example"))  # noqa: S104
