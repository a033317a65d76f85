//! What an open stream weighs that carries nothing.

use std::{env, process::Command, time::Duration};

use tokio::time::sleep;

use crate::{
    peer::{Peer, Result},
    peers,
    process::{ServerProcess, own_memory},
    threads::Threads,
    work::Load,
};

/// Some peers say that a stream is open before both sides have made all of it.
const SETTLE: Duration = Duration::from_secs(1);

/// One process for each peer: what one leaves in the allocator is not to help the next.
pub(crate) fn weigh_all(streams: &str) -> Result<()> {
    for peer in peers::names() {
        let status = Command::new(env::current_exe()?)
            .args(["idle", streams, peer])
            .status()?;
        if !status.success() {
            return Err(format!("{peer}: {status}").into());
        }
    }
    Ok(())
}

/// Opens `streams` streams over one connection and says what both processes have grown by; nothing if `peer` has no
/// streams.
pub(crate) async fn weigh(peer: &dyn Peer, streams: usize) -> Result<String> {
    let server = ServerProcess::start(peer.name(), Threads::default())?;
    let Some(first) = peer.connect(server.address, Load::Idle(1)) else {
        return Ok(String::new());
    };
    // All that is made once is there when the others come.
    let _first = first.await?;
    sleep(SETTLE).await;
    let (client_before, server_before) = (own_memory()?, server.memory()?);
    let connecting = peer.connect(server.address, Load::Idle(streams));
    let _held = connecting.ok_or("the peer has streams")?.await?;
    sleep(SETTLE).await;
    let each = |before: u64, after: u64| after.saturating_sub(before) / streams as u64;
    let client = each(client_before, own_memory()?);
    let server = each(server_before, server.memory()?);
    Ok(format!(
        "{}: {streams} streams, {client} bytes each on the client, {server} on the server\n",
        peer.name()
    ))
}
