"""MQTT over TLS: versions and authorities, certificates as identities, renewal under live connections."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import uvloop
from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from ioc.domain.device import DeviceState
from ioc.edge.tls import LiveContext, TLSFiles, server_context
from ioc.errors import SettingsError
from ioc.ingest.mqtt.codec.packets import Disconnect, Pingreq, Pingresp, Puback, Will
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import MQTTBounds
from ioc.ingest.mqtt.limits import MQTTLimits
from tests.certificates import Authority, Pair
from tests.integration.ingest.mqtt_house import HeldSink, House, Peer, device, house_of, publish

LEVELS = pytest.mark.parametrize("level", [4, 5])


@dataclass
class SafeHouse:
    """A door with a TLS address beside its plain one."""

    house: House
    sink: HeldSink
    live: LiveContext
    authority: Authority
    port: int

    async def peer(self, pair: Pair | None = None, *, trust: Path | None = None) -> Peer:
        """Open a raw connection over TLS, with a client certificate or without."""
        context = ssl.create_default_context(cafile=trust or self.authority.path)
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port, ssl=context))
        self.house.peers.append(peer)
        return peer


@contextlib.asynccontextmanager
async def safe_house(folder: Path, *, limits: MQTTLimits | None = None) -> AsyncIterator[SafeHouse]:
    authority = Authority(folder)
    server = authority.pair("localhost", file="server", server=True)
    (folder / "revoked").write_text("# none yet\n", encoding="utf-8")
    bounds = MQTTBounds(sweep_seconds=0.05, linger_seconds=0.5, limits=limits or MQTTLimits())
    async with house_of(sink := HeldSink(), bounds=bounds) as house:
        files = TLSFiles(server.certificate, server.key, authority.path, folder / "revoked")
        live = LiveContext(files, on_revoked=house.door.revoke)
        port = await house.door.start("127.0.0.1", 0, tls=lambda: live.context)
        yield SafeHouse(house, sink, live, authority, port)


@pytest.fixture
async def safe(tmp_path):
    async with safe_house(tmp_path) as safe:
        yield safe


def s_client(port: int, *options: str) -> str:
    """Shake hands as openssl does and return all that it says."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.parametrize(("version", "name"), [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2"), (None, "TLSv1.3")])
async def test_tls_1_3_is_first_and_1_2_is_taken(safe, version, name):
    said = await asyncio.to_thread(
        s_client, safe.port, *([version] if version else []), "-CAfile", str(safe.authority.path)
    )
    assert f"New, {name}, Cipher is " in said
    assert "Verify return code: 0 (ok)" in said


@pytest.mark.parametrize("version", ["-tls1_1", "-tls1"])
async def test_older_versions_and_weak_ciphers_are_refused(safe, version):
    said = await asyncio.to_thread(s_client, safe.port, version, "-cipher", "ALL:@SECLEVEL=0")
    assert "Cipher is (NONE)" in said
    weak = await asyncio.to_thread(
        s_client, safe.port, "-tls1_2", "-cipher", "AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0"
    )
    assert "Cipher is (NONE)" in weak, "no forward secrecy, no connection"
    assert safe.house.metric("ioc_mqtt_refused_total", reason="tls_handshake") == 2


@LEVELS
async def test_a_device_with_its_key_publishes_over_tls(safe, level):
    peer = await safe.peer()
    assert (await peer.connect(level, safe.house.key)).reason_code is ReasonCode.SUCCESS
    assert await peer.ask(publish(1)) == Puback(1)


@LEVELS
async def test_a_certificate_is_the_device_without_any_password(safe, level):
    peer = await safe.peer(safe.authority.pair("rain-2"))
    assert (await peer.connect(level, None, name=None)).reason_code is ReasonCode.SUCCESS
    assert await peer.ask(publish(1, topic="ioc/v1/rainfall/rain-2")) == Puback(1)
    named = await safe.peer(safe.authority.pair("rain-2"))
    assert (await named.connect(level, None, name="rain-2")).reason_code is ReasonCode.SUCCESS


@LEVELS
async def test_a_certificate_makes_nobody_another_device_whatever_else_is_sent(safe, level):
    pair = safe.authority.pair("rain-2")
    peer = await safe.peer(pair)
    answer = await peer.connect(level, safe.house.key, name="rain-1")
    assert answer.reason_code is ReasonCode.BAD_USER_NAME_OR_PASSWORD, "a key of rain-1 does not help"
    assert await peer.hung_up()
    own = await safe.peer(pair)
    await own.connect(level, None, name=None, client_id="rain-1")
    await own.ask(publish(1, topic="ioc/v1/rainfall/rain-1"))
    assert [letter.reason for letter in safe.sink.letters] == ["forbidden_topic"]


async def test_the_will_of_a_client_with_a_certificate_is_judged_by_its_certificate(safe):
    pair = safe.authority.pair("rain-2")
    own = Will(topic="ioc/v1/rainfall/rain-2", payload=b"{}")
    assert (await (await safe.peer(pair)).connect(5, None, name=None, will=own)).reason_code is ReasonCode.SUCCESS
    foreign = Will(topic="ioc/v1/rainfall/rain-1", payload=b"{}")
    refused = await (await safe.peer(pair)).connect(5, None, name=None, will=foreign)
    assert refused.reason_code is ReasonCode.TOPIC_NAME_INVALID


@pytest.mark.parametrize("names", [("nobody-registered",), ("Rain 2",), ("rain-1", "rain-2"), ()])
async def test_a_certificate_that_names_no_device_lets_nobody_in(safe, names):
    peer = await safe.peer(safe.authority.pair(*names, file="odd"))
    answer = await peer.connect(5, safe.house.key, name=None)
    assert answer.reason_code in (ReasonCode.BAD_USER_NAME_OR_PASSWORD, ReasonCode.NOT_AUTHORIZED)


async def test_a_certificate_of_another_authority_or_out_of_date_ends_in_the_handshake(safe, tmp_path):
    stranger = Authority(tmp_path / "other", name="test authority")
    for pair in (stranger.pair("rain-2"), safe.authority.pair("rain-2", ends_in=timedelta(days=-1))):
        peer = await safe.peer(pair)  # in TLS 1.3 the client is done before the server has looked
        with pytest.raises(OSError, match=r"alert|reset|hung up"):
            await peer.connect(5, None, name=None)
    assert safe.house.metric("ioc_mqtt_refused_total", reason="tls_handshake") == 2


async def test_a_device_refuses_a_door_that_it_does_not_trust(safe, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError):
        await safe.peer(trust=Authority(tmp_path / "other").path)


async def test_a_retired_device_loses_its_live_connection(safe):
    peer = await safe.peer(safe.authority.pair("rain-2"))
    await peer.connect(5, None, name=None)
    safe.house.store.change(devices=[device("rain-2", state=DeviceState.RETIRED)])
    await safe.house.registry.refresh()
    assert await peer.next() == Disconnect(ReasonCode.NOT_AUTHORIZED)
    again = await safe.peer(safe.authority.pair("rain-2"))
    assert (await again.connect(5, None, name=None)).reason_code is ReasonCode.NOT_AUTHORIZED


async def test_a_revoked_certificate_loses_its_live_connection_and_others_stay(safe):
    lost, kept = safe.authority.pair("rain-2", file="lost"), safe.authority.pair("rain-1", file="kept")
    thief, honest = await safe.peer(lost), await safe.peer(kept)
    await thief.connect(5, None, name=None)
    await honest.connect(5, None, name=None)
    spelt = ":".join(lost.fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
    safe.live.files.revoked.write_text(f"sha256 Fingerprint={spelt}  # stolen\n", encoding="utf-8")
    assert safe.live.look()
    assert await thief.next() == Disconnect(ReasonCode.NOT_AUTHORIZED)
    assert await honest.ask(Pingreq()) == Pingresp()
    again = await safe.peer(lost)
    assert (await again.connect(5, None, name=None)).reason_code is ReasonCode.BANNED
    renewed = await safe.peer(safe.authority.pair("rain-2", file="renewed"))
    assert (await renewed.connect(5, None, name=None)).reason_code is ReasonCode.SUCCESS


async def test_a_certificate_that_ends_ends_its_connection(safe):
    peer = await safe.peer(safe.authority.pair("rain-2", ends_in=timedelta(seconds=2)))
    assert (await peer.connect(5, None, name=None)).reason_code is ReasonCode.SUCCESS
    assert await peer.next() == Disconnect(ReasonCode.NOT_AUTHORIZED)


async def test_a_renewed_certificate_serves_new_handshakes_and_old_connections_live_on(safe):
    old = await safe.peer()
    await old.connect(5, safe.house.key)
    first = old.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    safe.authority.pair("localhost", file="server", server=True)
    assert safe.live.look()
    assert not safe.live.look(), "nothing has changed since"
    new = await safe.peer()
    assert new.writer.get_extra_info("ssl_object").getpeercert(binary_form=True) != first
    assert await old.ask(publish(1)) == Puback(1)


async def test_a_broken_renewal_leaves_the_old_certificate_in_service(safe):
    safe.live.files.key.write_text("not a key", encoding="utf-8")
    assert not safe.live.look()
    peer = await safe.peer()
    assert (await peer.connect(5, safe.house.key)).reason_code is ReasonCode.SUCCESS
    safe.authority.pair("localhost", file="server", server=True)
    assert safe.live.look(), "mended, it is taken"


async def test_a_handshake_that_stalls_is_hung_up_on_and_holds_nobody_up(tmp_path):
    async with safe_house(tmp_path, limits=MQTTLimits(handshake_seconds=0.3)) as safe:
        silent = await asyncio.open_connection("127.0.0.1", safe.port)
        half = await asyncio.open_connection("127.0.0.1", safe.port)
        half[1].write(b"\x16\x03\x01\x02\x00\x01")
        honest = await safe.peer()
        assert (await honest.connect(5, safe.house.key)).reason_code is ReasonCode.SUCCESS
        for reader, writer in (silent, half):
            with contextlib.suppress(OSError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
        assert safe.house.metric("ioc_mqtt_refused_total", reason="tls_timeout") == 2


async def test_plain_bytes_on_the_tls_port_are_no_connection(safe):
    reader, writer = await asyncio.open_connection("127.0.0.1", safe.port)
    writer.write(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04rain")
    with contextlib.suppress(OSError):
        await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert safe.house.metric("ioc_mqtt_refused_total", reason="tls_handshake") == 1


@pytest.mark.parametrize("version", [MQTTv311, MQTTv5])
async def test_paho_publishes_over_tls_with_a_certificate(safe, version):
    pair = safe.authority.pair("rain-2")

    def work() -> bool:
        client = Client(CallbackAPIVersion.VERSION2, client_id="paho", protocol=version)
        client.tls_set(str(safe.authority.path), str(pair.certificate), str(pair.key))
        client.connect("127.0.0.1", safe.port)
        client.loop_start()
        try:
            sent = client.publish("ioc/v1/rainfall/rain-2", publish(7).payload, qos=1)
            sent.wait_for_publish(10)
            return sent.is_published()
        finally:
            client.disconnect()
            client.loop_stop()

    assert await asyncio.to_thread(work)
    assert [message.id for message in safe.sink.messages] == ["7"]


def test_files_that_cannot_serve_are_refused_by_name(tmp_path):
    authority = Authority(tmp_path)
    one, other = authority.pair("one"), authority.pair("other")
    with pytest.raises(SettingsError, match=r"one\.pem"):
        server_context(TLSFiles(one.certificate, other.key))
    with pytest.raises(SettingsError, match=r"missing\.pem"):
        server_context(TLSFiles(tmp_path / "missing.pem", one.key))
    (tmp_path / "revoked").write_text("\n12:34\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="line 2"):
        LiveContext(TLSFiles(one.certificate, one.key, authority.path, tmp_path / "revoked"))


def test_tls_on_uvloop_on_which_the_door_runs_in_earnest(tmp_path):
    async def scenario() -> None:
        async with safe_house(tmp_path, limits=MQTTLimits(handshake_seconds=0.3)) as safe:
            _, stalled = await asyncio.open_connection("127.0.0.1", safe.port)
            pair = safe.authority.pair("rain-2")
            first = await safe.peer(pair)
            assert (await first.connect(5, None, name=None)).reason_code is ReasonCode.SUCCESS
            numbers = range(1, 2_001)
            first.send(*[publish(number, topic="ioc/v1/rainfall/rain-2") for number in numbers])
            assert await first.take(2_000) == [Puback(number) for number in numbers]
            second = await safe.peer(pair)
            await second.connect(5, None, name=None)
            assert await first.next() == Disconnect(ReasonCode.SESSION_TAKEN_OVER)
            assert await first.hung_up()
            (tmp_path / "revoked").write_text(pair.fingerprint, encoding="utf-8")
            assert safe.live.look()
            assert await second.next() == Disconnect(ReasonCode.NOT_AUTHORIZED)
            assert await second.hung_up()
            said = await asyncio.to_thread(s_client, safe.port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
            assert "Cipher is (NONE)" in said
            while not safe.house.metric("ioc_mqtt_refused_total", reason="tls_timeout"):
                await asyncio.sleep(0.02)
            stalled.close()
            assert safe.house.metric("ioc_mqtt_refused_total", reason="tls_handshake") == 1
            assert safe.house.metric("ioc_mqtt_connections") == 0

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
