//! No name that a user may choose meets a name of generated code.
#![allow(clippy::wrong_self_convention, reason = "the names are chosen to collide")]

use farcall::{Result, Service as _};

#[farcall::service]
pub trait Arguments {
    #[allow(clippy::too_many_arguments)]
    async fn local_names(
        &self,
        self_: u8,
        ctx: u8,
        request: u8,
        service: u8,
        invocation: u8,
        index: u8,
        value0: u8,
        stub: u8,
        r#type: u8,
        r#async: &[u8],
    ) -> Result<u32>;
}

struct Sum;

impl Arguments for Sum {
    async fn local_names(
        &self,
        self_: u8,
        ctx: u8,
        request: u8,
        service: u8,
        invocation: u8,
        index: u8,
        value0: u8,
        stub: u8,
        r#type: u8,
        r#async: &[u8],
    ) -> Result<u32> {
        let all = [self_, ctx, request, service, invocation, index, value0, stub, r#type];
        Ok(all.iter().chain(r#async).copied().map(u32::from).sum())
    }
}

#[tokio::test]
async fn names_of_arguments() -> Result<()> {
    let client = ArgumentsClient::loopback(Sum);
    assert_eq!(client.local_names(1, 2, 3, 4, 5, 6, 7, 8, 9, &[10]).await?, 55);
    Ok(())
}

/// Every method is called like something that generated code uses.
#[farcall::service]
pub trait Methods {
    async fn new(&self) -> Result<u8>;
    async fn connect(&self) -> Result<u8>;
    async fn loopback(&self, implementation: u8) -> Result<u8>;
    async fn with_timeout(&self) -> Result<u8>;
    async fn with_metadata(&self) -> Result<u8>;
    async fn with_metadata_bin(&self) -> Result<u8>;
    async fn with_reply_metadata(&self) -> Result<u8>;
    async fn channel(&self) -> Result<u8>;
    async fn clone(&self) -> Result<u8>;
    async fn call(&self) -> Result<u8>;
    async fn stub(&self) -> Result<u8>;
    async fn from_stub(&self) -> Result<u8>;
    async fn descriptor(&self) -> Result<u8>;
    async fn dispatch(&self) -> Result<u8>;
    async fn fmt(&self) -> Result<u8>;
    async fn argument(&self, argument: (u8, u8)) -> Result<u8>;
    async fn r#match(&self) -> Result<u8>;
}

struct Numbers;

impl Methods for Numbers {
    async fn new(&self) -> Result<u8> {
        Ok(1)
    }
    async fn connect(&self) -> Result<u8> {
        Ok(2)
    }
    async fn loopback(&self, implementation: u8) -> Result<u8> {
        Ok(implementation)
    }
    async fn with_timeout(&self) -> Result<u8> {
        Ok(3)
    }
    async fn with_metadata(&self) -> Result<u8> {
        Ok(4)
    }
    async fn with_metadata_bin(&self) -> Result<u8> {
        Ok(41)
    }
    async fn with_reply_metadata(&self) -> Result<u8> {
        Ok(42)
    }
    async fn channel(&self) -> Result<u8> {
        Ok(5)
    }
    async fn clone(&self) -> Result<u8> {
        Ok(6)
    }
    async fn call(&self) -> Result<u8> {
        Ok(7)
    }
    async fn stub(&self) -> Result<u8> {
        Ok(8)
    }
    async fn from_stub(&self) -> Result<u8> {
        Ok(9)
    }
    async fn descriptor(&self) -> Result<u8> {
        Ok(10)
    }
    async fn dispatch(&self) -> Result<u8> {
        Ok(11)
    }
    async fn fmt(&self) -> Result<u8> {
        Ok(12)
    }
    async fn argument(&self, argument: (u8, u8)) -> Result<u8> {
        Ok(argument.0 + argument.1)
    }
    async fn r#match(&self) -> Result<u8> {
        Ok(14)
    }
}

#[tokio::test]
async fn names_of_methods() -> Result<()> {
    let channel = farcall::Channel::loopback(MethodsServer::new(Numbers));
    let client: MethodsClient = farcall::Client::new(channel);
    assert_eq!(client.new().await?, 1);
    assert_eq!(client.connect().await?, 2);
    assert_eq!(client.loopback(33).await?, 33);
    assert_eq!(client.with_timeout().await?, 3);
    assert_eq!(client.with_metadata().await?, 4);
    assert_eq!(client.with_metadata_bin().await?, 41);
    assert_eq!(client.with_reply_metadata().await?, 42);
    assert_eq!(client.channel().await?, 5);
    assert_eq!(client.clone().await?, 6);
    assert_eq!(Clone::clone(&client).call().await?, 7);
    assert_eq!(client.stub().await?, 8);
    assert_eq!(client.from_stub().await?, 9);
    assert_eq!(client.descriptor().await?, 10);
    assert_eq!(client.dispatch().await?, 11);
    assert_eq!(client.fmt().await?, 12);
    assert_eq!(client.argument((1, 2)).await?, 3);
    assert_eq!(client.r#match().await?, 14);
    Ok(())
}

#[test]
fn raw_identifiers_are_plain_on_the_wire() {
    let descriptor = MethodsServer::new(Numbers).descriptor();
    assert_eq!(descriptor.methods.last().expect("a method").path, "Methods.match");
}

/// Types called like arguments and methods, and like what the compiler is asked about.
#[allow(non_camel_case_types)]
mod types {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct number {
        pub value: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct output {
        pub value: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Err {
        pub value: u8,
    }

    #[farcall::service]
    pub trait Types {
        async fn number(&self, number: number, text: &Err) -> farcall::Result<output>;
        async fn text(&self, text: output, u8: Vec<number>, output: u8) -> Result<Err, String>;
    }
}

struct Typed;

impl types::Types for Typed {
    async fn number(&self, number: types::number, text: &types::Err) -> Result<types::output> {
        Ok(types::output {
            value: number.value + text.value,
        })
    }
    async fn text(
        &self,
        text: types::output,
        u8: Vec<types::number>,
        output: u8,
    ) -> std::result::Result<types::Err, String> {
        Ok(types::Err {
            value: text.value + u8[0].value + output,
        })
    }
}

#[tokio::test]
async fn names_of_types() -> std::result::Result<(), String> {
    let client = types::TypesClient::loopback(Typed);
    assert_eq!(
        client
            .number(types::number { value: 1 }, &types::Err { value: 2 })
            .await?,
        types::output { value: 3 }
    );
    assert_eq!(
        client
            .text(types::output { value: 1 }, vec![types::number { value: 2 }], 3)
            .await?,
        types::Err { value: 6 }
    );
    Ok(())
}

#[farcall::service(name = "warehouse.v1.Inventory")]
trait Renamed {
    async fn stock(&self) -> Result<u8>;
}

struct Warehouse;

impl Renamed for Warehouse {
    async fn stock(&self) -> Result<u8> {
        Ok(1)
    }
}

#[tokio::test]
async fn the_name_on_the_wire_can_differ() -> Result<()> {
    let descriptor = RenamedServer::new(Warehouse).descriptor();
    assert_eq!(descriptor.name, "warehouse.v1.Inventory");
    assert_eq!(descriptor.methods[0].path, "warehouse.v1.Inventory.stock");
    assert_eq!(descriptor.methods[0].service(), "warehouse.v1.Inventory");
    assert_eq!(RenamedClient::loopback(Warehouse).stock().await?, 1);
    Ok(())
}

mod vendored {
    pub use ::farcall as remote;
}

#[farcall::service(crate = vendored::remote)]
pub trait OtherPath {
    async fn stock(&self) -> Result<u8>;
}

#[farcall::service(crate = "crate::names::vendored::remote")]
pub trait OtherPathInText {
    async fn stock(&self) -> Result<u8>;
}

impl OtherPath for Warehouse {
    async fn stock(&self) -> Result<u8> {
        Ok(2)
    }
}

impl OtherPathInText for Warehouse {
    async fn stock(&self) -> Result<u8> {
        Ok(3)
    }
}

#[tokio::test]
async fn the_library_can_have_another_path() -> Result<()> {
    assert_eq!(OtherPathClient::loopback(Warehouse).stock().await?, 2);
    assert_eq!(OtherPathInTextClient::loopback(Warehouse).stock().await?, 3);
    Ok(())
}

/// The server's own parameter is called `T` where nothing else is.
mod one_letter {
    use super::Result;

    #[farcall::service]
    pub trait T {
        async fn number(&self) -> Result<u8>;
    }

    #[farcall::service]
    pub trait Store {
        type T: Send + Sync;
        async fn put(&self, item: Self::T) -> Result<Self::T>;
    }

    /// The parameter hides the trait and one of the clients, and the constant is called like an argument.
    #[allow(non_upper_case_globals)]
    #[farcall::service]
    pub trait Shelf<Shelf, ShelfClient, const size: usize> {
        async fn swap(
            &self,
            shelf: Shelf,
            client: ShelfClient,
            size: u8,
            all: [u8; size],
        ) -> Result<(ShelfClient, Shelf)>;
    }

    /// Associated types and parameters whose names look as if they told how a value travels.
    #[allow(non_camel_case_types)]
    #[farcall::service]
    pub trait Telling<Vec: Send> {
        type Result: Send;
        type r#type: Send;
        async fn both(&self, one: Self::Result, two: &Vec, three: Self::r#type) -> (Self::Result, Self::r#type);
    }
}

struct Letters;

impl one_letter::T for Letters {
    async fn number(&self) -> Result<u8> {
        Ok(1)
    }
}

impl one_letter::Store for Letters {
    type T = u16;
    async fn put(&self, item: u16) -> Result<u16> {
        Ok(item + 1)
    }
}

impl one_letter::Shelf<u8, String, 2> for Letters {
    async fn swap(&self, shelf: u8, client: String, size: u8, all: [u8; 2]) -> Result<(String, u8)> {
        Ok((client, shelf + size + all[0] + all[1]))
    }
}

impl one_letter::Telling<u8> for Letters {
    type Result = u8;
    type r#type = u16;
    async fn both(&self, one: u8, two: &u8, three: u16) -> (u8, u16) {
        (one + two, three)
    }
}

#[tokio::test]
async fn names_of_one_letter_and_names_that_hide_others() -> Result<()> {
    assert_eq!(one_letter::TClient::loopback(Letters).number().await?, 1);
    assert_eq!(one_letter::StoreClient::loopback(Letters).put(7).await?, 8);
    let shelf = one_letter::ShelfClient::<u8, String, 2>::loopback(Letters);
    assert_eq!(shelf.swap(1, "a".into(), 3, [4, 5]).await?, ("a".into(), 13));
    let telling = one_letter::TellingClient::<u8, u8, u16>::loopback(Letters);
    assert_eq!(telling.both(1, &2, 3).await?, (3, 3));
    Ok(())
}

/// The constants are called like the arguments of the clients' own functions.
#[allow(non_upper_case_globals)]
#[farcall::service]
trait Constants<
    const address: usize,
    const channel: usize,
    const timeout: usize,
    const key: usize,
    const value: usize,
    const seen: usize,
    const implementation: usize,
>
{
    async fn bytes(&self, bytes: [u8; key]) -> Result<[u8; value]>;
}

struct Same;

impl Constants<1, 2, 3, 4, 4, 6, 7> for Same {
    async fn bytes(&self, bytes: [u8; 4]) -> Result<[u8; 4]> {
        Ok(bytes)
    }
}

#[tokio::test]
async fn constants_called_like_arguments() -> Result<()> {
    let client = ConstantsClient::<1, 2, 3, 4, 4, 6, 7>::loopback(Same).with_metadata("a", "b");
    assert_eq!(client.bytes([7; 4]).await?, [7; 4]);
    Ok(())
}
