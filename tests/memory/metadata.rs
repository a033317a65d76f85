//! Metadata takes the memory of its bytes while a handler waits, however many pairs it is cut into.

use farcall::{Context, Limits, Result, Server, layer::Next};
use farcall_tests::{
    Gate, TestResult,
    raw::{self, Peer},
    wrap,
};

use crate::{HEAP, alone};

#[farcall::service]
trait Probe {
    async fn wait(&self) -> Result<usize>;
}

struct Waits(Gate);

impl Probe for Waits {
    async fn wait(&self) -> Result<usize> {
        let context = Context::current();
        self.0.pass().await;
        Ok(context.metadata().len())
    }
}

/// A request with as many pairs as fit: a key of one byte and no value.
fn request(call: u32) -> (Vec<u8>, usize) {
    let pairs = (16 << 10) / 6;
    let mut payload = raw::head("wait");
    *payload.last_mut().expect("the flags") = 4;
    payload.extend((6 * pairs as u32).to_le_bytes());
    payload.extend(b"\x01k\0\0\0\0".repeat(pairs));
    (raw::frame(raw::REQUEST, call, &payload), pairs)
}

#[test]
fn a_call_with_thousands_of_pairs_holds_their_bytes() -> TestResult {
    alone(async {
        const CALLS: u32 = 100;
        for layered in [false, true] {
            let gate = Gate::new();
            let mut server = Server::new().service(ProbeServer::new(Waits(gate.clone())));
            if layered {
                server = server.layer(wrap(|request, mut next: Next| {
                    use tower_service::Service;
                    next.call(request)
                }));
            }
            let server = server.limits(Limits::default()).listen("tcp://127.0.0.1:0").await?;
            let mut peer = Peer::connect(&server.local_addr()).await?;
            let before = HEAP.current_usage();
            let (_, pairs) = request(0);
            for call in 0..CALLS {
                peer.send(&request(call).0).await?;
                gate.entered().await;
            }
            // As `Limits` says of small requests.
            let held = (HEAP.current_usage() - before) / CALLS as usize;
            assert!(held < 64 << 10, "{held} bytes a call");
            gate.open(CALLS as usize);
            for _ in 0..CALLS {
                let frame = peer.next().await?;
                assert_eq!(
                    (frame.kind, &frame.payload[1..]),
                    (raw::REPLY, &raw::encode(&Result::<usize>::Ok(pairs))[..])
                );
            }
        }
        Ok(())
    })
}
