//! Every quantity that a peer controls, bounded.

use std::time::Duration;

use crate::codec::DecodeLimits;

/// Declares the limits once: field, default, setter and documentation.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $default:expr;)*) => {
        /// Bounds on everything that a peer controls, for a client or a server.
        ///
        /// Each side announces its own when a connection opens, and an honest peer keeps to them without being told
        /// twice. Calls wait for their turn, as many as `max_waiting_calls` says. Whatever else is full is refused at
        /// once as `ResourceExhausted` and not executed; nothing queues without bound.
        ///
        /// ```
        /// use farcall::Limits;
        ///
        /// let limits = Limits::default().max_message(64 << 20).max_calls(256);
        /// ```
        ///
        /// # Memory
        /// A peer that does its worst makes one connection hold about:
        ///
        /// | what | at most |
        /// | --- | --- |
        /// | small requests, each of which may keep the buffer that it was read into | `max_calls` × 96 KiB |
        /// | large requests | `max_buffered` |
        /// | answers that it does not read | `max_unread`, and `max_calls` × 512 bytes of short ones |
        /// | items that nobody takes; buffers grow by doubling | twice `max_streams` × `stream_window` |
        /// | what windows have grown, and long items | `max_buffered` |
        /// | long items that handlers have asked for and do not take | `max_buffered` and one item, and one more in 5 s |
        /// | references to objects | `max_objects` |
        /// | over UDP, what nobody has looked at | 2 MiB |
        ///
        /// and what the handlers that it started hold themselves. The server as a whole runs `max_server_calls`
        /// handlers, and holds `max_server_unread` of answers and 64 KiB more for each connection; a UDP socket keeps
        /// 64 MiB of messages whose beginning is missing, for all its peers. Nobody makes it hold items that are to be
        /// sent: a sender waits while 32 KiB of its stream have not left.
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
    /// The largest encoded argument list or result, in bytes; default 16 MiB, at most 4 GiB. Larger ones fail their own
    /// call. The default is what an in-memory message should reach at most: above it, transfers belong in pieces.
    max_message: usize = 16 << 20;
    /// The largest of them over UDP, where it counts beside `max_message`; default 1 MiB, at most 16 MiB. Each byte
    /// costs more work there and repeats where the network loses, and incomplete messages of all clients share one
    /// bounded memory: larger transfers belong on TCP.
    max_udp_message: usize = 1 << 20;
    /// How many bytes of requests longer than one 32 KiB frame a peer may have under way on one connection; default 64
    /// MiB, never below `max_message`. A sender waits for its turn, so a burst of large calls is slow and not refused.
    /// Only a call that a handler makes while both sides have calls under way is refused at once, since each could wait
    /// for the other. It also bounds the large answers that are made for a peer before it reads them: with more than
    /// that waiting, no handler is started until the peer has read some.
    max_buffered: usize = 64 << 20;
    /// Calls in flight on one connection, in each direction; default 1,024, at most 1,048,576. Enough for a busy
    /// client, and a hostile one occupies at most that many handlers. The smaller of both sides' limits counts; calls
    /// beyond it wait, see [`max_waiting_calls`](Self::max_waiting_calls). A call is in flight until its handler has
    /// stopped and its caller has taken the answer: one whose future is not polled keeps its place.
    max_calls: usize = 1024;
    /// Calls of this side that wait on one connection because `max_calls` are in flight; default 65,536. First come,
    /// first served, until their deadline: one that leaves the queue without a turn was not executed. One beyond the
    /// limit is refused at once, so 0 turns waiting off. The arguments that wait are encoded already and stay in the
    /// memory of the side that calls: nothing a peer does adds to them. A handler that calls back over its own
    /// connection is refused at once instead: each side could wait for the other for ever.
    max_waiting_calls: usize = 64 << 10;
    /// Calls running in one server, over all its connections; default 16,384. The peers at one address (of IPv6: one
    /// network of /64) run at most three quarters of what others leave, so that somebody at another address always gets
    /// in; peers without addresses, as over a Unix socket, count one by one.
    max_server_calls: usize = 16 << 10;
    /// How many bytes of answers may wait on one connection for the peer to read them, failures and metadata included;
    /// default 256 MiB, never below `max_message`. What a handler answers beyond it is dropped, and the call fails as
    /// `ResourceExhausted` and executed. Above `max_buffered` no further handler is started, so this is met by many
    /// handlers that run at one time and each answer much. An answer of at most 512 bytes always goes out.
    max_unread: usize = 256 << 20;
    /// The same for all connections of one server together; default 1 GiB, never below `max_message`. Each connection
    /// has 64 KiB beside it, and the peers at one address have at most three quarters of what others leave.
    max_server_unread: usize = 1 << 30;
    /// Connections of one server; default 10,000, and of one address three quarters of what others leave. Above it the
    /// connection that was being opened for the longest gives way; where there is none a client is told so and turned
    /// away during the handshake.
    max_connections: usize = 10_000;
    /// The encoded metadata of one message, in bytes; default and most 16 KiB, so that it always fits into one frame.
    max_metadata: usize = MAX_METADATA;
    /// Streams that the peer may have open on one connection, besides as many as it allows this side; default 1,024, at
    /// most 1,048,576, and 65,536 over UDP. With 0 it can open none. A message that would carry one more is refused,
    /// and does not wait: streams may stay open for as long as their users like.
    max_streams: usize = 1024;
    /// How many bytes of a stream its sender may be ahead of the receiver's user to begin with; default 64 KiB, at
    /// least 16 KiB.
    stream_window: usize = 64 << 10;
    /// How far the window of a stream grows while its receiver takes items as fast as they come; default 16 MiB, at
    /// most 1 GiB and never below `stream_window`. All growth on one connection, and items longer than their windows,
    /// stay within `max_buffered`.
    max_stream_window: usize = 16 << 20;
    /// Objects of this side that the peer of one connection has references to; default 16,384, at most 262,144. A
    /// message that would carry a reference to one more is refused.
    max_objects: usize = 16 << 10;
    /// How long opening a connection may take, in either role; default 10 s, so that a silent peer holds nothing for
    /// long.
    handshake_timeout: Duration = Duration::from_secs(10);
    /// A server gives a connection back that had no call, stream or reference to an object, in either direction, for
    /// this long; default 10 minutes. It asks the client to end it, so no call meets that end: the next one dials
    /// again. A client that does not answer is left after `keepalive`.
    idle_timeout: Duration = Duration::from_secs(600);
    /// A connection is given up when it takes no byte of what is to be written for this long; default 30 s.
    write_stall: Duration = Duration::from_secs(30);
    /// After this long without a byte from the peer it is asked for one, and after as long again it is given up;
    /// default 15 s, which finds a vanished peer within 30 s. Over UDP every new datagram of the peer counts, whether
    /// it makes a message whole or not.
    ///
    /// This finds a path that is cut and a process that is gone or hangs. A peer that goes on acknowledging, or sending
    /// anything else, and never answers is left to the deadlines of calls, and one that reads nothing to `write_stall`.
    keepalive: Duration = Duration::from_secs(15);
    /// How deep a decoded value may nest; default 128.
    ///
    /// Decoding also fails where it would take more than 1.25 MiB of stack, with the polls of calls to objects of this
    /// process around it: levels that hold 8 KiB each are refused before they are 128. A level counts when it begins,
    /// by its size times what decoding copies it (8 times, 24 in a debug build). So no input overflows the stack of a 2
    /// MiB thread, unless something else on it takes more than 512 KiB. Arguments, results and items of more than 128
    /// KiB in themselves do not compile, and a debug build refuses those above some 40 KiB where they arrive: large
    /// arrays belong into a `Vec`. Encoding and dropping take less stack than decoding the same value did.
    max_depth: u16 = 128;
    /// How many bytes of elements, and of values behind pointers, one decoded message may build in memory, whatever it
    /// takes on the wire; default 64 MiB. [`DecodeLimits`](crate::codec::DecodeLimits) says what that does not see.
    max_decoded: usize = 64 << 20;
}

/// The most metadata of one message: it must fit into its first frame, whatever the limits say.
pub(crate) const MAX_METADATA: usize = 16 << 10;
/// The least window of a stream: it has room for the longest list.
pub(crate) const MIN_WINDOW: usize = 16 << 10;
/// The most: the credit of a stream, with that for its longest item, stays below 2^32.
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

/// What the bytes of a connection travel in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// In order.
    Stream,
    /// Those of one call in order; a frame may come before those of other calls that were written before it.
    Datagrams,
}

impl Carrier {
    /// The largest message.
    pub(crate) fn max_message(self, limits: &Limits) -> usize {
        match self {
            Self::Stream => limits.max_message,
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
        let max_streams = match carrier {
            Carrier::Stream => limits.max_streams,
            Carrier::Datagrams => limits.max_streams.min(MAX_LANED),
        };
        Self {
            max_message: narrow(carrier.max_message(limits)),
            max_buffered: narrow(limits.max_buffered),
            max_calls: narrow(limits.max_calls),
            max_metadata: narrow(limits.max_metadata),
            max_streams: narrow(max_streams),
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
