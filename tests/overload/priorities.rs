//! Calls of low priority are refused first, and those of high priority last. The trait on the server decides which is
//! which; a caller can lower the priority of its calls and nothing else.

use farcall::{
    Code, Result, Server,
    layer::AdaptiveLimit,
    service::{MethodDescriptor, Priority},
};
use farcall_tests::{Gate, TestResult, Transport, over_every_transport};

#[farcall::service]
trait Shop {
    #[rpc(priority = "high")]
    async fn pay(&self) -> Result<()>;
    async fn browse(&self) -> Result<()>;
    #[rpc(priority = "low", idempotent)]
    async fn advertise(&self) -> Result<()>;
}

struct Counter(Gate);

impl Shop for Counter {
    async fn pay(&self) -> Result<()> {
        self.0.pass().await;
        Ok(())
    }
    async fn browse(&self) -> Result<()> {
        self.0.pass().await;
        Ok(())
    }
    async fn advertise(&self) -> Result<()> {
        self.0.pass().await;
        Ok(())
    }
}

/// The same methods, as a caller declares them who wants to come first.
mod greedy {
    use farcall::Result;

    #[farcall::service]
    pub(super) trait Shop {
        #[rpc(priority = "high")]
        async fn browse(&self) -> Result<()>;
        #[rpc(priority = "high")]
        async fn advertise(&self) -> Result<()>;
    }
}

/// A shop that runs ten calls: eight of normal priority, or six of low priority.
async fn shop(transport: Transport, gate: &Gate) -> Result<farcall_tests::Site> {
    let limit = AdaptiveLimit::new().max(10);
    let server = Server::new().service(ShopServer::new(Counter(gate.clone())));
    transport.serve(server.layer(limit)).await
}

/// Makes calls that wait in their handlers until one is refused, and tells how many do.
macro_rules! fill {
    ($gate:expr, $call:expr) => {{
        let mut running = 0;
        loop {
            let call = tokio::spawn($call);
            tokio::select! {
                // Cancel safe: nothing has come if the other branch is taken.
                () = $gate.entered() => running += 1,
                ended = call => {
                    let error = ended?.expect_err("the gate is closed");
                    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
                    break running;
                }
            }
        }
    }};
}

over_every_transport!(
    low_priority_is_refused_first_and_high_priority_last,
    a_caller_can_lower_the_priority_of_its_calls,
    a_caller_gains_nothing_by_claiming_a_high_priority,
);

async fn low_priority_is_refused_first_and_high_priority_last(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let site = shop(transport, &gate).await?;
    let shop = ShopClient::new(site.channel.clone());
    assert_eq!(fill!(gate, shop.advertise()), 6);
    assert_eq!(fill!(gate, shop.browse()), 2);
    assert_eq!(fill!(gate, shop.advertise()), 0);
    assert_eq!(fill!(gate, shop.pay()), 2);
    assert_eq!(fill!(gate, shop.browse()), 0);
    Ok(())
}

async fn a_caller_can_lower_the_priority_of_its_calls(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let site = shop(transport, &gate).await?;
    let shop = ShopClient::new(site.channel.clone());
    let low = shop.with_metadata(Priority::KEY, "low");
    assert_eq!(fill!(gate, low.pay()), 6);
    assert_eq!(fill!(gate, low.browse()), 0);
    let normal = shop.with_metadata(Priority::KEY, "normal");
    assert_eq!(fill!(gate, normal.pay()), 2);
    Ok(())
}

async fn a_caller_gains_nothing_by_claiming_a_high_priority(transport: Transport) -> TestResult {
    let gate = Gate::new();
    let site = shop(transport, &gate).await?;
    let greedy = greedy::ShopClient::new(site.channel.clone()).with_metadata(Priority::KEY, "high");
    assert_eq!(fill!(gate, greedy.advertise()), 6);
    assert_eq!(fill!(gate, greedy.browse()), 2);
    let odd = greedy.with_metadata(Priority::KEY, "highest");
    assert_eq!(fill!(gate, odd.browse()), 0);
    // What is kept for others is still theirs.
    assert_eq!(fill!(gate, ShopClient::new(site.channel.clone()).pay()), 2);
    Ok(())
}

#[test]
fn the_attribute_reaches_layers_in_the_descriptor() {
    let gate = Gate::new();
    let server = ShopServer::new(Counter(gate));
    let methods = farcall::Service::descriptor(&server).methods;
    let priorities: Vec<_> = methods.iter().map(|method| method.priority).collect();
    assert_eq!(priorities, [Priority::High, Priority::Normal, Priority::Low]);
    assert_eq!(MethodDescriptor::UNKNOWN.priority, Priority::Normal);
}
