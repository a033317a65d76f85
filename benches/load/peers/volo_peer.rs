//! volo with thrift. Messages, client and server are what `volo-build` writes for one method, by hand and with one type
//! for arguments and results, so that building needs no parser of thrift.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use pilota::thrift::{
    ApplicationExceptionKind, ProtocolExceptionKind, TAsyncInputProtocol, TFieldIdentifier, TInputProtocol,
    TLengthProtocol, TLengthProtocolExt, TMessageIdentifier, TOutputProtocol, TOutputProtocolExt, TStructIdentifier,
    TType, ThriftException, new_application_exception, new_protocol_exception,
};
use tokio::net::TcpListener;
use volo::{
    client::MkClient,
    net::{Address, incoming::DefaultIncoming},
    service::{BoxCloneService, Service},
};
use volo_thrift::{
    ClientError, EntryMessage, ServerError,
    client::ClientBuilder,
    codec::default::{DefaultMakeCodec, framed::MakeFramedCodec, thrift::MakeThriftCodec, ttheader::MakeTTHeaderCodec},
    context::{CLIENT_CONTEXT_CACHE, ClientContext, ServerContext},
    server::Server,
};

use crate::{
    echo::{self, Echo},
    peer::{Connecting, Peer, Result, announce},
    work::{Load, Slow, Traffic},
};

/// The default is 16 MiB, with everything around the body.
const FRAME: i32 = 32 << 20;
/// The default is below what the largest bodies may take on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(10);
const METHOD: &str = "echo";

pub(crate) struct Volo;

impl Peer for Volo {
    fn name(&self) -> &'static str {
        "volo"
    }

    fn serve(&self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            announce(listener.local_addr()?)?;
            let server = Server::new(Handler).multiplex(true).make_codec(codec());
            server.run(DefaultIncoming::from(listener)).await
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting> {
        let Load::Echo(traffic) = load else { return None };
        Some(Box::pin(async move {
            // A single call at a time is cheaper without the tasks of a connection that calls share.
            let shared = !matches!(traffic, Traffic::Closed(calls) if calls.in_flight == 1);
            let client = || {
                ClientBuilder::new("bench", MakeClient)
                    .multiplex(shared)
                    .make_codec(codec())
                    .rpc_timeout(Some(TIMEOUT))
                    .address(Address::from(address))
                    .build()
            };
            // Each has a pool of its own, which connects with the first call.
            let connections = (0..traffic.connections()).map(|_| client()).collect();
            echo::session(connections, traffic).await
        }))
    }
}

type Codec = DefaultMakeCodec<MakeTTHeaderCodec<MakeFramedCodec<MakeThriftCodec>>>;

fn codec() -> Codec {
    let framed = MakeFramedCodec::new(MakeThriftCodec::new()).with_max_frame_size(FRAME);
    DefaultMakeCodec::new(MakeTTHeaderCodec::new(framed))
}

struct Handler;

impl Service<ServerContext, Message> for Handler {
    type Response = Message;
    type Error = ServerError;

    async fn call(&self, _: &mut ServerContext, request: Message) -> Result<Message, ServerError> {
        match request.slow {
            Some(ASLEEP) => Slow::Asleep.spend().await,
            Some(COMPUTING) => Slow::Computing.spend().await,
            _ => {}
        }
        Ok(Message {
            body: request.body,
            ..Message::default()
        })
    }
}

type Transport = BoxCloneService<ClientContext, Message, Option<Message>, ClientError>;

struct MakeClient;

impl MkClient<volo_thrift::Client<Transport>> for MakeClient {
    type Target = Client;

    fn mk_client(&self, client: volo_thrift::Client<Transport>) -> Client {
        Client(client)
    }
}

#[derive(Clone)]
struct Client(volo_thrift::Client<Transport>);

impl Client {
    async fn call(&self, request: Message) -> Result<Bytes> {
        let mut context = self.0.make_cx(METHOD, false);
        let answer = self.0.call(&mut context, request).await?;
        CLIENT_CONTEXT_CACHE.with(|cache| {
            let mut cache = cache.borrow_mut();
            if cache.len() < cache.capacity() {
                cache.push(context);
            }
        });
        Ok(answer.ok_or("an answer without a message")?.body)
    }
}

impl Echo for Client {
    type Answer = Bytes;

    async fn echo(&self, id: u64, body: &Bytes) -> Result<Bytes> {
        let request = Message {
            body: body.clone(),
            id: Some(id.cast_signed()),
            slow: None,
        };
        self.call(request).await
    }

    async fn slow_echo(&self, slow: Slow, body: &Bytes) -> Result<Bytes> {
        let request = Message {
            body: body.clone(),
            id: None,
            slow: Some(match slow {
                Slow::Asleep => ASLEEP,
                Slow::Computing => COMPUTING,
            }),
        };
        self.call(request).await
    }
}

/// Arguments or result: `0: required binary body, 1: optional i64 id, 2: optional i8 slow`.
#[derive(Clone, Debug, Default)]
struct Message {
    body: Bytes,
    id: Option<i64>,
    slow: Option<i8>,
}

const ASLEEP: i8 = 0;
const COMPUTING: i8 = 1;
const STRUCT: TStructIdentifier = TStructIdentifier { name: "Message" };

fn check_method(message: &TMessageIdentifier) -> Result<(), ThriftException> {
    if message.name == METHOD {
        return Ok(());
    }
    let said = format!("unknown method {}", message.name);
    Err(new_application_exception(
        ApplicationExceptionKind::UNKNOWN_METHOD,
        said,
    ))
}

fn without_body() -> ThriftException {
    new_protocol_exception(ProtocolExceptionKind::InvalidData, "field body is required")
}

impl EntryMessage for Message {
    fn encode<T: TOutputProtocol>(&self, protocol: &mut T) -> Result<(), ThriftException> {
        protocol.write_struct_begin(&STRUCT)?;
        protocol.write_bytes_field(0, self.body.clone())?;
        if let Some(id) = self.id {
            protocol.write_i64_field(1, id)?;
        }
        if let Some(slow) = self.slow {
            protocol.write_i8_field(2, slow)?;
        }
        protocol.write_field_stop()?;
        protocol.write_struct_end()
    }

    fn decode<T: TInputProtocol>(protocol: &mut T, message: &TMessageIdentifier) -> Result<Self, ThriftException> {
        check_method(message)?;
        let (mut body, mut id, mut slow) = (None, None, None);
        protocol.read_struct_begin()?;
        loop {
            let TFieldIdentifier {
                field_type, id: field, ..
            } = protocol.read_field_begin()?;
            match (field, field_type) {
                (_, TType::Stop) => break,
                (Some(0), TType::Binary) => body = Some(protocol.read_bytes()?),
                (Some(1), TType::I64) => id = Some(protocol.read_i64()?),
                (Some(2), TType::I8) => slow = Some(protocol.read_i8()?),
                _ => protocol.skip(field_type).map(drop)?,
            }
            protocol.read_field_end()?;
        }
        protocol.read_struct_end()?;
        let body = body.ok_or_else(without_body)?;
        Ok(Self { body, id, slow })
    }

    async fn decode_async<T: TAsyncInputProtocol>(
        protocol: &mut T,
        message: &TMessageIdentifier,
    ) -> Result<Self, ThriftException> {
        check_method(message)?;
        let (mut body, mut id, mut slow) = (None, None, None);
        protocol.read_struct_begin().await?;
        loop {
            let TFieldIdentifier {
                field_type, id: field, ..
            } = protocol.read_field_begin().await?;
            match (field, field_type) {
                (_, TType::Stop) => break,
                (Some(0), TType::Binary) => body = Some(protocol.read_bytes().await?),
                (Some(1), TType::I64) => id = Some(protocol.read_i64().await?),
                (Some(2), TType::I8) => slow = Some(protocol.read_i8().await?),
                _ => protocol.skip(field_type).await.map(drop)?,
            }
            protocol.read_field_end().await?;
        }
        protocol.read_struct_end().await?;
        let body = body.ok_or_else(without_body)?;
        Ok(Self { body, id, slow })
    }

    fn size<T: TLengthProtocol>(&self, protocol: &mut T) -> usize {
        protocol.struct_begin_len(&STRUCT)
            + protocol.bytes_field_len(Some(0), &self.body)
            + self.id.map_or(0, |id| protocol.i64_field_len(Some(1), id))
            + self.slow.map_or(0, |slow| protocol.i8_field_len(Some(2), slow))
            + protocol.field_stop_len()
            + protocol.struct_end_len()
    }
}
