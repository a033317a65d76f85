//! One peer under one load for one interval.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::{
    peer::{Done, Peer, Result, Session, Stop},
    process::{ServerProcess, own_cpu_time},
    waits::Latency,
    work::Load,
};

/// Long enough for pools to fill and buffers to grow.
const WARM_UP: Duration = Duration::from_millis(200);
/// What a peer may need beyond its interval before it counts as stuck.
const GRACE: Duration = Duration::from_secs(20);

/// What one measurement gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Calls or items.
    pub(crate) per_second: f64,
    /// Microseconds of CPU time for each.
    pub(crate) client_cpu: f64,
    pub(crate) server_cpu: f64,
    /// Where calls are timed.
    pub(crate) latency: Option<Latency>,
}

/// `None` if the peer cannot do it.
pub(crate) async fn measure(peer: &dyn Peer, load: Load, duration: Duration) -> Result<Option<Sample>> {
    let server = ServerProcess::start(peer.name())?;
    let Some(connecting) = peer.connect(server.address, load) else {
        return Ok(None);
    };
    let mut session = timeout(GRACE, connecting)
        .await
        .map_err(|_| "the client did not connect")??;
    run_for(WARM_UP, session.as_mut()).await?;

    let (client_before, server_before) = (own_cpu_time()?, server.cpu_time()?);
    let start = Instant::now();
    let done = run_for(duration, session.as_mut()).await?;
    let elapsed = start.elapsed();
    let (client, server) = (own_cpu_time()? - client_before, server.cpu_time()? - server_before);

    if done.count == 0 {
        return Err(format!("no {} was counted", load.unit()).into());
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer than an f64 counts exactly")]
    let count = done.count as f64;
    Ok(Some(Sample {
        per_second: count / elapsed.as_secs_f64(),
        client_cpu: client / count,
        server_cpu: server / count,
        latency: done.waits.latency(),
    }))
}

async fn run_for(duration: Duration, session: &mut dyn Session) -> Result<Done> {
    let stop = Stop::default();
    let clock = async {
        sleep(duration).await;
        stop.set();
    };
    let run = async { tokio::join!(session.run(stop.clone()), clock).0 };
    timeout(duration + GRACE, run).await.map_err(|_| "it got stuck")?
}
