//! Parameters and associated types of the trait.

use std::{collections::HashMap, fmt::Debug, hash::Hash, marker::PhantomData, sync::Mutex};

use farcall::Result;
use serde::{Serialize, de::DeserializeOwned};

#[farcall::service]
pub trait Store<K: Eq + Hash, V>
where
    V: Clone,
{
    async fn put(&self, key: K, value: &V) -> Result<Option<V>>;
    async fn find(&self, key: &K) -> Result<Option<V>>;
    async fn keys(&self, some: &[K]) -> Result<Vec<K>>;
}

struct Map<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Store<K, V> for Map<K, V>
where
    K: Eq + Hash + Clone + Send + Sync,
    V: Clone + Send + Sync,
{
    async fn put(&self, key: K, value: &V) -> Result<Option<V>> {
        Ok(self.0.lock().expect("no panic").insert(key, value.clone()))
    }
    async fn find(&self, key: &K) -> Result<Option<V>> {
        Ok(self.0.lock().expect("no panic").get(key).cloned())
    }
    async fn keys(&self, some: &[K]) -> Result<Vec<K>> {
        let map = self.0.lock().expect("no panic");
        Ok(some.iter().filter(|key| map.contains_key(*key)).cloned().collect())
    }
}

#[tokio::test]
async fn type_parameters() -> Result<()> {
    let client: StoreClient<String, u32> = StoreClient::loopback(Map(Mutex::default()));
    assert_eq!(client.put("a".to_owned(), &1).await?, None);
    assert_eq!(client.clone().put("a".to_owned(), &2).await?, Some(1));
    assert_eq!(client.find(&"a".to_owned()).await?, Some(2));
    assert_eq!(client.keys(&["a".to_owned(), "b".to_owned()]).await?, ["a"]);
    Ok(())
}

async fn through_the_trait<S: Store<String, u32>>(store: &S) -> Result<Option<u32>> {
    store.put("b".to_owned(), &7).await?;
    store.find(&"b".to_owned()).await
}

#[tokio::test]
async fn a_generic_client_is_a_generic_implementation() -> Result<()> {
    let client: StoreClient<String, u32> = StoreClient::loopback(Map(Mutex::default()));
    assert_eq!(through_the_trait(&client).await?, Some(7));
    Ok(())
}

#[farcall::service]
pub trait Queue {
    type Item: Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync;
    type Error: Serialize + DeserializeOwned + From<farcall::Error> + Send;

    async fn push(&self, item: Self::Item) -> std::result::Result<usize, Self::Error>;
    async fn pop(&self) -> std::result::Result<Option<Self::Item>, <Self as Queue>::Error>;
    async fn push_all(
        &self,
        items: &[Self::Item],
        last: Option<&Self::Item>,
    ) -> std::result::Result<usize, Self::Error>;
}

struct Numbers(Mutex<Vec<u64>>);

impl Queue for Numbers {
    type Item = u64;
    type Error = String;

    async fn push(&self, item: u64) -> std::result::Result<usize, String> {
        let mut numbers = self.0.lock().expect("no panic");
        numbers.push(item);
        Ok(numbers.len())
    }
    async fn pop(&self) -> std::result::Result<Option<u64>, String> {
        Ok(self.0.lock().expect("no panic").pop())
    }
    async fn push_all(&self, items: &[u64], last: Option<&u64>) -> std::result::Result<usize, String> {
        let mut numbers = self.0.lock().expect("no panic");
        numbers.extend(items.iter().chain(last));
        Ok(numbers.len())
    }
}

async fn drained<Q: Queue<Item = u64>>(queue: &Q) -> Vec<u64> {
    let mut items = Vec::new();
    while let Ok(Some(item)) = queue.pop().await {
        items.push(item);
    }
    items
}

#[tokio::test]
async fn associated_types_become_parameters_of_the_client() -> std::result::Result<(), String> {
    let client: QueueClient<u64, String> = QueueClient::loopback(Numbers(Mutex::default()));
    assert_eq!(client.push(1).await?, 1);
    assert_eq!(client.push_all(&[2, 3], Some(&4)).await?, 4);
    assert_eq!(drained(&client).await, [4, 3, 2, 1]);
    Ok(())
}

/// A user's type of the same name as an associated type is not mistaken for it.
pub type Item = String;

#[farcall::service]
pub trait Shadowed {
    type Item: Serialize + DeserializeOwned + Send + Sync;
    async fn swap(&self, own: Self::Item, global: Item) -> Result<(Item, Self::Item)>;
}

struct Swap;

impl Shadowed for Swap {
    type Item = u8;
    async fn swap(&self, own: u8, global: Item) -> Result<(Item, u8)> {
        Ok((global, own))
    }
}

#[tokio::test]
async fn associated_types_meet_no_other_name() -> Result<()> {
    let client = ShadowedClient::loopback(Swap);
    assert_eq!(client.swap(1, "x".to_owned()).await?, ("x".to_owned(), 1));
    Ok(())
}

#[farcall::service]
pub trait Fixed<const N: usize, T = u32> {
    async fn bytes(&self, bytes: [u8; N]) -> Result<usize>;
    async fn value(&self, value: T) -> Result<T>;
}

struct Doubling;

impl Fixed<3> for Doubling {
    async fn bytes(&self, bytes: [u8; 3]) -> Result<usize> {
        Ok(bytes.len())
    }
    async fn value(&self, value: u32) -> Result<u32> {
        Ok(value * 2)
    }
}

/// serde knows arrays only by their length, so the bound is written by hand.
#[farcall::service(bound = "[u32; N]: serde::Serialize + serde::de::DeserializeOwned, T: Serialize + DeserializeOwned")]
pub trait Sized<const N: usize, T> {
    async fn numbers(&self, seed: [u32; N], value: T) -> Result<[u32; N]>;
}

struct Halving;

impl Sized<4, u8> for Halving {
    async fn numbers(&self, seed: [u32; 4], value: u8) -> Result<[u32; 4]> {
        Ok(seed.map(|number| number / u32::from(value)))
    }
}

#[tokio::test]
async fn bytes_of_a_constant_length() -> Result<()> {
    let client = FixedClient::<3>::loopback(Doubling);
    assert_eq!(client.bytes([0; 3]).await?, 3);
    assert_eq!(client.value(4).await?, 8);
    Ok(())
}

#[tokio::test]
async fn explicit_bounds_and_constant_parameters() -> Result<()> {
    let client = SizedClient::<4, u8>::loopback(Halving);
    assert_eq!(client.numbers([2, 4, 6, 8], 2).await?, [1, 2, 3, 4]);
    Ok(())
}

pub trait Family {
    type Member: Serialize + DeserializeOwned + Send + Sync + Clone + 'static;
}

#[derive(Debug)]
pub struct Words;

impl Family for Words {
    type Member = String;
}

/// The parameter itself never travels, only what it names.
#[farcall::service]
pub trait Relative<F: Family> {
    async fn echo(&self, member: F::Member) -> Result<F::Member>;
}

struct Echo<F>(PhantomData<F>);

impl<F: Family + Sync> Relative<F> for Echo<F> {
    async fn echo(&self, member: F::Member) -> Result<F::Member> {
        Ok(member)
    }
}

#[tokio::test]
async fn types_that_a_parameter_names() -> Result<()> {
    let client = RelativeClient::<Words>::loopback(Echo(PhantomData));
    assert_eq!(client.echo("w".to_owned()).await?, "w");
    Ok(())
}

/// A parameter called like the server's own.
#[farcall::service]
pub trait Named<T> {
    async fn echo(&self, value: T) -> Result<T>;
}

struct Same;

impl Named<u8> for Same {
    async fn echo(&self, value: u8) -> Result<u8> {
        Ok(value)
    }
}

#[tokio::test]
async fn a_parameter_called_t() -> Result<()> {
    let client = NamedClient::<u8>::loopback(Same);
    assert_eq!(client.echo(8).await?, 8);
    let _server: NamedServer<Same, u8> = NamedServer::new(Same);
    Ok(())
}
