//! Generated code says nothing that the trait does not say, under the strictest lints.
//!
//! rustc's are judged when this is compiled, clippy's when the gate runs it. The traits can be reached from outside, as
//! those of a library.
#![deny(
    warnings,
    deprecated,
    missing_docs,
    missing_debug_implementations,
    nonstandard_style,
    unreachable_pub,
    unused,
    unused_qualifications,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::must_use_candidate,
    clippy::missing_errors_doc
)]

use farcall::stream::Stream;

/// What the trait allows.
#[allow(non_snake_case)]
#[farcall::service]
pub trait Names {
    /// Answers.
    async fn fooBar(&self, bazQux: u32) -> u32;
    /// Streams.
    fn Stream(&self) -> impl Stream<Item = u32>;
    /// Blocks.
    #[rpc(blocking)]
    fn Block(&self) -> u32;
    /// Tells.
    #[expect(non_snake_case, reason = "expected in the trait alone")]
    async fn Tell(&self, text: &str);
}

/// What methods have on them.
#[farcall::service]
pub trait Methods {
    /// Old.
    #[deprecated(note = "use `next`")]
    async fn last(&self) -> u32 {
        1
    }
    /// Old, too.
    #[deprecated]
    fn items(&self) -> impl Stream<Item = u32>;
    /// New.
    #[must_use]
    async fn next(&self) -> u32;
    /// Takes what it does not use.
    #[allow(unused_variables)]
    async fn taking(&self, unused: u32) -> u32 {
        2
    }
    /// Fails.
    ///
    /// # Errors
    /// Always.
    async fn failing(&self, rows: &[String], flag: bool, other: bool) -> farcall::Result<Vec<u8>>;
}

/// A name of another style.
#[allow(non_camel_case_types)]
#[farcall::service]
pub trait lower_case {
    /// Answers.
    async fn answer(&self) -> u32;
}

/// Old.
#[deprecated]
#[farcall::service]
pub trait Old {
    /// Answers.
    async fn answer(&self) -> u32;
}

/// As many as there may be.
#[allow(clippy::too_many_arguments, clippy::many_single_char_names)]
#[farcall::service]
pub trait Many {
    /// Adds.
    #[rustfmt::skip]
    async fn sum(
        &self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8,
        i: u8, j: u8, k: u8, l: u8, m: u8, n: u8, o: u8, p: u8,
    ) -> u32;
}

/// Generic.
#[farcall::service]
pub trait Store<K, const N: usize> {
    /// What is kept.
    type Item: Send + Sync;
    /// Keeps.
    ///
    /// # Errors
    /// When it is full.
    async fn put(&self, key: &K, item: Self::Item, bytes: [u8; N]) -> farcall::Result<Self::Item>;
    /// Gives back.
    fn all(&self, keys: impl Stream<Item = K>) -> impl Stream<Item = farcall::Result<Self::Item>>;
}
