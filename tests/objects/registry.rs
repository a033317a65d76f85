//! Objects by name: who may bind what, and where a reference leads.

use farcall::{
    Channel, Code, Outcome, Result, Server,
    registry::{Entry, Names, Reference, RegistryClient, RegistryServer},
};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_socket, over_every_transport, until};

#[farcall::service]
trait Bell {
    async fn ring(&self) -> Result<String>;
}

#[farcall::service]
trait Lamp {
    async fn shine(&self) -> Result<()>;
}

struct Brass(&'static str);

impl Bell for Brass {
    async fn ring(&self) -> Result<String> {
        Ok(self.0.to_owned())
    }
}

struct Bulb;

impl Lamp for Bulb {
    async fn shine(&self) -> Result<()> {
        Ok(())
    }
}

fn bell(name: &'static str) -> BellClient {
    BellClient::local(Brass(name))
}

fn server(names: &Names) -> Server {
    Server::new().service(RegistryServer::new(names.clone()))
}

fn listed(entries: &[Entry]) -> Vec<(&str, &str)> {
    entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry.service.as_str()))
        .collect()
}

over_every_transport!(
    what_the_owner_binds_is_found,
    nobody_else_may_bind_unless_allowed,
    whoever_is_allowed_binds_and_unbinds,
    a_name_is_free_when_its_object_is_gone,
    a_server_with_an_address_is_found_by_everybody,
);

over_every_socket!(an_object_of_a_client_is_not_handed_on);

async fn what_the_owner_binds_is_found(transport: Transport) -> TestResult {
    let names = Names::new();
    names.bind("bell", &bell("ding"))?;
    names.bind("lamp", &LampClient::local(Bulb))?;
    let site = transport.serve(server(&names)).await?;
    let registry = RegistryClient::new(site.channel.clone());
    let found: BellClient = registry.lookup("bell").await?.client()?;
    assert_eq!(found.ring().await?, "ding");
    assert_eq!(listed(&registry.list().await?), [("bell", "Bell"), ("lamp", "Lamp")]);

    let parts = ["Registry.lookup", "no object is bound to `gong`"];
    assert_fails(registry.lookup("gong").await, Code::NotFound, Outcome::Executed, &parts);
    let lamp = registry.lookup("lamp").await?;
    assert_eq!(lamp.service(), "Lamp");
    let wrong = lamp.client::<BellClient>().map(drop);
    assert_fails(
        wrong,
        Code::InvalidArgument,
        Outcome::NotExecuted,
        &["`Lamp`", "`Bell`"],
    );

    names.unbind("bell")?;
    assert_eq!(found.ring().await?, "ding", "who has it has it");
    let parts = ["no object is bound to `bell`"];
    assert_fails(registry.lookup("bell").await, Code::NotFound, Outcome::Executed, &parts);
    Ok(())
}

async fn nobody_else_may_bind_unless_allowed(transport: Transport) -> TestResult {
    let names = Names::new();
    names.bind("bell", &bell("ding"))?;
    let site = transport.serve(server(&names)).await?;
    let registry = RegistryClient::new(site.channel.clone());
    let mine = Reference::of(&bell("dong"));
    let denied = [
        registry.bind("other", mine.clone()).await,
        registry.rebind("bell", mine).await,
        registry.unbind("bell").await,
    ];
    for denied in denied {
        assert_fails(denied, Code::PermissionDenied, Outcome::Executed, &["`Names::allow`"]);
    }
    assert_eq!(listed(&names.list()), [("bell", "Bell")]);
    let still: BellClient = names.lookup("bell")?.client()?;
    assert_eq!(still.ring().await?, "ding");
    Ok(())
}

async fn whoever_is_allowed_binds_and_unbinds(transport: Transport) -> TestResult {
    let names = Names::new().allow(|call| call.metadata().value("token") == Some("let me"));
    let site = transport.serve(server(&names)).await?;
    let stranger = RegistryClient::new(site.channel.clone());
    let friend = stranger.with_metadata("token", "let me");
    let (first, second) = (bell("first"), bell("second"));
    let denied = stranger.bind("bell", Reference::of(&first)).await;
    assert_fails(denied, Code::PermissionDenied, Outcome::Executed, &["Registry.bind"]);
    friend.bind("bell", Reference::of(&first)).await?;
    let taken = friend.bind("bell", Reference::of(&second)).await;
    assert_fails(
        taken,
        Code::AlreadyExists,
        Outcome::Executed,
        &["`bell`", "`Bell` already"],
    );

    // The server calls it over the client's connection, and the client gets its own back.
    let there: BellClient = names.lookup("bell")?.client()?;
    assert_eq!(there.ring().await?, "first");
    let back: BellClient = stranger.lookup("bell").await?.client()?;
    assert_eq!(back.channel().address().to_string(), "local://");
    assert_eq!(back.ring().await?, "first");

    friend.rebind("bell", Reference::of(&second)).await?;
    let there: BellClient = names.lookup("bell")?.client()?;
    assert_eq!(there.ring().await?, "second");
    friend.unbind("bell").await?;
    let parts = ["Registry.unbind", "no object is bound to `bell`"];
    assert_fails(friend.unbind("bell").await, Code::NotFound, Outcome::Executed, &parts);
    Ok(())
}

async fn a_name_is_free_when_its_object_is_gone(transport: Transport) -> TestResult {
    let names = Names::new();
    let first = bell("first");
    names.bind("bell", &first)?;
    let site = transport.serve(server(&names)).await?;
    let registry = RegistryClient::new(site.channel.clone());
    assert!(first.channel().revoke());
    assert!(registry.list().await?.is_empty());
    assert_fails(
        registry.lookup("bell").await,
        Code::NotFound,
        Outcome::Executed,
        &["`bell`"],
    );
    names.bind("bell", &bell("second"))?;
    let found: BellClient = registry.lookup("bell").await?.client()?;
    assert_eq!(found.ring().await?, "second");
    Ok(())
}

async fn a_server_with_an_address_is_found_by_everybody(transport: Transport) -> TestResult {
    let elsewhere = Server::new()
        .named_service("tower", BellServer::new(Brass("boom")))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let names = Names::new().allow(|_| true);
    let site = transport.serve(server(&names)).await?;
    let registry = RegistryClient::new(site.channel.clone());
    let tower = BellClient::connect(elsewhere.local_addr().with_instance("tower")).await?;
    registry.bind("tower", Reference::of(&tower)).await?;
    let found: BellClient = registry.lookup("tower").await?.client()?;
    assert_eq!(found.ring().await?, "boom");
    assert_eq!(found.channel().address(), tower.channel().address());
    Ok(())
}

async fn an_object_of_a_client_is_not_handed_on(transport: Transport) -> TestResult {
    let names = Names::new().allow(|_| true);
    let site = transport.serve(server(&names)).await?;
    let binder = RegistryClient::new(site.channel.clone());
    binder.bind("bell", Reference::of(&bell("ding"))).await?;
    let other = RegistryClient::new(site.connect().await?);
    assert_eq!(listed(&other.list().await?), [("bell", "Bell")]);
    let parts = ["Registry.lookup", "another connection"];
    let refused = other
        .lookup("bell")
        .await
        .expect_err("it lives behind the binder's connection");
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    for part in parts {
        assert!(refused.to_string().contains(part), "{refused}");
    }

    // With its connection the object is gone, and the name is free.
    drop((binder, site.channel.clone()));
    let site = site.without_channel();
    let free = || names.list().is_empty();
    tokio::time::timeout(std::time::Duration::from_secs(5), until(free)).await?;
    other.bind("bell", Reference::of(&bell("dong"))).await?;
    drop(site);
    Ok(())
}

#[test]
fn names_are_bounded() -> TestResult {
    let names = Names::new().max_names(2);
    for bad in [String::new(), "x".repeat(256)] {
        let refused = names.bind(&bad, &bell("ding"));
        assert_fails(refused, Code::InvalidArgument, Outcome::Executed, &["1 to 255"]);
    }
    let first = bell("first");
    names.bind(&"x".repeat(255), &first)?;
    names.bind("second", &bell("second"))?;
    let refused = names.bind("third", &bell("third"));
    assert_fails(
        refused,
        Code::ResourceExhausted,
        Outcome::Executed,
        &["2 names", "`Names::max_names`"],
    );
    names.rebind("second", &bell("again"))?;
    assert!(first.channel().revoke());
    names.bind("third", &bell("third"))?;
    assert_eq!(listed(&names.list()), [("second", "Bell"), ("third", "Bell")]);
    assert!(format!("{names:?}").contains("third"));
    Ok(())
}

#[tokio::test]
async fn a_reference_is_what_its_client_is() -> TestResult {
    let reference = Reference::from(&bell("ding"));
    assert_eq!(reference.service(), "Bell");
    assert_eq!(reference.client::<BellClient>()?.ring().await?, "ding");
    let lazily = Channel::builder().connect_lazily("tcp://127.0.0.1:1/tower")?;
    assert_eq!(
        Reference::of(&LampClient::new(lazily)).channel().address().to_string(),
        "tcp://127.0.0.1:1/tower"
    );
    Ok(())
}
