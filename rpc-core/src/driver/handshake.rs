//! Opening a connection over a byte stream.

use std::{io, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    Code, Error, Limits,
    codec::Format,
    contract::ContractCheck,
    proto::{Announced, ClientHello, Features, HelloError, ServerHello, Settings},
    transport::{Address, BoxStream, Connected, no_connection},
};

/// An opened connection: how to run it, the format agreed on, and what came behind the hello.
#[derive(Debug)]
pub(crate) struct OpenedConnection {
    pub(crate) settings: Settings,
    pub(crate) format: Format,
    /// Whether both sides check contracts.
    pub(crate) checks: bool,
    pub(crate) input: BytesMut,
}

/// Opens a connection as the client.
///
/// Dropping the future leaves the stream in the middle of a handshake: it cannot be used any more.
pub(crate) async fn open(
    connected: &mut Connected,
    peer: &Address,
    format: Format,
    limits: &Limits,
    check: ContractCheck,
) -> Result<OpenedConnection, Error> {
    let carrier = connected.carrier();
    let hello = ClientHello {
        codec: format.id(),
        limits: Announced::over(carrier, limits),
        features: features(check),
    };
    let mut input = BytesMut::new();
    let time = limits.handshake_timeout;
    let greeting = greet(connected.stream(), peer, &hello, &mut input);
    let answer = timeout(time, greeting)
        .await
        .map_err(|_| refused(peer, &format!("the peer did not answer the handshake within {time:?}")))??;
    let (limits_of_peer, theirs) = accepted(answer, peer, format)?;
    let checks = checks(check, theirs).map_err(|text| {
        Error::refused_for_good(Code::FailedPrecondition, format!("no connection with {peer}: {text}"))
    })?;
    Ok(OpenedConnection {
        settings: Settings {
            ours: limits.clone(),
            peer: limits_of_peer,
            carrier,
            idle: None,
        },
        format,
        checks,
        input,
    })
}

fn features(check: ContractCheck) -> Features {
    Features {
        checks: check != ContractCheck::Off,
    }
}

/// Whether both sides check contracts.
///
/// # Errors
/// One side insists, and the other one does not.
fn checks(own: ContractCheck, peer: Features) -> Result<bool, String> {
    match (own, peer.checks) {
        (ContractCheck::Off, _) | (ContractCheck::Optional, false) => Ok(false),
        (ContractCheck::Required | ContractCheck::Optional, true) => Ok(true),
        (ContractCheck::Required, false) => Err(
            "the peer does not check that both sides have the same contracts, or has it switched off; set \
             `ContractCheck::Optional` on this side if its types are the same"
                .to_owned(),
        ),
    }
}

/// Says hello to a server and waits for what it answers.
async fn greet(
    stream: &mut BoxStream,
    peer: &Address,
    hello: &ClientHello,
    input: &mut BytesMut,
) -> Result<ServerHello, Error> {
    let broken = |error| no_connection(error, |cause| format!("no connection with {peer}: {cause}"));
    stream.write_all(&hello.encode()).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    loop {
        match ServerHello::take(input) {
            Ok(Some(hello)) => return Ok(hello),
            Ok(None) => {}
            Err(error) => {
                let text = format!("no connection with {peer}: {}", error.text("this client"));
                return Err(Error::refused(Code::FailedPrecondition, text));
            }
        }
        if stream.read_buf(input).await.map_err(broken)? == 0 {
            let text = "the peer closed it during the handshake; is this a farcall server?";
            return Err(refused(peer, text));
        }
    }
}

/// What a server that takes the connection announces.
fn accepted(hello: ServerHello, peer: &Address, format: Format) -> Result<(Announced, Features), Error> {
    match hello {
        ServerHello::Accepted {
            codec,
            limits,
            features,
        } if codec == format.id() => Ok((limits, features)),
        ServerHello::Accepted { codec, .. } => {
            let other = Format::name_of(codec);
            let text = format!("no connection with {peer}: the server answers in {other} and not in {format}");
            Err(Error::refused(Code::FailedPrecondition, text))
        }
        ServerHello::Rejected(error) => Err(Error::refused(
            error.code(),
            format!("{peer} refused the connection: {}", error.message()),
        )),
    }
}

fn refused(peer: &Address, what: &str) -> Error {
    Error::refused(Code::Unavailable, format!("no connection with {peer}: {what}"))
}

/// Opens a connection as the server; `heard` is called when the peer's part of the handshake is complete.
///
/// # Errors
/// What went wrong, in words. The peer was told before, as far as it speaks the protocol.
pub(crate) async fn accept(
    connected: &mut Connected,
    limits: &Limits,
    check: ContractCheck,
    heard: impl FnOnce() + Send,
) -> Result<OpenedConnection, String> {
    let carrier = connected.carrier();
    let stream = connected.stream();
    let mut input = BytesMut::new();
    let hello = match timeout(limits.handshake_timeout, client_hello(stream, &mut input)).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(Hello::Io(error))) => return Err(error.to_string()),
        Ok(Err(Hello::Bad(error))) => {
            say_and_close(stream, &error.answer()).await;
            return Err(error.text("this server"));
        }
        Err(_) => {
            return Err(format!(
                "the peer did not finish the handshake within {:?}",
                limits.handshake_timeout
            ));
        }
    };
    let Some(format) = Format::from_id(hello.codec) else {
        let text = format!(
            "the client speaks {}, which this server was built without: does it have that feature of farcall?",
            Format::name_of(hello.codec)
        );
        reject(stream, &Error::refused(Code::FailedPrecondition, text.as_str())).await;
        return Err(text);
    };
    let checks = match checks(check, hello.features) {
        Ok(checks) => checks,
        Err(text) => {
            let told = "the server requires a check that both sides have the same contracts (`ContractCheck`), and \
                this client does not do it, or has it switched off";
            reject(stream, &Error::refused(Code::FailedPrecondition, told)).await;
            return Err(text);
        }
    };
    heard();
    let answer = ServerHello::Accepted {
        codec: hello.codec,
        limits: Announced::over(carrier, limits),
        features: features(check),
    };
    let write = async {
        stream.write_all(&answer.encode()).await?;
        stream.flush().await
    };
    match timeout(limits.handshake_timeout, write).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err("the peer takes no bytes".into()),
    }
    let settings = Settings {
        ours: limits.clone(),
        peer: hello.limits,
        carrier,
        idle: Some(limits.idle_timeout),
    };
    Ok(OpenedConnection {
        settings,
        format,
        checks,
        input,
    })
}

/// Refuses a client with a reason that it shows its user.
pub(crate) async fn reject(stream: &mut BoxStream, error: &Error) {
    say_and_close(stream, &ServerHello::Rejected(error.clone()).encode()).await;
}

enum Hello {
    Io(io::Error),
    Bad(HelloError),
}

async fn client_hello(stream: &mut BoxStream, input: &mut BytesMut) -> Result<ClientHello, Hello> {
    loop {
        if let Some(hello) = ClientHello::take(input).map_err(Hello::Bad)? {
            return Ok(hello);
        }
        if stream.read_buf(input).await.map_err(Hello::Io)? == 0 {
            return Err(Hello::Io(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// Sends a last message. What the peer still sends is read for a moment: closing with unread bytes would reset the
/// connection and destroy that message.
async fn say_and_close(stream: &mut BoxStream, word: &[u8]) {
    const MOMENT: Duration = Duration::from_millis(500);
    const UNREAD: usize = 64 << 10;
    let say = async {
        stream.write_all(word).await?;
        stream.shutdown().await?;
        let mut unread = BytesMut::with_capacity(UNREAD);
        while unread.len() < UNREAD && stream.read_buf(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    // The stream is closed next, even if the peer did not get it.
    let _ = timeout(MOMENT, say).await;
}
