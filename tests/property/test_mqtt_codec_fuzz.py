"""The MQTT codec on any packet, any bytes and any cut: what must hold whatever a device sends."""

from __future__ import annotations

from itertools import islice
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ioc.domain.messaging.topic import topic_matches
from ioc.ingest.mqtt.codec.decoder import HEAD_BYTES_MAX, Decoder
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import (
    NO_PROPERTIES,
    REASONS_IN,
    TYPES_FROM,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Oversize,
    Packet,
    PacketType,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Sender,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
)
from ioc.ingest.mqtt.codec.properties import PROPERTIES
from ioc.ingest.mqtt.codec.reasons import RETURN_CODE_BY_REASON, ProtocolViolation, ReasonCode

T = PacketType

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
topics = st.text(st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), min_size=1, max_size=20)
levels_of_filter = st.lists(st.sampled_from(["+", "a", "b", "", "Đà"]), min_size=1, max_size=5)
filters = st.builds(
    lambda levels, tail: "/".join([*levels, *tail]), levels_of_filter, st.sampled_from([[], ["#"]])
).filter(bool)
blobs = st.binary(max_size=40)
packet_ids = st.integers(1, 65_535)
qualities = st.integers(0, 2)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "message_expiry_s": st.integers(0, 2**32 - 1),
    "content_type": texts,
    "response_topic": topics,
    "correlation_data": blobs,
    "session_expiry_s": st.integers(0, 2**32 - 1),
    "assigned_client_id": texts,
    "server_keep_alive_s": st.integers(0, 65_535),
    "authentication_method": texts,
    "authentication_data": blobs,
    "will_delay_s": st.integers(0, 2**32 - 1),
    "response_information": texts,
    "server_reference": texts,
    "reason_string": texts,
    "receive_maximum": st.integers(1, 65_535),
    "topic_alias_maximum": st.integers(0, 65_535),
    "topic_alias": st.integers(1, 65_535),
    "maximum_qos": st.integers(0, 1),
    "maximum_packet_bytes": st.integers(1, 2**32 - 1),
    "subscription_identifiers": st.lists(st.integers(1, 268_435_455), min_size=1, max_size=3).map(tuple),
    "user_properties": st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
}


@st.composite
def properties_of(draw: st.DrawFn, packet_type: PacketType, *, without: frozenset[str] = frozenset()) -> Properties:
    """Any properties that such a packet may have."""
    names = [prop.name for prop in PROPERTIES.values() if packet_type in prop.packets and prop.name not in without]
    chosen = {name: draw(VALUES.get(name, st.booleans())) for name in names if draw(st.booleans())}
    if "authentication_method" not in chosen:
        chosen.pop("authentication_data", None)
    if packet_type is T.SUBSCRIBE and "subscription_identifiers" in chosen:
        chosen["subscription_identifiers"] = chosen["subscription_identifiers"][:1]
    if packet_type is T.AUTH:
        chosen.setdefault("authentication_method", "m")
    return Properties(**chosen)


def properties_at(level: int, packet_type: PacketType, **kwargs: frozenset[str]) -> st.SearchStrategy[Properties]:
    return properties_of(packet_type, **kwargs) if level == 5 else st.just(NO_PROPERTIES)


def reasons_in(packet_type: PacketType) -> st.SearchStrategy[ReasonCode]:
    return st.sampled_from(sorted(REASONS_IN[packet_type]))


@st.composite
def connects(draw: st.DrawFn, level: int) -> Connect:
    username = draw(st.none() | texts)
    clean_start = draw(st.booleans())
    return Connect(
        protocol_level=level,
        client_id=draw(topics if level == 4 and not clean_start else texts),
        clean_start=clean_start,
        keep_alive_s=draw(st.integers(0, 65_535)),
        username=username,
        password=None if username is None and level == 4 else draw(st.none() | blobs),
        will=draw(
            st.none()
            | st.builds(
                Will,
                topic=topics,
                payload=blobs,
                qos=qualities,
                retain=st.booleans(),
                properties=properties_at(level, T.WILL),
            )
        ),
        properties=draw(properties_at(level, T.CONNECT)),
    )


@st.composite
def publishes(draw: st.DrawFn, level: int, sender: Sender) -> Publish:
    qos = draw(qualities)
    without = frozenset({"subscription_identifiers"} if sender is Sender.CLIENT else ())
    properties = draw(properties_at(level, T.PUBLISH, without=without))
    return Publish(
        topic=draw(topics if properties.topic_alias is None else topics | st.just("")),
        payload=draw(st.binary(max_size=300)),
        qos=qos,
        packet_id=draw(packet_ids) if qos else 0,
        retain=draw(st.booleans()),
        dup=draw(st.booleans()) if qos else False,
        properties=properties,
    )


def acks(level: int) -> st.SearchStrategy[Packet]:
    kinds = ((Puback, T.PUBACK), (Pubrec, T.PUBREC), (Pubrel, T.PUBREL), (Pubcomp, T.PUBCOMP))
    if level == 4:
        return st.one_of([st.builds(ack, packet_ids) for ack, _ in kinds])
    return st.one_of([st.builds(ack, packet_ids, reasons_in(kind), properties_of(kind)) for ack, kind in kinds])


def from_client(level: int) -> st.SearchStrategy[Packet]:
    """Any packet that a client may send after its CONNECT."""
    subscription = st.builds(Subscription, topic_filter=filters, qos=qualities)
    if level == 5:
        flags = st.booleans()
        subscription = st.builds(
            Subscription,
            topic_filter=filters | filters.map("$share/doors/{}".format),
            qos=qualities,
            retain_as_published=flags,
            retain_handling=st.integers(0, 2),
        ) | st.builds(Subscription, topic_filter=filters, no_local=flags)
    common = st.one_of(
        publishes(level, Sender.CLIENT),
        acks(level),
        st.builds(
            Subscribe,
            packet_id=packet_ids,
            subscriptions=st.lists(subscription, min_size=1, max_size=3).map(tuple),
            properties=properties_at(level, T.SUBSCRIBE),
        ),
        st.builds(
            Unsubscribe,
            packet_id=packet_ids,
            topic_filters=st.lists(filters, min_size=1, max_size=3).map(tuple),
            properties=properties_at(level, T.UNSUBSCRIBE),
        ),
        st.just(Pingreq()),
    )
    return common | endings() if level == 5 else common | st.just(Disconnect())


def endings() -> st.SearchStrategy[Packet]:
    return st.one_of(
        st.builds(Disconnect, reasons_in(T.DISCONNECT), properties_of(T.DISCONNECT)),
        st.builds(Auth, reasons_in(T.AUTH), properties_of(T.AUTH)),
        st.just(Auth()),
    )


def from_server(level: int) -> st.SearchStrategy[Packet]:
    """Any packet that a server may send."""
    common = publishes(level, Sender.SERVER) | acks(level) | st.just(Pingresp())
    if level == 4:
        known = [
            reason for reason in RETURN_CODE_BY_REASON if reason.name not in {"BANNED", "BAD_AUTHENTICATION_METHOD"}
        ]
        granted = st.sampled_from([ReasonCode(code) for code in (0, 1, 2, 0x80)])
        return st.one_of(
            common,
            st.builds(Connack, reason_code=st.sampled_from(known)),
            st.builds(Suback, packet_id=packet_ids, reason_codes=st.lists(granted, min_size=1, max_size=3).map(tuple)),
            st.builds(Unsuback, packet_id=packet_ids),
        )
    return st.one_of(
        common,
        endings(),
        st.builds(Connack, session_present=st.booleans(), properties=properties_of(T.CONNACK)),
        st.builds(Connack, reason_code=reasons_in(T.CONNACK), properties=properties_of(T.CONNACK)),
        *(
            st.builds(
                answer,
                packet_id=packet_ids,
                reason_codes=st.lists(reasons_in(kind), min_size=1, max_size=3).map(tuple),
                properties=properties_of(kind),
            )
            for answer, kind in ((Suback, T.SUBACK), (Unsuback, T.UNSUBACK))
        ),
    )


@st.composite
def conversations(draw: st.DrawFn) -> tuple[int, Sender, list[Packet]]:
    """All that one side says on one connection."""
    level, sender = draw(st.sampled_from([4, 5])), draw(st.sampled_from(list(Sender)))
    if sender is Sender.SERVER:
        return level, sender, draw(st.lists(from_server(level), min_size=1, max_size=6))
    return level, sender, [draw(connects(level)), *draw(st.lists(from_client(level), max_size=6))]


def cut(data: bytes, lengths: list[int]) -> list[bytes]:
    """`data` in chunks of `lengths`, over and over."""
    chunks, position, turn = [], 0, 0
    while position < len(data):
        length = lengths[turn % len(lengths)]
        chunks.append(data[position : position + length])
        position, turn = position + length, turn + 1
    return chunks


def decoder_of(level: int, sender: Sender, *, max_packet_bytes: int = 100_000) -> Decoder:
    known = level if sender is Sender.SERVER else None
    return Decoder(max_packet_bytes, sender=sender, protocol_level=known, topic_alias_maximum=65_535)


def decode(decoder: Decoder, chunks: list[bytes]) -> tuple[list[object], ReasonCode | None]:
    """Every packet, and the reason of the violation that ended it, if one did."""
    packets: list[object] = []
    try:
        for chunk in chunks:
            decoder.feed(chunk)
            packets.extend(decoder)
    except ProtocolViolation as violation:
        return packets, violation.reason_code
    return packets, None


@given(conversations(), st.lists(st.integers(1, 50), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_every_packet_comes_back_as_it_was_however_the_bytes_are_cut(conversation, lengths):
    level, sender, packets = conversation
    data = b"".join(encode(packet, level) for packet in packets)
    assert decode(decoder_of(level, sender), cut(data, lengths)) == (packets, None)


@given(conversations())
@settings(max_examples=100, deadline=None)
def test_feeding_while_iterating_or_before_iterating_changes_nothing(conversation):
    level, sender, packets = conversation
    chunks = cut(b"".join(encode(packet, level) for packet in packets), [7])
    early, late = chunks[: len(chunks) // 2], chunks[len(chunks) // 2 :]
    decoder = decoder_of(level, sender)
    for chunk in early:
        decoder.feed(chunk)
    seen: list[object] = []
    for packet in decoder:
        seen.append(packet)
        if late:
            decoder.feed(late.pop(0))
        seen.extend(islice(decoder, 1))  # a second iteration inside the first
    decoder.feed(b"".join(late))
    seen.extend(decoder)
    assert seen == packets
    assert decoder.held_bytes == 0


raw_streams = st.binary(max_size=200) | st.lists(
    st.tuples(st.integers(0, 255), st.binary(max_size=30)), min_size=1, max_size=4
).map(lambda rows: b"".join(bytes([first, len(body)]) + body for first, body in rows))


@given(raw_streams, st.sampled_from([None, 4, 5]), st.sampled_from(list(Sender)), st.integers(1, 9))
@settings(max_examples=1_500, deadline=None)
@example(b"\x30\x80\x80\x80\x80", 4, Sender.CLIENT, 1)
@example(b"\x30\xff\xff\xff\x7f\x00\x01t", 5, Sender.CLIENT, 2)
@example(bytes.fromhex("3005000174840100"), 5, Sender.CLIENT, 9)
def test_any_bytes_give_packets_or_a_violation_and_the_same_however_they_are_cut(data, level, sender, length):
    def fresh() -> Decoder:
        return Decoder(64, sender=sender, protocol_level=level)

    whole = decode(fresh(), [data])
    assert decode(fresh(), cut(data, [length])) == whole


@given(conversations(), st.data())
@settings(max_examples=500, deadline=None)
def test_a_changed_byte_gives_packets_that_can_be_written_again_or_a_violation(conversation, data):
    level, sender, packets = conversation
    stream = bytearray(b"".join(encode(packet, level) for packet in packets))
    stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    decoder = decoder_of(level, sender)
    seen, _ = decode(decoder, [bytes(stream)])
    for packet in seen:
        now = decoder.protocol_level
        assert now is not None
        assert not isinstance(packet, Oversize)
        again = Decoder(
            100_000,
            sender=sender,
            protocol_level=None if isinstance(packet, Connect) else now,
            topic_alias_maximum=65_535,
        )
        assert decode(again, [encode(packet, now)]) == ([packet], None)  # type: ignore[arg-type]


@given(
    st.sampled_from([4, 5]),
    st.integers(0, 20_000),
    st.lists(st.integers(1, 6_000), min_size=1, max_size=5),
    qualities,
    st.binary(min_size=1, max_size=9),
)
@settings(max_examples=150, deadline=None)
def test_an_oversize_publish_streams_past_and_its_neighbours_stand(level, length, lengths, qos, pattern):
    payload = (pattern * (length // len(pattern) + 1))[:length]
    properties = Properties(content_type="x") if level == 5 else NO_PROPERTIES
    big = Publish(topic="big/Đà", payload=payload, qos=qos, packet_id=9 if qos else 0, properties=properties)
    data = encode(Publish(topic="a", payload=b"1"), level) + encode(big, level) + encode(Puback(5), level)
    decoder = Decoder(1_000, protocol_level=level)
    packets, reason = decode(decoder, cut(data, lengths))
    expected: Publish | Oversize = big
    if len(encode(big, level)) > 1_000:
        expected = Oversize(
            topic=big.topic,
            head=payload[:HEAD_BYTES_MAX],
            payload_bytes=length,
            qos=qos,
            packet_id=big.packet_id,
            properties=properties,
        )
    assert (packets, reason) == ([Publish(topic="a", payload=b"1"), expected, Puback(5)], None)


def naive_match(wanted: list[str], levels: list[str]) -> bool:
    """The rules of section 4.7, word for word and level by level."""
    if wanted == ["#"]:
        return True
    if not wanted or not levels:
        return wanted == levels
    return wanted[0] in {"+", levels[0]} and naive_match(wanted[1:], levels[1:])


@given(filters, levels_of_filter)
@settings(max_examples=500)
def test_matching_agrees_with_the_rules_word_for_word(topic_filter, levels):
    names = [level if level != "+" else "c" for level in levels]
    assert topic_matches(topic_filter, "/".join(names)) == naive_match(topic_filter.split("/"), names)


def test_the_strategies_can_make_every_property_and_every_packet():
    """A strategy that forgot one would let the tests above pass without it."""
    flags = {prop.name for prop in PROPERTIES.values() if prop.read is PROPERTIES[0x01].read}
    assert set(VALUES) | flags == {prop.name for prop in PROPERTIES.values()} == set(Properties.__slots__)
    assert TYPES_FROM[Sender.CLIENT] | TYPES_FROM[Sender.SERVER] == set(T) - {T.WILL}
