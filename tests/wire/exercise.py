"""Holds docs/protocol.md against a running server: `python3 exercise.py HOST PORT`.

The server is the one of tests/reference_client.rs. Each check is a function; the last line says how many passed.
"""

import faulthandler
import socket
import struct
import sys

import farcall_wire as wire
from farcall_wire import Connection, Failure, Lost, Message, blob, option, sequence, signed, text, unsigned

SERVICE = "Bench"


def expect(found, expected):
    if found != expected:
        raise AssertionError(f"found {found!r}, expected {expected!r}")


def failure(attempt):
    """The failure that an attempt ends with."""
    try:
        attempt()
    except Failure as error:
        return error
    raise AssertionError("it did not fail")


def ok(result):
    """The good side of a `Result`."""
    expect(result.unsigned(), 0)
    return result


def carried(call):
    """What a result that is one place stands for."""
    place = call.result().unsigned()
    return call.carried[place]


# ---- hello ----------------------------------------------------------------------------------------------------------


def check_a_codec_that_the_server_lacks_is_refused(address):
    refused = failure(lambda: Connection(*address, codec=99))
    expect((refused.code, refused.outcome), (9, wire.NOT_EXECUTED))


def check_a_version_that_the_server_lacks_is_refused(address):
    refused = failure(lambda: Connection(*address, versions=(7, 9)))
    expect(refused.code, 9)


def check_limits_of_a_hello_have_bytes_behind_them_that_are_ignored(address):
    plain = socket.create_connection(address)
    limits = struct.pack("<6I", 1 << 20, 1 << 20, 16, 1 << 10, 16, 16 << 10) + b"later"
    plain.sendall(wire.MAGIC + bytes([1, 1, 1, wire.CLIENT]) + struct.pack("<H", len(limits)) + limits)
    with plain.makefile("rb") as answer:
        expect(answer.read(10), wire.MAGIC + bytes([1, 0]))
    plain.close()


# ---- calls and errors -----------------------------------------------------------------------------------------------


def check_calls_answer_in_any_order(peer):
    calls = [(number, peer.call(SERVICE, "double", unsigned(number))) for number in range(300)]
    for number, call in reversed(calls):
        expect(call.result().unsigned(), 2 * number)


def check_arguments_are_written_one_after_another(peer):
    arguments = signed(-7) + text("größer") + option(None) + sequence([unsigned(1), unsigned(70_000)]) + blob(b"\0\1")
    result = peer.call(SERVICE, "describe", arguments).result()
    expect(result.text(), '-7 "größer" None [1, 70000] [0, 1]')
    expect(result.is_empty(), True)


def check_a_typed_error_is_variant_1(peer):
    expect(ok(peer.call(SERVICE, "divide", signed(7) + signed(-2)).result()).signed(), -3)
    result = peer.call(SERVICE, "divide", signed(7) + signed(0)).result()
    expect((result.unsigned(), result.unsigned(), result.signed()), (1, 0, 7))


def check_a_farcall_error_is_a_failure_as_result_and_a_value_inside_another(peer):
    refused = failure(peer.call(SERVICE, "refuse", unsigned(5)).result)
    expect((refused.code, refused.outcome, refused.text), (5, wire.EXECUTED, "nothing here"))
    expect(refused.metadata, [("retry-after", b"3")])
    result = peer.call(SERVICE, "divide", signed(7) + signed(99)).result()
    expect((result.unsigned(), result.unsigned()), (1, 1))
    inner = wire.read_error(result)
    expect((inner.code, inner.outcome, inner.text), (9, wire.EXECUTED, "not that number"))
    expect(inner.metadata, [("why-bin", b"\0\xff")])
    expect(result.is_empty(), True)


def check_metadata_goes_both_ways(peer):
    call = peer.call(SERVICE, "tenant", metadata=[("tenant", b"eu"), ("proof-bin", b"\0\xff")])
    expect(call.result().text(), "eu [0, 255]")
    expect(call.metadata, [("served-by", b"bench")])


def check_what_is_not_there_was_not_executed(peer):
    for call, code in (
        (peer.call("Nowhere", "double", unsigned(1)), 12),
        (peer.call(SERVICE, "nothing"), 12),
        (peer.call(SERVICE, "double", unsigned(1), instance="nobody"), 5),
        (peer.call(SERVICE, "double", unsigned(1), object=77), 5),
        (peer.call(SERVICE, "double", b"\xff"), 3),
        (peer.call(SERVICE, "double", unsigned(1) + b"more"), 3),
        (peer.call(SERVICE, "double", unsigned(1), timeout=0), 4),
    ):
        refused = failure(call.result)
        expect((refused.code, refused.outcome), (code, wire.NOT_EXECUTED))


def check_an_instance_is_chosen_by_its_name(peer):
    expect(peer.call(SERVICE, "double", unsigned(4), instance="triple/it").result().unsigned(), 12)


def check_deadlines_and_cancels_stop_a_handler(peer):
    late = failure(peer.call(SERVICE, "hang", timeout=0.05).result)
    expect((late.code, late.outcome), (4, wire.UNKNOWN))
    call = peer.call(SERVICE, "hang")
    call.cancel()
    gone = failure(call.result)
    expect(gone.code, 1)


def check_large_messages_go_in_pieces(peer):
    body = bytes(range(256)) * 4096
    calls = [peer.call(SERVICE, "echo", blob(body + bytes([n]))) for n in range(4)]
    expect(peer.call(SERVICE, "double", unsigned(1)).result().unsigned(), 2)
    for n, call in enumerate(calls):
        expect(call.result().bytes(), body + bytes([n]))


# ---- streams --------------------------------------------------------------------------------------------------------


def check_a_result_is_a_stream(peer):
    call = peer.call(SERVICE, "count", unsigned(1000))
    expect([item.unsigned() for item, _ in carried(call)], list(range(1000)))


def check_long_items_and_long_streams_need_credit(peer):
    call = peer.call(SERVICE, "blobs", unsigned(5) + unsigned(300_000))
    stream = carried(call)
    expect([len(item.bytes()) for item, _ in stream], [300_000] * 5)
    call = peer.call(SERVICE, "blobs", unsigned(3000) + unsigned(500))
    stream = carried(call)
    expect(sum(len(item.bytes()) for item, _ in stream), 1_500_000)


def check_an_item_has_its_error_as_a_value(peer):
    call = peer.call(SERVICE, "fail_after", unsigned(2))
    items = list(carried(call))
    expect([items[0][0].unsigned(), items[0][0].unsigned()], [0, 0])
    last = items[-1][0]
    expect(last.unsigned(), 1)
    error = wire.read_error(last)
    expect((error.code, error.text), (15, "the disk is gone"))


def check_a_stop_ends_a_stream(peer):
    call = peer.call(SERVICE, "forever")
    stream = carried(call)
    expect(stream.next()[0].unsigned(), 0)
    stream.stop()
    expect(stream.wire in peer.streams, False)


def check_a_deadline_ends_the_streams_of_an_answered_call(peer):
    call = peer.call(SERVICE, "forever", timeout=0.1)
    stream = carried(call)

    def read():
        for _ in stream:
            pass

    expect(failure(read).code, 4)


def check_a_cancel_after_the_answer_ends_nothing(peer):
    call = peer.call(SERVICE, "forever")
    stream = carried(call)
    peer.write(wire.CANCEL, call.number)
    for expected in range(100):
        expect(stream.next()[0].unsigned(), expected)
    stream.stop()


def check_an_argument_is_a_stream(peer):
    message = Message(peer)
    place, stream = message.receiver()
    call = peer.call(SERVICE, "sum", place, message)
    for number in range(20_000):
        stream.send(unsigned(number))
    stream.finish()
    expect(ok(call.result()).unsigned(), sum(range(20_000)))


def check_a_broken_argument_is_told(peer):
    message = Message(peer)
    place, stream = message.receiver()
    call = peer.call(SERVICE, "sum", place, message)
    stream.send(unsigned(1))
    stream.finish(Failure(10, wire.UNKNOWN, "the source broke"))
    expect("the source broke" in failure(call.result).text, True)


def check_streams_go_both_ways_at_once(peer):
    message = Message(peer)
    place, stream = message.receiver()
    call = peer.call(SERVICE, "doubled", place, message)
    answers = carried(call)
    for number in range(100):
        stream.send(unsigned(number))
        expect(answers.next()[0].unsigned(), 2 * number)
    stream.finish()
    expect(answers.next(), None)


def check_ends_of_channels_are_values(peer):
    call = peer.call(SERVICE, "desk")
    result = ok(call.result())
    orders, receipts = call.carried[result.unsigned()], call.carried[result.unsigned()]
    expect((orders.sends, receipts.sends), (True, False))
    orders.send(text("three apples"))
    expect(receipts.next()[0].unsigned(), 12)
    orders.finish()
    expect(receipts.next(), None)


def check_a_sender_is_a_stream_on_which_the_peer_sends(peer):
    message = Message(peer)
    place, stream = message.sender()
    peer.call(SERVICE, "fill", place + unsigned(3), message).result()
    expect([item.unsigned() for item, _ in stream], [0, 1, 2])


def check_an_item_carries_a_stream(peer):
    call = peer.call(SERVICE, "nested")
    outer = carried(call)
    inner = []
    for item, entries in outer:
        stream = entries[item.unsigned()]
        inner.append([value.unsigned() for value, _ in stream])
    expect(inner, [[0], [0, 1], [0, 1, 2]])


def check_a_watch_is_a_place_and_the_value_as_it_is(peer):
    call = peer.call(SERVICE, "level")
    result = ok(call.result())
    stream = call.carried[result.unsigned()]
    before = result.unsigned()
    peer.call(SERVICE, "raise_level").result()
    expect(stream.next()[0].unsigned(), before + 1)
    stream.stop()


# ---- objects --------------------------------------------------------------------------------------------------------


def opened(peer):
    call = peer.call(SERVICE, "open")
    result = ok(call.result())
    expect(result.unsigned(), 0)
    session = call.carried[result.unsigned()]
    expect(session.service, wire.service_id("Session"))
    return session


def check_an_object_is_called_and_released(peer):
    session = opened(peer)
    expect([ok(session.call("Session", "next").result()).unsigned() for _ in range(3)], [1, 2, 3])
    message = Message(peer)
    back = message.returned(session)
    expect(ok(peer.call(SERVICE, "look", back, message).result()).unsigned(), 4)
    session.release()
    while peer.call(SERVICE, "sessions").result().unsigned():
        pass
    refused = failure(session.call("Session", "next").result)
    expect((refused.code, refused.outcome), (5, wire.NOT_EXECUTED))


def check_the_server_calls_back(peer):
    heard = []

    def listener(method, arguments):
        expect(method, wire.method_id("Listener", "heard"))
        heard.append(arguments.text())
        return b"\0"

    message = Message(peer)
    client = message.object(listener, "Listener")
    expect(ok(peer.call(SERVICE, "tell", client + unsigned(3), message).result()).is_empty(), True)
    expect(heard, ["0", "1", "2"])
    while peer.objects:
        peer.pump()


def check_a_client_of_an_address_is_variant_1(peer):
    result = ok(peer.call(SERVICE, "elsewhere").result())
    expect((result.unsigned(), result.text()), (1, "tcp://127.0.0.1:1/named"))


def check_the_registry_is_a_service(peer):
    registry = "farcall.Registry"
    result = ok(peer.call(registry, "list").result())
    expect(result.sequence(lambda: (result.text(), result.text())), [("counter", "Session")])
    call = peer.call(registry, "lookup", text("counter"))
    result = ok(call.result())
    expect((result.text(), result.unsigned()), ("Session", 0))
    session = call.carried[result.unsigned()]
    expect(ok(session.call("Session", "next").result()).unsigned(), 1)
    session.release()
    missing = failure(peer.call(registry, "lookup", text("nobody")).result)
    expect((missing.code, missing.outcome), (5, wire.EXECUTED))


# ---- the end --------------------------------------------------------------------------------------------------------


def check_pings_are_answered_by_both_sides(peer):
    peer.write(wire.PING, 0)
    while True:
        word, _ = struct.unpack("<II", peer._read(8))
        if word >> 24 == wire.PONG:
            return


def check_a_violation_is_named_before_the_end(address):
    peer = Connection(*address)
    peer.write(200, 0)
    try:
        while True:
            peer.pump()
    except Lost:
        expect(peer.last_word.code, 13)
    peer.close()


def check_a_server_that_shuts_down_goes_away_and_closes(peer):
    expect(peer.call(SERVICE, "shut_down").result().is_empty(), True)
    try:
        while True:
            peer.pump()
    except Lost:
        expect((peer.going_away, peer.last_word.outcome), (True, wire.NOT_EXECUTED))


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    checks = [(name, check) for name, check in globals().items() if name.startswith("check_")]
    shared = Connection(*address)
    # A wait that never ends is a failure of its check, and says where.
    faulthandler.dump_traceback_later(40, exit=True)
    for name, check in checks:
        print(name.removeprefix("check_").replace("_", " "), flush=True)
        takes_address = check.__code__.co_varnames[0] == "address"
        check(address if takes_address else shared)
    print(f"{len(checks)} passed, 0 failed")


if __name__ == "__main__":
    main()
