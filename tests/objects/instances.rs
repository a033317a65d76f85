//! Several services and instances of one on a server, and how they are told apart.

use farcall::{Address, Channel, Code, Error, Outcome, Result, Server};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_socket, over_every_transport};

#[farcall::service]
trait Warehouse {
    async fn name(&self) -> Result<String>;
}

#[farcall::service]
trait Office {
    async fn name(&self) -> Result<String>;
}

#[farcall::service(name = "Warehouse")]
trait Impostor {
    async fn name(&self) -> Result<String>;
}

struct Named(&'static str);

impl Warehouse for Named {
    async fn name(&self) -> Result<String> {
        Ok(format!("warehouse {}", self.0))
    }
}

impl Office for Named {
    async fn name(&self) -> Result<String> {
        Ok(format!("office {}", self.0))
    }
}

impl Impostor for Named {
    async fn name(&self) -> Result<String> {
        Ok(format!("impostor {}", self.0))
    }
}

fn warehouse(name: &'static str) -> WarehouseServer<Named> {
    WarehouseServer::new(Named(name))
}

fn server() -> Server {
    Server::new()
        .service(warehouse("main"))
        .service(OfficeServer::new(Named("main")))
        .named_service("warehouse/eu", warehouse("eu"))
        .named_service("us", warehouse("us"))
        .named_service("us", OfficeServer::new(Named("us")))
}

over_every_transport!(
    services_of_one_server_share_a_channel,
    instances_of_one_service_share_a_channel,
    an_instance_offers_its_own_services_only,
);

async fn services_of_one_server_share_a_channel(transport: Transport) -> TestResult {
    let site = transport.serve(server()).await?;
    assert_eq!(
        WarehouseClient::new(site.channel.clone()).name().await?,
        "warehouse main"
    );
    assert_eq!(OfficeClient::new(site.channel.clone()).name().await?, "office main");
    Ok(())
}

async fn instances_of_one_service_share_a_channel(transport: Transport) -> TestResult {
    let site = transport.serve(server()).await?;
    let eu = site.channel.with_instance("warehouse/eu");
    let us = eu.with_instance("us");
    assert_eq!(WarehouseClient::new(eu).name().await?, "warehouse eu");
    assert_eq!(WarehouseClient::new(us.clone()).name().await?, "warehouse us");
    assert_eq!(OfficeClient::new(us.clone()).name().await?, "office us");
    assert_eq!(
        WarehouseClient::new(us.with_instance(None)).name().await?,
        "warehouse main"
    );
    Ok(())
}

async fn an_instance_offers_its_own_services_only(transport: Transport) -> TestResult {
    let site = transport.serve(server()).await?;
    let result = OfficeClient::new(site.channel.with_instance("warehouse/eu"))
        .name()
        .await;
    let parts = ["Office.name: ", "does not offer this service", "it has: Warehouse"];
    assert_fails(result, Code::Unimplemented, Outcome::NotExecuted, &parts);
    Ok(())
}

over_every_socket!(the_address_chooses_the_instance);

async fn the_address_chooses_the_instance(transport: Transport) -> TestResult {
    let site = transport.serve(server()).await?;
    let address = site.server().local_addr();
    let connect = async |to: Address| Ok::<_, Error>(WarehouseClient::new(site.client().connect(to).await?));
    let eu = connect(address.clone().with_instance("warehouse/eu")).await?;
    assert_eq!(eu.name().await?, "warehouse eu");
    let separator = if transport == Transport::Unix { '#' } else { '/' };
    let us = connect(format!("{address}{separator}us").parse()?).await?;
    assert_eq!(us.name().await?, "warehouse us");
    let asia = connect(address.with_instance("asia")).await?;
    let parts = ["Warehouse.name: ", "no such named instance", "us, warehouse/eu"];
    assert_fails(asia.name().await, Code::NotFound, Outcome::NotExecuted, &parts);
    Ok(())
}

#[tokio::test]
async fn one_name_for_two_services_is_refused_when_it_listens() {
    let twice = Server::new().service(warehouse("one")).service(warehouse("two"));
    let parts = ["`Warehouse.name` is offered twice", "another name"];
    assert_fails(
        twice.listen("tcp://127.0.0.1:0").await,
        Code::AlreadyExists,
        Outcome::NotExecuted,
        &parts,
    );
    let impostor = Server::new()
        .named_service("eu", warehouse("one"))
        .named_service("eu", ImpostorServer::new(Named("two")));
    let parts = ["`Warehouse.name` is offered twice in instance `eu`"];
    assert_fails(
        impostor.listen("tcp://127.0.0.1:0").await,
        Code::AlreadyExists,
        Outcome::NotExecuted,
        &parts,
    );
}

/// There is no `listen` to refuse it, so the first call says it.
#[tokio::test]
async fn a_loopback_channel_refuses_its_calls_instead() {
    let twice = Server::new().service(warehouse("one")).service(warehouse("two"));
    let result = WarehouseClient::new(Channel::builder().loopback(twice)).name().await;
    let parts = ["`Warehouse.name` is offered twice"];
    assert_fails(result, Code::AlreadyExists, Outcome::NotExecuted, &parts);
}
