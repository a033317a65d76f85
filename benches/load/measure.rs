//! One peer under one load for one interval.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::{
    peer::{Peer, Result, Session, Stop},
    process::{ServerProcess, own_cpu_time},
    work::Load,
};

/// Long enough for pools to fill and buffers to grow.
const WARM_UP: Duration = Duration::from_millis(200);
/// What a peer may need beyond its interval before it counts as stuck.
const GRACE: Duration = Duration::from_secs(20);

/// What one measurement gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) calls_per_second: f64,
    /// Microseconds of CPU time for each call.
    pub(crate) client_cpu: f64,
    pub(crate) server_cpu: f64,
}

pub(crate) async fn measure(peer: &dyn Peer, load: Load, duration: Duration) -> Result<Sample> {
    let server = ServerProcess::start(peer.name())?;
    let mut session = timeout(GRACE, peer.connect(server.address, load))
        .await
        .map_err(|_| "the client did not connect")??;
    run_for(WARM_UP, session.as_mut()).await?;

    let (client_before, server_before) = (own_cpu_time()?, server.cpu_time()?);
    let start = Instant::now();
    let calls = run_for(duration, session.as_mut()).await?;
    let elapsed = start.elapsed();
    let (client, server) = (own_cpu_time()? - client_before, server.cpu_time()? - server_before);

    if calls == 0 {
        return Err("no call was answered".into());
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer calls than an f64 counts exactly")]
    let calls = calls as f64;
    Ok(Sample {
        calls_per_second: calls / elapsed.as_secs_f64(),
        client_cpu: client / calls,
        server_cpu: server / calls,
    })
}

async fn run_for(duration: Duration, session: &mut dyn Session) -> Result<u64> {
    let stop = Stop::default();
    let clock = async {
        sleep(duration).await;
        stop.set();
    };
    let run = async { tokio::join!(session.run(stop.clone()), clock).0 };
    timeout(duration + GRACE, run).await.map_err(|_| "calls got stuck")?
}
