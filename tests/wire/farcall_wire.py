"""A client of the wire in docs/protocol.md: TCP and bincode, calls, errors, streams and objects, in one thread.

It is written from that document alone and uses nothing but the standard library. Names are those of the document.
"""

import socket
import struct
from collections import deque

MAGIC = b"farcall\0"
CLIENT, SERVER = 1, 2
BINCODE = 1
PIECE = 32 << 10
MAX_MESSAGE, MAX_BUFFERED, MAX_CALLS = 16 << 20, 64 << 20, 1024
MAX_METADATA, MAX_STREAMS, WINDOW = 16 << 10, 1024, 64 << 10

REQUEST, REQUEST_DATA, REPLY, REPLY_DATA, FAILURE, CANCEL, PING, PONG, GO_AWAY, CLOSE = range(1, 11)
REQUEST_ATTACH, REPLY_ATTACH, ITEM_ATTACH, ITEMS, END, CREDIT, STOP, RELEASE, UNUSED, WATCH, REVOKED = range(11, 22)
MORE = 0x80
HAS_TIMEOUT, HAS_INSTANCE, HAS_METADATA, HAS_OBJECT = 1, 2, 4, 8
YOU_RECEIVE, YOU_SEND, MY_OBJECT, YOUR_OBJECT = 0, 1, 2, 3
TOP = 1 << 31
CODES = (
    "cancelled unknown invalid_argument deadline_exceeded not_found already_exists permission_denied "
    "resource_exhausted failed_precondition aborted out_of_range unimplemented internal unavailable data_loss "
    "unauthenticated"
).split()
NOT_EXECUTED, EXECUTED, UNKNOWN = 0, 1, 2


class Broken(Exception):
    """The peer broke the protocol."""


class Lost(Exception):
    """The connection is over, with the peer's last word if there was one."""


class Failure(Exception):
    """A call or a stream failed."""

    def __init__(self, code, outcome, text, metadata=()):
        super().__init__(f"{CODES[code - 1]}: {text}")
        self.code, self.outcome, self.text, self.metadata = code, outcome, text, list(metadata)


# ---- bytes ----------------------------------------------------------------------------------------------------------


class Reader:
    """Takes values off bytes: those of fixed width, as frames have them, and those of bincode."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, length):
        end = self.position + length
        if end > len(self.data):
            raise Broken("the bytes end early")
        taken, self.position = self.data[self.position : end], end
        return taken

    def fixed(self, width):
        return int.from_bytes(self.take(width), "little")

    def rest(self):
        return self.take(len(self.data) - self.position)

    def is_empty(self):
        return self.position == len(self.data)

    def unsigned(self):
        first = self.fixed(1)
        return first if first < 251 else self.fixed({251: 2, 252: 4, 253: 8, 254: 16}[first])

    def signed(self):
        number = self.unsigned()
        return number >> 1 if number & 1 == 0 else -(number >> 1) - 1

    def bytes(self):
        return self.take(self.unsigned())

    def text(self):
        return self.bytes().decode()

    def option(self, value):
        return value() if self.fixed(1) else None

    def sequence(self, value):
        return [value() for _ in range(self.unsigned())]


def unsigned(number):
    if number < 251:
        return bytes([number])
    for marker, width in ((251, 2), (252, 4), (253, 8), (254, 16)):
        if number < 1 << 8 * width:
            return bytes([marker]) + number.to_bytes(width, "little")
    raise ValueError(number)


def signed(number):
    return unsigned(number << 1 if number >= 0 else ~number << 1 | 1)


def blob(value):
    return unsigned(len(value)) + value


def text(value):
    return blob(value.encode())


def option(encoded):
    return b"\0" if encoded is None else b"\1" + encoded


def sequence(encoded):
    return unsigned(len(encoded)) + b"".join(encoded)


def read_error(value):
    """A `farcall::Error` as a value: an error of a stream's item, or a part of somebody's own error."""
    code, outcome, message = value.unsigned() + 1, value.unsigned(), value.text()
    value.option(value.text)
    return Failure(code, outcome, message, value.sequence(lambda: (value.text(), value.bytes())))


# ---- names ----------------------------------------------------------------------------------------------------------


def fnv1a(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


def fold(value):
    return (value ^ value >> 32) & 0xFFFFFFFF


def service_id(service):
    return fold(fnv1a(service))


def method_id(service, method):
    return service_id(service) << 32 | fold(fnv1a(method))


# ---- heads and lists ------------------------------------------------------------------------------------------------


def metadata_block(pairs):
    block = b""
    for key, value in pairs:
        block += bytes([len(key)]) + key.encode() + struct.pack("<I", len(value)) + value
    return block


def read_metadata(payload):
    block, pairs = Reader(payload.take(payload.fixed(4))), []
    while not block.is_empty():
        key = block.take(block.fixed(1)).decode()
        pairs.append((key, block.take(block.fixed(4))))
    return pairs


def read_failure(data):
    payload = Reader(data)
    code, outcome, flags = payload.take(3)
    if not 1 <= code <= len(CODES) or outcome > UNKNOWN or flags & ~HAS_METADATA:
        raise Broken("a failure with an unknown code, outcome or flag")
    metadata = read_metadata(payload) if flags else []
    return Failure(code, outcome, payload.rest().decode(), metadata)


def put_failure(failure):
    return bytes([failure.code, failure.outcome, 0]) + failure.text.encode()


def read_list(data):
    payload, entries = Reader(data), []
    while not payload.is_empty():
        tag, number = payload.fixed(1), payload.fixed(4)
        if tag > YOUR_OBJECT or (tag in (YOU_RECEIVE, YOU_SEND) and number & TOP):
            raise Broken("a list with a wrong entry")
        entries.append((tag, number, payload.fixed(4) if tag == MY_OBJECT else None))
    return entries


class Message:
    """What a message carries, while its bytes are made: each entry is named by its place."""

    def __init__(self, connection):
        self.connection, self.entries, self.named = connection, [], []

    def _offer(self, entry):
        self.entries.append(entry)
        return unsigned(len(self.entries) - 1)

    def receiver(self):
        """The bytes of a stream that the other side receives, and this side's end."""
        stream = self.connection.open_stream(sends=True)
        return self._offer(struct.pack("<BI", YOU_RECEIVE, stream.wire)), stream

    def sender(self):
        """The bytes of a `Sender` for the other side, and the stream on which this side receives what it sends."""
        stream = self.connection.open_stream(sends=False)
        return self._offer(struct.pack("<BI", YOU_SEND, stream.wire)), stream

    def object(self, handler, service):
        """The bytes of a client of an object that lives here; `handler(method id, arguments)` answers its calls."""
        number = self.connection.export(handler)
        place = self._offer(struct.pack("<BII", MY_OBJECT, number, service_id(service)))
        return b"\0" + place

    def returned(self, reference):
        """The bytes of a client of an object of the other side's, which comes back to it."""
        reference.named += 1
        return b"\0" + self._offer(struct.pack("<BI", YOUR_OBJECT, reference.number))


# ---- streams and objects --------------------------------------------------------------------------------------------


class Stream:
    """One end of a stream. `wire` is how this side names it in frames that it writes."""

    def __init__(self, connection, wire, sends):
        self.connection, self.wire, self.sends = connection, wire, sends
        self.ended = self.said_last = self.heard_last = False
        self.failure = None
        # A sender's.
        self.credit, self.stopped = connection.peer_window, False
        # A receiver's.
        self.left, self.owed = WINDOW, 0
        self.arrived, self.lists, self.items = bytearray(), deque(), deque()

    # A sender.

    def send(self, item):
        """Sends an item, piece by piece as the receiver takes it. False when it takes no more."""
        rest = struct.pack("<I", len(item)) + item
        while rest and not self.stopped:
            length = min(len(rest), self.credit, PIECE)
            if length == 0:
                self.connection.pump()
                continue
            piece, rest = rest[:length], rest[length:]
            self.credit -= length
            more = MORE if rest and self.credit == 0 else 0
            self.connection.write(ITEMS | more, self.wire, piece)
        return not self.stopped

    def finish(self, failure=None):
        self._last_word(END, put_failure(failure) if failure else b"")

    # A receiver.

    def next(self):
        """The next item with what it carries; None at the end. Raises the failure that broke the stream."""
        while not self.items:
            if self.heard_last:
                self._last_word(STOP)
                if self.failure:
                    raise self.failure
                return None
            self.connection.pump()
        item, carried = self.items.popleft()
        self._use_up(4 + len(item) + carried[1])
        return Reader(item), carried[0]

    def __iter__(self):
        while (item := self.next()) is not None:
            yield item

    def stop(self):
        self._last_word(STOP)
        while not self.heard_last:
            self.connection.pump()

    def _use_up(self, length):
        self.owed += length
        self._grant_what_is_due()

    def _grant_what_is_due(self):
        """Gives credit in quarters of the window, and at once what an item that has begun lacks beyond it."""
        lacks = self._lacks()
        if self.owed < WINDOW // 4 and lacks == 0:
            return
        credit = max(self.owed, lacks)
        # Below zero it is lent, until the long item is used up.
        self.owed -= credit
        self.left += credit
        self.connection.write(CREDIT, self.wire, struct.pack("<I", credit))

    def _lacks(self):
        """The credit that the item which has begun lacks."""
        if not self.arrived:
            return 0
        length = 4
        if len(self.arrived) >= 4:
            length += int.from_bytes(self.arrived[:4], "little") & ~TOP
        return max(0, length - len(self.arrived) - self.left)

    def heard(self, kind, payload):
        if kind == CREDIT:
            self.credit += int.from_bytes(payload[:4], "little")
        elif kind in (END, STOP):
            self.failure = read_failure(payload) if payload else None
            self.stopped = self.heard_last = True
            if kind == STOP or self.said_last:
                self._last_word(END if self.sends else STOP)
            self.connection.forget_stream(self)
        elif kind == ITEM_ATTACH:
            self._count(payload)
            entries = self.connection.accept(read_list(payload))
            if self.said_last:
                self.connection.give_back(entries)
            else:
                self.lists.append((entries, len(payload)))
        else:
            self._arrive(payload)

    def _arrive(self, payload):
        self._count(payload)
        if self.said_last:
            return
        self.arrived += payload
        while len(self.arrived) >= 4:
            length = int.from_bytes(self.arrived[:4], "little")
            end = 4 + (length & ~TOP)
            if len(self.arrived) < end:
                break
            carried = self.lists.popleft() if length & TOP else ([], 0)
            self.items.append((bytes(self.arrived[4:end]), carried))
            del self.arrived[:end]
        self._grant_what_is_due()

    def _count(self, payload):
        self.left -= len(payload)
        if self.left < 0:
            raise Broken("items beyond the credit")

    def _last_word(self, kind, payload=b""):
        if not self.said_last:
            self.said_last = True
            self.connection.write(kind, self.wire, payload)
            for _, (entries, _) in self.items:
                self.connection.give_back(entries)
            self.items.clear()
        self.connection.forget_stream(self)


class Reference:
    """A reference to an object of the other side's. `named` counts the requests and lists that named it."""

    def __init__(self, connection, number, service):
        self.connection, self.number, self.service, self.named = connection, number, service, 0

    def call(self, service, method, arguments=b"", **options):
        self.named += 1
        return self.connection.call(service, method, arguments, object=self.number, **options)

    def release(self):
        self.connection.write(RELEASE, self.number, struct.pack("<Q", self.named))


# ---- calls ----------------------------------------------------------------------------------------------------------


class Call:
    """A call that this side made."""

    def __init__(self, connection, number):
        self.connection, self.number = connection, number
        self.body, self.total = bytearray(), None
        self.metadata, self.carried = [], []
        self.failure, self.ended, self.given_up = None, False, False

    def cancel(self):
        """Gives the call up. Its id is free when the answer has come."""
        if not self.ended and not self.given_up:
            self.given_up = True
            self.connection.write(CANCEL, self.number)

    def result(self):
        """The bytes of the result."""
        while not self.ended:
            self.connection.pump()
        if self.failure:
            raise self.failure
        return Reader(bytes(self.body))

    def heard(self, kind, more, payload):
        if kind == REPLY_ATTACH:
            self.carried = self.connection.accept(read_list(payload))
        elif kind == FAILURE:
            self.connection.give_back(self.carried)
            self._end(read_failure(payload))
        elif kind == REPLY:
            head = Reader(payload)
            if head.fixed(1) & HAS_METADATA:
                self.metadata = read_metadata(head)
            self.total = head.fixed(4) if more else None
            self._piece(head.rest(), more)
        else:
            self._piece(payload, more)

    def _piece(self, piece, more):
        self.body += piece
        if not more:
            if self.total not in (None, len(self.body)):
                raise Broken("the pieces add up to another length")
            if self.given_up:
                self.connection.give_back(self.carried)
            self._end(None)

    def _end(self, failure):
        self.failure, self.ended = failure, True
        self.connection.free(self)


class Connection:
    """A connection to a server; `pump` reads one frame and acts on it, and everything that waits pumps."""

    def __init__(self, host, port, codec=BINCODE, versions=(1, 1)):
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")
        self.calls, self.streams, self.objects, self.given = {}, {}, {}, {}
        self.last_word, self.going_away = None, False
        limits = (MAX_MESSAGE, MAX_BUFFERED, MAX_CALLS, MAX_METADATA, MAX_STREAMS, WINDOW)
        rest = struct.pack("<6I", *limits)
        self.socket.sendall(MAGIC + bytes([*versions, codec, CLIENT]) + struct.pack("<H", len(rest)) + rest)
        self._server_hello(codec)

    def _server_hello(self, codec):
        head = self._read(14)
        if head[:8] != MAGIC:
            raise Broken("the peer does not speak farcall")
        version, status, chosen, role, length = struct.unpack("<4BH", head[8:])
        if role != SERVER:
            raise Broken("the peer is not a server")
        rest = self._read(length)
        if status:
            raise Failure(status if status <= len(CODES) else 2, NOT_EXECUTED, rest.decode())
        if version != 1 or chosen != codec:
            raise Broken("another version or codec than was asked for")
        limits = struct.unpack("<6I", rest[:24])
        self.peer_message, self.peer_buffered, self.peer_calls, _, self.peer_streams, self.peer_window = limits

    def _read(self, length):
        data = self.input.read(length)
        if len(data) < length:
            raise Lost(self.last_word)
        return data

    def write(self, kind, number, payload=b""):
        header = struct.pack("<II", len(payload) | kind << 24, number)
        self.socket.sendall(header + payload)

    def close(self):
        self.input.close()
        self.socket.close()

    # Calls.

    def call(self, service, method, arguments=b"", message=None, **head):
        """Makes a call; the head's options are `timeout` in seconds, `instance`, `metadata` in pairs, and `object`."""
        if len(arguments) > self.peer_message:
            raise Failure(8, NOT_EXECUTED, "the arguments are too long")
        number = next(n for n in range(self.peer_calls) if n not in self.calls)
        call = self.calls[number] = Call(self, number)
        if message and message.entries:
            self.write(REQUEST_ATTACH, number, b"".join(message.entries))
        large = len(arguments) > PIECE
        payload = self._head(method_id(service, method), **head)
        if large:
            payload += struct.pack("<I", len(arguments))
        self.write(REQUEST | (MORE if large else 0), number, payload + arguments[:PIECE])
        for start in range(PIECE, len(arguments), PIECE):
            more = MORE if start + PIECE < len(arguments) else 0
            self.write(REQUEST_DATA | more, number, arguments[start : start + PIECE])
        return call

    def _head(self, method, timeout=None, instance=None, metadata=(), object=None):
        flags, rest = 0, b""
        if timeout is not None:
            flags, rest = flags | HAS_TIMEOUT, rest + struct.pack("<Q", int(timeout * 1e6))
        if instance is not None:
            flags, rest = flags | HAS_INSTANCE, rest + struct.pack("<Q", fnv1a(instance))
        if object is not None:
            flags, rest = flags | HAS_OBJECT, rest + struct.pack("<I", object)
        if metadata:
            block = metadata_block(metadata)
            flags, rest = flags | HAS_METADATA, rest + struct.pack("<I", len(block)) + block
        return struct.pack("<QB", method, flags) + rest

    def free(self, call):
        if self.calls.get(call.number) is call:
            del self.calls[call.number]

    # Streams and objects.

    def open_stream(self, sends):
        number = next(n for n in range(self.peer_streams) if n not in self.streams)
        stream = self.streams[number] = Stream(self, number, sends)
        return stream

    def forget_stream(self, stream):
        if stream.said_last and stream.heard_last and self.streams.get(stream.wire) is stream:
            del self.streams[stream.wire]

    def export(self, handler):
        number = next(n for n in range(1 << 18) if n not in self.objects)
        self.objects[number] = {"handler": handler, "references": 1, "releases": 0, "named": 0, "said": 0}
        return number

    def accept(self, entries):
        """Makes ends and references of the entries of a list that was read."""
        return [self._accept(*entry) for entry in entries]

    def _accept(self, tag, number, service):
        if tag in (YOU_RECEIVE, YOU_SEND):
            # In frames that this side writes, the top bit says that the recipient chose the number.
            wire = number | TOP
            stream = self.streams[wire] = Stream(self, wire, sends=tag == YOU_SEND)
            return stream
        if tag == MY_OBJECT:
            return Reference(self, number, service)
        self.objects[number]["named"] += 1
        return self.objects[number]["handler"]

    def give_back(self, carried):
        """Gives back what nobody claims."""
        for entry in carried:
            if isinstance(entry, Stream):
                entry._last_word(END if entry.sends else STOP, put_failure(Failure(1, NOT_EXECUTED, "nobody took it")))
            elif isinstance(entry, Reference):
                entry.release()

    # Frames.

    def pump(self):
        """Reads one frame and acts on it."""
        word, number = struct.unpack("<II", self._read(8))
        length, kind = word & 0xFFFFFF, word >> 24
        if length > 1 << 16:
            raise Broken("a frame that is too long")
        self._frame(kind & ~MORE, kind & MORE != 0, number, self._read(length))

    def _frame(self, kind, more, number, payload):
        if kind in (REPLY, REPLY_DATA, FAILURE, REPLY_ATTACH):
            self.calls[number].heard(kind, more, payload)
        elif kind in (ITEM_ATTACH, ITEMS, END, CREDIT, STOP):
            self.streams[number ^ TOP].heard(kind, payload)
        elif kind in (REQUEST, REQUEST_DATA, REQUEST_ATTACH, CANCEL):
            self._asked(kind, more, number, payload)
        elif kind == RELEASE:
            self._released(number, int.from_bytes(payload[:8], "little"))
        elif kind == PING:
            self.write(PONG, 0)
        elif kind == GO_AWAY:
            self.going_away = True
        elif kind == UNUSED:
            # This client ends its connections itself; the server leaves one that nobody uses a little later.
            pass
        elif kind == CLOSE:
            self.last_word = read_failure(payload)
            raise Lost(self.last_word)
        elif kind != PONG:
            raise Broken(f"a frame of the unknown kind {kind}")

    def _asked(self, kind, more, number, payload):
        """A request of the server's to an object of this side's; this client takes those that fit into one frame."""
        if kind != REQUEST or more:
            return
        head = Reader(payload)
        method, flags = head.fixed(8), head.fixed(1)
        if flags & HAS_TIMEOUT:
            head.fixed(8)
        if flags & HAS_INSTANCE:
            head.fixed(8)
        target = self.objects.get(head.fixed(4)) if flags & HAS_OBJECT else None
        if flags & HAS_METADATA:
            read_metadata(head)
        if target is None:
            self.write(FAILURE, number, put_failure(Failure(5, NOT_EXECUTED, "there is no such object")))
            return
        target["named"] += 1
        self.write(REPLY, number, b"\0" + target["handler"](method, head))

    def _released(self, number, named):
        target = self.objects[number]
        target["releases"] += 1
        target["said"] += named
        if target["releases"] == target["references"] and target["said"] == target["named"]:
            del self.objects[number]
