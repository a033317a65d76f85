//! One peer doing one work.

use std::{
    thread,
    time::{Duration, Instant},
};

use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    beside::SMALL,
    peer::{Connecting, Done, Peer, Result, Session, Stop},
    process::{ServerProcess, own_cpu_time},
    threads::{Flavour, Threads},
    waits::Latency,
    work::{Calls, Kind, Load, Paced, Slow, Traffic},
};

/// Long enough for pools to fill and buffers to grow.
const WARM_UP: Duration = Duration::from_millis(200);
/// What a peer may need beyond its interval before it counts as stuck.
const GRACE: Duration = Duration::from_secs(20);
/// Of the work with slow calls.
const CONNECTIONS: u32 = 8;
/// What such a server is asked for at its peak.
const PEAK: Calls = Calls {
    connections: CONNECTIONS as usize,
    in_flight: 16,
    body: SMALL,
};

/// What one measurement gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Calls or items.
    pub(crate) per_second: f64,
    pub(crate) client: Cpu,
    pub(crate) server: Cpu,
    /// Where calls are timed.
    pub(crate) latency: Option<Latency>,
    /// The same calls without what disturbs them, where something does.
    pub(crate) quiet: Option<Latency>,
}

/// What a process used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    /// Microseconds for each call or item.
    pub(crate) each: f64,
    /// The share of a core that was busy.
    pub(crate) cores: f64,
}

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) duration: Duration,
    pub(crate) client: Threads,
    pub(crate) server: Threads,
}

/// `None` if the peer cannot do it.
pub(crate) fn measure(peer: &dyn Peer, kind: Kind, setting: Setting) -> Result<Option<Sample>> {
    match kind {
        Kind::Rate(load) => measure_load(peer, load, setting),
        Kind::InProcess(calls) => measure_in_process(peer, calls, setting.duration),
        Kind::ServerCore(calls) => measure_core(peer, calls, setting),
        Kind::Beside => measure_beside(peer, setting),
        Kind::Neighbours(slow) => measure_neighbours(peer, slow, setting),
    }
}

/// All CPU time is the client's.
fn measure_in_process(peer: &dyn Peer, calls: Calls, duration: Duration) -> Result<Option<Sample>> {
    let Some(connecting) = peer.connect_in_process(calls) else {
        return Ok(None);
    };
    let threads = Threads {
        flavour: Flavour::Current,
        core: None,
    };
    threads.run(measure_session(connecting, duration, None)).map(Some)
}

/// The server's only core is number 0, the client's number 1.
fn measure_core(peer: &dyn Peer, calls: Calls, setting: Setting) -> Result<Option<Sample>> {
    let on = |core| Threads {
        flavour: Flavour::Current,
        core: Some(core),
    };
    let setting = Setting {
        server: on(0),
        client: on(1),
        ..setting
    };
    let sample = measure_load(peer, Load::calls(calls), setting)?;
    Ok(sample.map(|sample| Sample {
        per_second: 1e6 / sample.server.each,
        ..sample
    }))
}

fn measure_beside(peer: &dyn Peer, setting: Setting) -> Result<Option<Sample>> {
    let Some(sample) = measure_load(peer, Load::Echo(Traffic::Beside), setting)? else {
        return Ok(None);
    };
    let quiet = measure_load(peer, Load::calls(Calls::one(SMALL)), setting)?;
    Ok(quiet.map(|quiet| Sample {
        quiet: quiet.latency,
        ..sample
    }))
}

fn measure_neighbours(peer: &dyn Peer, slow: Slow, setting: Setting) -> Result<Option<Sample>> {
    let Some(peak) = measure_load(peer, Load::calls(PEAK), setting)? else {
        return Ok(None);
    };
    let paced = |slow| {
        let paced = Paced {
            connections: CONNECTIONS,
            per_second: peak.per_second / 2.0,
            slow,
        };
        measure_load(peer, Load::Echo(Traffic::Paced(paced)), setting)
    };
    let (Some(quiet), Some(sample)) = (paced(None)?, paced(Some(slow))?) else {
        return Ok(None);
    };
    Ok(Some(Sample {
        quiet: quiet.latency,
        ..sample
    }))
}

/// With a fresh server and new connections.
fn measure_load(peer: &dyn Peer, load: Load, setting: Setting) -> Result<Option<Sample>> {
    let server = ServerProcess::start(peer.name(), setting.server)?;
    let Some(connecting) = peer.connect(server.address, load) else {
        return Ok(None);
    };
    let measuring = measure_session(connecting, setting.duration, Some(&server));
    setting.client.run(measuring).map(Some)
}

async fn measure_session(connecting: Connecting, duration: Duration, server: Option<&ServerProcess>) -> Result<Sample> {
    let mut session = timeout(GRACE, connecting)
        .await
        .map_err(|_| "the client did not connect")??;
    measure_connected(session.as_mut(), duration, server).await
}

/// With what is connected already.
pub(crate) async fn measure_connected(
    session: &mut dyn Session,
    duration: Duration,
    server: Option<&ServerProcess>,
) -> Result<Sample> {
    let server_cpu_time = || server.map_or(Ok(0.0), ServerProcess::cpu_time);
    run_for(WARM_UP, session).await?;

    let (client_before, server_before) = (own_cpu_time()?, server_cpu_time()?);
    let start = Instant::now();
    let done = run_for(duration, session).await?;
    let elapsed = start.elapsed();
    let (client, server) = (own_cpu_time()? - client_before, server_cpu_time()? - server_before);
    sample(done, elapsed, client, server)
}

async fn run_for(duration: Duration, session: &mut dyn Session) -> Result<Done> {
    let stop = Stop::default();
    let clock = stop.clone();
    // On a thread of its own: a session for which something is always ready lets no timer of this runtime run.
    spawn_blocking(move || {
        thread::sleep(duration);
        clock.set();
    });
    timeout(duration + GRACE, session.run(stop))
        .await
        .map_err(|_| "it got stuck")?
}

/// CPU time in microseconds.
fn sample(done: Done, elapsed: Duration, client: f64, server: f64) -> Result<Sample> {
    if done.count == 0 {
        return Err("nothing was counted".into());
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer than an f64 counts exactly")]
    let count = done.count as f64;
    let cpu = |time: f64| Cpu {
        each: time / count,
        cores: time / 1e6 / elapsed.as_secs_f64(),
    };
    Ok(Sample {
        per_second: count / elapsed.as_secs_f64(),
        client: cpu(client),
        server: cpu(server),
        latency: done.waits.latency(),
        quiet: None,
    })
}
