//! Bytes of a datagram: what is read is written again and must come out the same.

use std::ops::Range;

use crate::proto::datagram::{
    chunk::{self, ACK_RANGES, Ack, Chunk},
    packet::{Datagram, seal},
    ranges::Ranges,
};

/// Reads `data` as a datagram as it is, then with a checksum that is right, and then as chunks.
pub(super) fn run(data: &[u8]) {
    datagram(data);
    let mut sealed = data.to_vec();
    seal(&mut sealed);
    datagram(&sealed);
    chunks(data);
}

fn datagram(data: &[u8]) {
    let Some(datagram) = Datagram::read(data) else { return };
    let mut written = Vec::new();
    datagram.put(&mut written);
    assert_eq!(Datagram::read(&written), Some(datagram), "what was written is read");
    if let Datagram::Packet { chunks: packet, .. } = datagram {
        assert_eq!(written, data, "packets are written as they are read");
        chunks(packet);
    }
}

fn chunks(mut packet: &[u8]) {
    while let Ok(Some(chunk)) = Chunk::take(&mut packet) {
        let mut written = Vec::new();
        match chunk {
            Chunk::Data {
                lane,
                offset,
                after,
                bytes,
            } => chunk::put_data(&mut written, lane, offset, after, bytes),
            Chunk::Ack(ack) => {
                acknowledgement(&ack);
                continue;
            }
            Chunk::Ping => chunk::put_ping(&mut written),
            Chunk::Challenge(token) => chunk::put_challenge(&mut written, token),
            Chunk::Response(token) => chunk::put_response(&mut written, token),
            Chunk::Close => chunk::put_close(&mut written),
        }
        assert_eq!(
            Chunk::take(&mut &written[..]),
            Ok(Some(chunk)),
            "what was written is read"
        );
    }
}

fn acknowledgement(ack: &Ack<'_>) {
    let ranges: Vec<Range<u64>> = ack.ranges().collect();
    assert_eq!(ranges.first().map(|first| first.end), Some(ack.largest + 1));
    assert!(ranges.iter().all(|range| range.start < range.end), "{ranges:?}");
    let apart = ranges.windows(2).all(|pair| pair[1].end < pair[0].start);
    assert!(apart, "ranges that touch are one: {ranges:?}");
    let mut received = Ranges::default();
    for range in &ranges {
        received.insert(range.clone());
    }
    let mut written = Vec::new();
    chunk::put_ack(&mut written, &received, ack.delay);
    let again = Chunk::take(&mut &written[..]);
    let Ok(Some(Chunk::Ack(again))) = again else {
        panic!("{again:?} was written as an acknowledgement")
    };
    assert_eq!((again.largest, again.delay), (ack.largest, ack.delay));
    assert!(again.ranges().eq(ranges.into_iter().take(ACK_RANGES)));
}
