//! Pipes inside this process, found by name in one table for the whole process.

use std::{collections::BTreeMap, io, sync::MutexGuard};

use tokio::{io::duplex, sync::mpsc};

use super::{Accepting, Address, BoxStream, Connected, Connecting, Connector, Listener};
use crate::sync::Mutex;

/// How many bytes wait in a pipe, each way, before its writer does: the order of a socket buffer's size.
const PIPE_CAPACITY: usize = 256 * 1024;

/// How many connections wait to be accepted before connecting waits: what operating systems give a listening socket.
pub(super) const ACCEPT_QUEUE: usize = 128;

type Doors = BTreeMap<String, mpsc::Sender<BoxStream>>;

static DOORS: Mutex<Doors> = Mutex::new(BTreeMap::new());

fn doors() -> MutexGuard<'static, Doors> {
    DOORS.lock()
}

/// Two ends of a pipe inside this process. One reads what the other writes; dropping one is the other's end of file.
///
/// Each way holds 256 KiB before the writer waits.
///
/// ```
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (mut here, mut there) = farcall::transport::mem_pair();
/// here.write_all(b"ping").await?;
/// let mut bytes = [0; 4];
/// there.read_exact(&mut bytes).await?;
/// assert_eq!(&bytes, b"ping");
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn mem_pair() -> (BoxStream, BoxStream) {
    let (here, there) = duplex(PIPE_CAPACITY);
    (Box::new(here), Box::new(there))
}

#[derive(Debug)]
pub(super) struct MemConnector {
    address: Address,
    name: String,
}

impl MemConnector {
    pub(super) fn new(address: Address, name: String) -> Self {
        Self { address, name }
    }

    async fn open(&self) -> io::Result<BoxStream> {
        let nobody = || {
            let message = format!("nothing in this process listens on mem://{}", self.name);
            io::Error::new(io::ErrorKind::ConnectionRefused, message)
        };
        let door = doors().get(&self.name).cloned().ok_or_else(nobody)?;
        let (here, there) = mem_pair();
        door.send(there).await.map_err(|_| nobody())?;
        Ok(here)
    }
}

impl Connector for MemConnector {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let peer = self.address.clone().with_instance("");
            Ok(Connected::new(self.open().await?, peer).near())
        })
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

pub(super) fn bind(address: &Address, name: &str) -> io::Result<Box<dyn Listener>> {
    let mut doors = doors();
    if doors.contains_key(name) {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "the name is taken in this process",
        ));
    }
    let (door, arrivals) = mpsc::channel(ACCEPT_QUEUE);
    doors.insert(name.to_owned(), door);
    Ok(Box::new(BoundMem {
        arrivals,
        address: address.clone(),
        name: name.to_owned(),
    }))
}

struct BoundMem {
    arrivals: mpsc::Receiver<BoxStream>,
    address: Address,
    name: String,
}

impl Listener for BoundMem {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            // The table keeps a sender for as long as this listener lives.
            let stream = self.arrivals.recv().await.ok_or(io::ErrorKind::NotConnected)?;
            Ok(Connected::new(stream, self.address.clone()).near().into())
        })
    }

    fn local_address(&self) -> Address {
        self.address.clone()
    }
}

impl Drop for BoundMem {
    fn drop(&mut self) {
        doors().remove(&self.name);
    }
}
