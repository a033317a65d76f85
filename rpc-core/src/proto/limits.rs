//! Every quantity that a peer controls, bounded.

use std::time::Duration;

use crate::codec::DecodeLimits;

/// Declares the limits once: field, default, setter and documentation.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $default:expr;)*) => {
        /// Bounds on everything that a peer controls, for a client or a server.
        ///
        /// Each side announces its own limits when a connection opens, and an honest peer keeps to them. Calls beyond
        /// `max_calls` wait for their turn, up to `max_waiting_calls` of them; large requests beyond `max_buffered`
        /// wait, too. A call beyond any other limit is refused at once as `ResourceExhausted` and not executed. No
        /// queue grows without bound.
        ///
        /// ```
        /// use farcall::Limits;
        ///
        /// let limits = Limits::default().max_message(64 << 20).max_calls(256);
        /// ```
        ///
        /// # Memory
        /// A hostile peer can make one connection hold about:
        ///
        /// | what | at most |
        /// | --- | --- |
        /// | small requests, each of which may keep the buffer that it was read into | `max_calls` × 96 KiB |
        /// | large requests | `max_buffered` |
        /// | answers that it does not read | `max_unread`, and `max_calls` × 512 bytes of short ones |
        /// | items that are not read; buffers grow by doubling | twice `max_streams` × `stream_window` |
        /// | the growth of windows, and long items | `max_buffered` |
        /// | long items that handlers have asked for and do not take | `max_buffered` and one item, and one more in 5 s |
        /// | references to objects | `max_objects` |
        /// | over UDP, datagrams that are not processed yet | 2 MiB |
        /// | over QUIC, what was not read and incomplete frames; each lane that was used takes about 1 KiB more | 6 MiB |
        ///
        /// and the memory of the handlers that it started. The server as a whole runs `max_server_calls` handlers, and
        /// holds `max_server_unread` of answers and 64 KiB more for each connection. A UDP socket keeps 64 MiB of
        /// messages whose beginning is missing, for all its peers together. A peer that reads slowly does not make
        /// items pile up that are to be sent: a sender waits while 32 KiB of its stream have not left.
        #[derive(Clone, Debug)]
        pub struct Limits {
            $(pub(crate) $name: $kind,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, value: $kind) -> Self {
                    self.$name = value;
                    self
                }
            )*
        }
    };
}

limits! {
    /// The largest encoded argument list or result, in bytes; default 16 MiB, at most 4 GiB. A larger one fails its own
    /// call. For more data than the default, send pieces, such as the items of a stream.
    max_message: usize = 16 << 20;
    /// The largest encoded argument list or result over UDP, where it counts beside `max_message`; default 1 MiB, at
    /// most 16 MiB. Over UDP each byte costs more work, lost bytes are sent again, and the incomplete messages of all
    /// clients share one bounded memory: larger transfers belong on TCP.
    max_udp_message: usize = 1 << 20;
    /// How many bytes of requests longer than one 32 KiB frame a peer may have under way on one connection; default 64
    /// MiB, never below `max_message`. A sender waits for its turn, so a burst of large calls is slow and not refused.
    /// Only a call that a handler makes while both sides have calls under way is refused at once, since each could wait
    /// for the other. It also bounds the large answers that are made before the peer reads them: while more than that
    /// waits to be read, no handler is started.
    max_buffered: usize = 64 << 20;
    /// Calls in flight on one connection, in each direction; default 1,024, at most 1,048,576. The default is enough
    /// for a busy client, and a hostile client occupies at most that many handlers. The smaller of both sides' limits
    /// counts; calls beyond it wait, see [`max_waiting_calls`](Self::max_waiting_calls). A call is in flight until its
    /// handler has stopped and its caller has taken the answer: a call whose future is not polled keeps its place.
    max_calls: usize = 1024;
    /// Calls of this side that wait on one connection because `max_calls` are in flight; default 65,536. They wait in
    /// order until their deadline; a call that leaves the queue without a turn was not executed. A call beyond this
    /// limit is refused at once, so 0 turns waiting off. The arguments that wait are encoded already and stay in the
    /// memory of the side that calls; a peer cannot add to them. A call that a handler makes back over its own
    /// connection does not wait and is refused at once: each side could wait for the other for ever.
    max_waiting_calls: usize = 64 << 10;
    /// Calls running in one server, over all its connections; default 16,384. The peers with one identity, and of those
    /// without one the peers at one address (for IPv6: in one /64 network), may run at most three quarters of the calls
    /// that others leave free, so others can always call. Each peer without an identity and an address counts by
    /// itself.
    max_server_calls: usize = 16 << 10;
    /// How many bytes of answers may wait on one connection for the peer to read them, failures and metadata included;
    /// default 256 MiB, never below `max_message`. An answer beyond it is dropped, and its call fails as
    /// `ResourceExhausted` and executed. Above `max_buffered` no further handler is started, so only many handlers that
    /// run at the same time and return large answers reach this limit. An answer of at most 512 bytes is always sent.
    max_unread: usize = 256 << 20;
    /// The same for all connections of one server together; default 1 GiB, never below `max_message`. Each connection
    /// has 64 KiB in addition. One identity or address has at most three quarters of what others leave free.
    max_server_unread: usize = 1 << 30;
    /// Connections of one server; default 10,000. One address has at most three quarters of those that others leave
    /// free, and so has one identity: a connection counts with its address until the identity is known. Beyond the
    /// limit the oldest connection that is still being opened is closed in favour of the new one. If there is none, the
    /// new client is refused during the handshake and told why.
    max_connections: usize = 10_000;
    /// Connections of one server that are being opened: those whose clients have not finished their part of the
    /// handshake; default 4,096. The clients at one address have at most three quarters of those that other addresses
    /// leave free. Beyond the limit the oldest of them is closed in favour of the new one, because an honest client
    /// needs only some round trips. They count as connections, too.
    max_handshakes: usize = 4096;
    /// Calls that one caller may make in a second; default any number. A caller is an identity, over all its
    /// connections, or an address if it has none. After a pause it may make a second's worth at once. A call beyond it
    /// is refused and not executed, and the error says when to try again.
    max_call_rate: usize = usize::MAX;
    /// Bytes of arguments and metadata that the calls of one caller may have in a second, as for `max_call_rate`;
    /// default any number. A longer call passes if nothing is used up before it, and is paid off by those that follow.
    /// Items of streams do not count: their receiver's pace holds them back.
    max_byte_rate: usize = usize::MAX;
    /// The encoded metadata of one message, in bytes; default and most 16 KiB, so that it always fits into one frame.
    max_metadata: usize = MAX_METADATA;
    /// Streams that the peer may open on one connection; default 1,024, at most 1,048,576, and 65,536 over UDP. With 0
    /// the peer cannot open a stream. The peer's limit for streams of this side counts apart. A message that would
    /// carry one more is refused and does not wait, because streams may stay open for as long as their users like.
    max_streams: usize = 1024;
    /// How many bytes a stream's sender may be ahead of the code that reads the stream, to begin with; default 64 KiB,
    /// at least 16 KiB.
    stream_window: usize = 64 << 10;
    /// How far the window of a stream grows while its receiver takes items as fast as they come; default 16 MiB, at
    /// most 1 GiB and never below `stream_window`. The growth of all windows of one connection, and items longer than
    /// their windows, stay within `max_buffered`.
    max_stream_window: usize = 16 << 20;
    /// Objects of this side that the peer of one connection has references to; default 16,384, at most 262,144. A
    /// message that would carry a reference to one more is refused.
    max_objects: usize = 16 << 10;
    /// How long opening a connection may take, in either role; default 10 s, so that a silent peer holds nothing for
    /// long.
    handshake_timeout: Duration = Duration::from_secs(10);
    /// A server ends a connection that had no call, stream or reference to an object, in either direction, for this
    /// long; default 10 minutes. It asks the client to close it, so no call fails because of that: the next call dials
    /// again. If the client does not answer, the server closes the connection after `keepalive`.
    idle_timeout: Duration = Duration::from_secs(600);
    /// A connection is given up when not a single byte could be written for this long; default 30 s.
    write_stall: Duration = Duration::from_secs(30);
    /// After this long without a byte from the peer this side sends a ping, and after as long again without an answer
    /// it gives the connection up; default 15 s, so a vanished peer is noticed within 30 s. Over UDP every new datagram
    /// of the peer counts, even if it does not complete a message.
    ///
    /// This finds a broken path, and a process that is gone or hangs. It does not find a peer that acknowledges or
    /// sends anything else but never answers: the deadlines of calls end that. `write_stall` finds one that reads
    /// nothing.
    keepalive: Duration = Duration::from_secs(15);
    /// How deep a decoded value may nest; default 128.
    ///
    /// Decoding also fails if it would take more than 1.25 MiB of stack, including the polls of calls to objects of
    /// this process around it. So a value with levels of 8 KiB each is refused before it has 128 levels. Each level
    /// counts with its size times the number of copies that decoding makes (8, or 24 in a debug build). So no input
    /// overflows the stack of a 2 MiB thread, unless something else on it takes more than 512 KiB. Arguments, results
    /// and items of more than 128 KiB inline do not compile, and a debug build refuses to decode those above some 40
    /// KiB: put large arrays into a `Vec`. Encoding and dropping a value take less stack than decoding it.
    max_depth: u16 = 128;
    /// How many bytes of elements, and of values behind pointers, one decoded message may build in memory, however
    /// short it is on the wire; default 64 MiB. [`DecodeLimits`](crate::codec::DecodeLimits) says what is not counted.
    max_decoded: usize = 64 << 20;
}

/// The most metadata of one message: it must fit into its first frame.
pub(crate) const MAX_METADATA: usize = 16 << 10;
/// The least window of a stream: it has room for the longest list.
pub(crate) const MIN_WINDOW: usize = 16 << 10;
/// The largest window: the credit of a stream, with that for its longest item, stays below 2^32.
const MAX_WINDOW: usize = 1 << 30;
/// The most streams, in either direction: tables are indexed by them.
const MAX_STREAMS: usize = 1 << 20;
/// The most calls, and the most streams, where each has a lane of its own.
pub(crate) const MAX_LANED: usize = 1 << 16;
/// The most objects.
const MAX_OBJECTS: usize = 1 << 18;
/// The most calls in flight: tables are indexed by call, so this bounds them.
const MAX_CALLS: usize = 1 << 20;

/// The most for a message over UDP: a few of them fill the memory that all incomplete ones share.
const MAX_UDP_MESSAGE: usize = 16 << 20;

/// The shortest interval of keepalive.
const SHORTEST: Duration = Duration::from_millis(10);

impl Limits {
    /// These limits with every value inside what the wire can express.
    pub(crate) fn normalised(mut self) -> Self {
        self.max_message = self.max_message.min(u32::MAX as usize);
        self.max_udp_message = self.max_udp_message.min(MAX_UDP_MESSAGE);
        self.max_buffered = self.max_buffered.clamp(self.max_message, u32::MAX as usize);
        self.max_unread = self.max_unread.max(self.max_message);
        self.max_server_unread = self.max_server_unread.max(self.max_message);
        self.max_calls = self.max_calls.clamp(1, MAX_CALLS);
        self.max_handshakes = self.max_handshakes.max(1);
        self.max_metadata = self.max_metadata.min(MAX_METADATA);
        self.max_streams = self.max_streams.min(MAX_STREAMS);
        self.stream_window = self.stream_window.clamp(MIN_WINDOW, MAX_WINDOW);
        self.max_stream_window = self.max_stream_window.clamp(self.stream_window, MAX_WINDOW);
        self.max_objects = self.max_objects.min(MAX_OBJECTS);
        // Below the timers' resolution there would be no rest between two pings.
        self.keepalive = self.keepalive.max(SHORTEST);
        self
    }
}

/// What carries the bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// In order.
    Stream,
    /// Lanes over datagrams: only the frames of one call keep their order, and a frame may overtake those of other
    /// calls.
    Datagrams,
    /// Lanes over a transport that holds back what does not fit, so that messages may be as large as over a stream.
    #[cfg_attr(not(feature = "quic"), expect(dead_code, reason = "for QUIC"))]
    Lanes,
}

impl Carrier {
    /// Whether a frame may overtake those of other calls and streams.
    pub(crate) fn overtakes(self) -> bool {
        match self {
            Self::Stream => false,
            Self::Datagrams | Self::Lanes => true,
        }
    }

    /// How many calls or streams there may be, if the limit is this: each may need a lane.
    pub(crate) fn laned(self, limit: usize) -> usize {
        if self.overtakes() { limit.min(MAX_LANED) } else { limit }
    }

    /// The largest message.
    pub(crate) fn max_message(self, limits: &Limits) -> usize {
        match self {
            Self::Stream | Self::Lanes => limits.max_message,
            Self::Datagrams => limits.max_message.min(limits.max_udp_message),
        }
    }
}

/// The part of a peer's limits that it announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) max_message: u32,
    pub(crate) max_buffered: u32,
    pub(crate) max_calls: u32,
    pub(crate) max_metadata: u32,
    pub(crate) max_streams: u32,
    pub(crate) stream_window: u32,
}

impl Announced {
    /// What is announced of `limits` on a connection over `carrier`.
    pub(crate) fn over(carrier: Carrier, limits: &Limits) -> Self {
        let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Self {
            max_message: narrow(carrier.max_message(limits)),
            max_buffered: narrow(limits.max_buffered),
            max_calls: narrow(carrier.laned(limits.max_calls)),
            max_metadata: narrow(limits.max_metadata),
            max_streams: narrow(carrier.laned(limits.max_streams)),
            stream_window: narrow(limits.stream_window),
        }
    }
}

impl From<&Limits> for DecodeLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            depth: limits.max_depth,
            memory: limits.max_decoded,
        }
    }
}
