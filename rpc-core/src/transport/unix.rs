//! Unix sockets; on other systems an error that says so.

#[cfg(unix)]
pub(super) use supported::{bind, connector};
#[cfg(not(unix))]
pub(super) use unsupported::{bind, connector};

#[cfg(not(unix))]
mod unsupported {
    use std::{io, path::Path, sync::Arc};

    use crate::{
        Code, Error,
        transport::{Address, Connector, Listener},
    };

    const REASON: &str = "this system has no Unix sockets";

    pub(in crate::transport) fn connector(address: &Address, _path: &Path) -> Result<Arc<dyn Connector>, Error> {
        Err(Error::refused(
            Code::Unimplemented,
            format!("cannot connect to `{address}`: {REASON}"),
        ))
    }

    pub(in crate::transport) async fn bind(
        _address: &Address,
        _path: &Path,
        _hands_over: bool,
    ) -> io::Result<Box<dyn Listener>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, REASON))
    }
}

#[cfg(unix)]
mod supported {
    use std::{
        fs::{self, Metadata},
        io,
        os::unix::fs::{FileTypeExt, MetadataExt},
        path::{Path, PathBuf},
        sync::Arc,
        time::Duration,
    };

    use tokio::{
        net::{UnixListener, UnixStream},
        time::sleep,
    };

    use crate::{
        Error,
        transport::{Accepting, Address, Connected, Connecting, Connector, Identity, Incoming, Listener, UnixUser},
    };

    #[derive(Debug)]
    struct UnixConnector {
        address: Address,
        path: PathBuf,
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the same signature as where Unix sockets are missing"
    )]
    pub(in crate::transport) fn connector(address: &Address, path: &Path) -> Result<Arc<dyn Connector>, Error> {
        Ok(Arc::new(UnixConnector {
            address: address.clone(),
            path: path.to_owned(),
        }))
    }

    /// The first and the longest wait for a place in the queue of connections to be accepted.
    const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(64));

    impl UnixConnector {
        /// If the queue of connections to be accepted is full, TCP waits. A non-blocking Unix socket fails instead, and
        /// there is no way to hear of a free place.
        async fn open(&self) -> io::Result<UnixStream> {
            let (mut pause, longest) = PAUSE;
            loop {
                match UnixStream::connect(&self.path).await {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(pause).await,
                    connected => return connected,
                }
                pause = longest.min(pause * 2);
            }
        }
    }

    impl Connector for UnixConnector {
        fn connect(&self) -> Connecting<'_> {
            Box::pin(async {
                let peer = self.address.clone().with_instance("");
                Ok(connected(self.open().await?, peer))
            })
        }

        fn address(&self) -> &Address {
            &self.address
        }
    }

    struct BoundUnix {
        listener: UnixListener,
        address: Address,
        path: PathBuf,
        file: FileIdentity,
        hands_over: bool,
    }

    /// Listens at `path`; `hands_over` if connections are served by other runtimes. A socket file that a server left
    /// behind when it died is replaced; any other file stays.
    ///
    /// Two servers that start at the same moment over the same stale file may both believe they listen: the file system
    /// has no way to replace a file only if it is still the stale one.
    pub(in crate::transport) async fn bind(
        address: &Address,
        path: &Path,
        hands_over: bool,
    ) -> io::Result<Box<dyn Listener>> {
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path).await? => {
                fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            bound => bound?,
        };
        let file = FileIdentity::of(&fs::symlink_metadata(path)?);
        Ok(Box::new(BoundUnix {
            listener,
            address: address.clone(),
            path: path.to_owned(),
            file,
            hands_over,
        }))
    }

    /// Whether `path` is a socket without a listener.
    async fn is_stale(path: &Path) -> io::Result<bool> {
        if !fs::symlink_metadata(path)?.file_type().is_socket() {
            return Ok(false);
        }
        match UnixStream::connect(path).await {
            Err(error) => Ok(error.kind() == io::ErrorKind::ConnectionRefused),
            Ok(_) => Ok(false),
        }
    }

    impl Listener for BoundUnix {
        fn accept(&mut self) -> Accepting<'_> {
            Box::pin(async {
                // The other end has no name of its own, so it goes by the socket it came through.
                let (stream, _unnamed) = self.listener.accept().await?;
                let peer = self.address.clone();
                if !self.hands_over {
                    return Ok(connected(stream, peer).into());
                }
                // The runtime that opens it waits for its bytes.
                let stream = stream.into_std()?;
                Ok(Incoming::new(peer.clone(), async {
                    Ok(connected(UnixStream::from_std(stream)?, peer))
                }))
            })
        }

        fn local_address(&self) -> Address {
            self.address.clone()
        }
    }

    fn connected(stream: UnixStream, peer: Address) -> Connected {
        let identity = user(&stream);
        let connected = Connected::new(Box::new(stream), peer).near();
        match identity {
            Some(user) => connected.with_identity(Identity::unix(user)),
            None => connected,
        }
    }

    /// Who is at the other end; `None` where the system does not tell.
    fn user(stream: &UnixStream) -> Option<UnixUser> {
        let user = stream.peer_cred().ok()?;
        Some(UnixUser {
            uid: user.uid(),
            gid: user.gid(),
            pid: user.pid(),
        })
    }

    /// Removes the socket file, unless another file is in its place.
    impl Drop for BoundUnix {
        fn drop(&mut self) {
            let ours = fs::symlink_metadata(&self.path).is_ok_and(|found| FileIdentity::of(&found) == self.file);
            if ours {
                // A file that cannot be removed is replaced by the next server that listens here.
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    #[derive(PartialEq, Eq)]
    struct FileIdentity {
        device: u64,
        inode: u64,
    }

    impl FileIdentity {
        fn of(metadata: &Metadata) -> Self {
            Self {
                device: metadata.dev(),
                inode: metadata.ino(),
            }
        }
    }
}
