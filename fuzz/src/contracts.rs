//! The types that a peer says to mean by a method.

use std::collections::BTreeMap;

use farcall::{Error, contract::Contract};
use serde::{Deserialize, Serialize};

pub use farcall::harness::contracts;

#[derive(Serialize, Deserialize)]
struct Tree {
    name: String,
    kind: Kind,
    parts: Vec<Tree>,
    #[serde(default)]
    prices: BTreeMap<u8, Option<(i64, f32)>>,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    Root,
    Leaf(u32),
    Named { unit: (), deep: Box<Kind> },
}

#[farcall::service]
trait Forest {
    async fn plant(&self, tree: Tree, at: (u8, [u16; 4])) -> Result<Kind, Error>;
    async fn trees(&self, skip: Option<u32>) -> Vec<Tree>;
    async fn nothing(&self);
}

#[farcall::service]
trait Wood {
    async fn plant(&self, at: (u8, [u32; 4]), tree: Option<Kind>) -> Result<String, Error>;
    async fn trees(&self, skip: u32, sorted: Option<bool>) -> Vec<Kind>;
}

/// The types of each method beside those of each other.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let types = |contract: Contract| farcall::harness::types(&contract);
    let all = [types(ForestClient::contract()), types(WoodClient::contract())].concat();
    let mut seeds = Vec::new();
    for there in &all {
        for here in &all {
            let length = (there.len() as u16).to_le_bytes();
            seeds.push([&length, &there[..], here].concat());
        }
    }
    seeds
}
