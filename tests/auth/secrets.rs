//! A token is in nothing that people read.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};

use farcall::{
    Channel, Context, Error, Metadata, Server,
    auth::{BearerToken, Callers, Grant, Principal, Rules},
    layer::{Next, Request},
};
use farcall_tests::TestResult;

use crate::{
    callers::channel_with,
    desk::{Clerk, DeskClient, DeskServer},
};

const SECRET: &str = "hunter2-9f86d081";

/// All that was said.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<String>>);

impl Heard {
    pub(crate) fn say(&self, said: &dyn Debug) {
        let said = format!("{said:?}\n{said:#?}\n");
        self.0.lock().expect("not poisoned").push_str(&said);
    }

    fn all(&self) -> String {
        self.0.lock().expect("not poisoned").clone()
    }
}

#[farcall::service]
trait Sink {
    async fn fall(&self) -> farcall::Result<()>;
    async fn fail(&self) -> farcall::Result<()>;
}

struct Drain(Heard);

impl Sink for Drain {
    async fn fall(&self) -> farcall::Result<()> {
        self.0.say(&Context::current());
        panic!("{:?}", Context::current())
    }

    async fn fail(&self) -> farcall::Result<()> {
        let context = Context::current();
        self.0.say(&context.metadata());
        Err(Error::internal(format!("{context:?}")).with_metadata(context.metadata().clone()))
    }
}

/// Makes calls that succeed, are refused, fail and panic, and says all that can be shown of them.
async fn make_calls(heard: &Heard, token: &'static str) -> TestResult {
    let for_server = heard.clone();
    let server = Server::new()
        .service(DeskServer::new(Clerk::default()))
        .service(SinkServer::new(Drain(heard.clone())))
        .verify_tokens(async |token: BearerToken| {
            if token.secret() == SECRET {
                return Ok(Principal::new("ada").with_claims(token));
            }
            // A verifier may be careless.
            Err(Error::unauthenticated(format!("`{}` is not {SECRET}", token.secret())))
        })
        .authorize(Rules::new().allow(Callers::known(), Grant::everything()))
        .intercept(async move |request: Request, next: Next| {
            for_server.say(&request);
            let answer = next.run(request).await;
            for_server.say(&answer);
            answer
        })
        .send_panic_texts();
    heard.say(&server);
    let server = Arc::new(server.start()?);
    heard.say(&server);

    let for_client = heard.clone();
    let builder = Channel::builder().bearer(BearerToken::new(token));
    let builder = builder.intercept(async move |request: Request, next: Next| {
        for_client.say(&request);
        let answer = next.run(request).await;
        for_client.say(&answer);
        answer
    });
    heard.say(&builder);
    let channel = channel_with(builder, &server, &["uid:1"]);
    heard.say(&channel);
    let (desk, sink) = (DeskClient::new(channel.clone()), SinkClient::new(channel));
    heard.say(&desk);
    let own = desk.clone().with_metadata("authorization", &format!("Bearer {token}"));
    heard.say(&own);
    for answer in [
        desk.ping().await,
        desk.with_timeout(std::time::Duration::ZERO).ping().await,
        own.ping().await,
    ] {
        heard.say(&answer);
    }
    for answer in [sink.fall().await, sink.fail().await] {
        heard.say(&answer);
        heard.say(&answer.map_err(|error| error.to_string()));
    }
    Ok(())
}

#[tokio::test]
async fn nothing_that_can_be_shown_has_the_token() -> TestResult {
    for token in [SECRET, "hunter2-9f86d081-wrong"] {
        let heard = Heard::default();
        #[cfg(feature = "tracing")]
        let _recording = crate::recorder::record(&heard);
        make_calls(&heard, token).await?;
        let all = heard.all();
        assert!(!all.contains(token), "{all}");
        assert!(all.contains("redacted"), "{all}");
        #[cfg(feature = "tracing")]
        assert!(
            all.contains("farcall.serve") && all.contains(if token == SECRET { "panicked" } else { "token refused" })
        );
    }
    Ok(())
}

#[test]
fn metadata_hides_what_its_key_calls_a_secret() -> TestResult {
    for key in [
        "Authorization",
        "proxy-authorization",
        "x-api-key",
        "session-token",
        "set-cookie",
        "db.password",
    ] {
        let mut metadata = Metadata::new();
        metadata.append(key, SECRET)?;
        metadata.append("tenant", "eu")?;
        let shown = format!("{metadata:?}");
        assert!(
            !shown.contains(SECRET) && shown.contains("redacted") && shown.contains("\"eu\""),
            "{shown}"
        );
        assert_eq!(metadata.value(key), Some(SECRET));
    }
    Ok(())
}
