//! Generated code means the standard library even where the user's names stand in its place.
#![no_implicit_prelude]
#![deny(warnings)]
#![allow(clippy::ptr_arg, reason = "a `String` by reference is what is tried")]
#![allow(missing_docs, missing_debug_implementations, dead_code)]

use ::std::{assert, convert::From, string::String};

pub struct Result;
pub struct Option;
pub struct Vec;
pub struct Box;
pub struct Arc;
pub struct Future;
pub struct Send;
pub struct Sync;
pub struct Duration;
pub struct Ok;
pub struct Err;
pub struct Some;
pub struct None;
pub struct PhantomData;
pub struct Debug;
pub struct Call;
pub struct Channel;
pub struct Client;
pub struct Stub;
pub struct Stream;
pub struct Streaming;
pub struct Receiver;
pub struct Feeds;
pub struct Service;
pub struct Error;
pub mod std {}
pub mod core {}
pub mod serde {}

#[::farcall::service]
pub trait Inventory {
    async fn stock(&self, sku: &str, blob: &[u8]) -> ::farcall::Result<u32>;
    async fn twice(&self, count: u32) -> u32 {
        count * 2
    }
    #[rpc(timeout = "3s", idempotent)]
    async fn rows(&self, rows: &[u32], one: &String) -> ::farcall::Result<String>;
    fn version(&self) -> String;
    #[rpc(blocking)]
    fn slow(&self, text: &str) -> u8;
    fn watch(&self) -> impl ::farcall::stream::Stream<Item = ::farcall::Result<::std::vec::Vec<u8>>>;
    async fn export(
        &self,
        rows: impl ::farcall::stream::Stream<Item = u32>,
    ) -> ::farcall::Result<::farcall::Streaming<::farcall::Result<u32>>>;
    async fn fallback(&self) -> ::farcall::Result<impl ::farcall::stream::Stream<Item = ::farcall::Result<u32>>> {
        self.export(self.numbers()).await
    }
    fn numbers(&self) -> ::farcall::Streaming<u32>;
}

#[::farcall::service]
pub trait Generic<T> {
    type Item: ::core::marker::Send;
    async fn swap(&self, own: T, item: Self::Item) -> ::farcall::Result<(Self::Item, T)>;
}

struct Warehouse;

impl Inventory for Warehouse {
    async fn stock(&self, _sku: &str, _blob: &[u8]) -> ::farcall::Result<u32> {
        ::std::result::Result::Ok(1)
    }
    async fn rows(&self, _rows: &[u32], one: &String) -> ::farcall::Result<String> {
        ::std::result::Result::Ok(::std::clone::Clone::clone(one))
    }
    fn version(&self) -> String {
        String::from("1")
    }
    fn slow(&self, _text: &str) -> u8 {
        1
    }
    fn watch(&self) -> impl ::farcall::stream::Stream<Item = ::farcall::Result<::std::vec::Vec<u8>>> {
        ::futures::stream::empty()
    }
    async fn export(
        &self,
        _rows: impl ::farcall::stream::Stream<Item = u32>,
    ) -> ::farcall::Result<::farcall::Streaming<::farcall::Result<u32>>> {
        ::std::result::Result::Ok(::farcall::Streaming::new(::futures::stream::empty()))
    }
    fn numbers(&self) -> ::farcall::Streaming<u32> {
        ::farcall::Streaming::new(::futures::stream::empty())
    }
}

#[::core::prelude::v1::test]
fn the_standard_library_is_meant() {
    let client = InventoryClient::loopback(Warehouse);
    let _copy = ::std::clone::Clone::clone(&client);
    assert!(::std::format!("{client:?}").starts_with("InventoryClient"));
}
