//! How arguments may be written.
#![allow(
    clippy::ptr_arg,
    clippy::many_single_char_names,
    reason = "every shape is accepted, the good ones and the bad"
)]

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use farcall::Result;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub sku: String,
    pub count: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Label<'a> {
    pub text: &'a str,
    pub size: u8,
}

fn row(count: u32) -> Row {
    Row {
        sku: "apple".to_owned(),
        count,
    }
}

#[farcall::service]
pub trait Arguments {
    async fn nothing(&self) -> Result<String>;
    async fn text(&self, text: &str) -> Result<String>;
    async fn two_texts<'a>(&self, first: &'a str, second: &'a str) -> Result<String>;
    async fn bounded<'a, 'b>(&'a self, first: &'a str, second: &'b str) -> Result<String>
    where
        'b: 'a;
    async fn bytes(&self, bytes: &[u8]) -> Result<usize>;
    async fn owned(&self, row: Row, text: String, pair: (u8, char)) -> Result<String>;
    async fn reference(&self, row: &Row, number: &u64, map: &BTreeMap<String, u8>) -> Result<String>;
    async fn slice(&self, rows: &[Row], names: &[&str]) -> Result<String>;
    async fn optional(&self, row: Option<&Row>, text: Option<&str>, number: Option<u8>) -> Result<String>;
    async fn optional_slice(&self, rows: Option<&[Row]>) -> Result<Option<usize>>;
    async fn cow(&self, text: Cow<'_, str>, bytes: Cow<'_, [u8]>, fixed: Cow<'static, str>) -> Result<String>;
    async fn borrowing_struct(&self, label: Label<'_>, other: &Label<'_>) -> Result<String>;
    async fn owned_bytes(&self, vec: Vec<u8>, boxed: Box<[u8]>, array: [u8; 40], shared: Bytes) -> Result<Vec<usize>>;
    async fn referenced_bytes(&self, vec: &Vec<u8>, array: &[u8; 40]) -> Result<Vec<usize>>;
    async fn optional_bytes(&self, vec: Option<Vec<u8>>, slice: Option<&[u8]>) -> Result<Vec<Option<usize>>>;
    async fn path(&self, path: &Path, optional: Option<&Path>) -> Result<PathBuf>;
    #[allow(clippy::too_many_arguments)]
    async fn sixteen(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
        m: u8,
        n: u8,
        o: u8,
        p: &str,
    ) -> Result<u32>;
}

struct Service;

impl Arguments for Service {
    async fn nothing(&self) -> Result<String> {
        Ok("nothing".to_owned())
    }
    async fn text(&self, text: &str) -> Result<String> {
        Ok(text.to_owned())
    }
    async fn two_texts<'a>(&self, first: &'a str, second: &'a str) -> Result<String> {
        Ok(first.to_owned() + second)
    }
    async fn bounded<'a, 'b: 'a>(&'a self, first: &'a str, second: &'b str) -> Result<String> {
        Ok(first.to_owned() + second)
    }
    async fn bytes(&self, bytes: &[u8]) -> Result<usize> {
        Ok(bytes.len())
    }
    async fn owned(&self, row: Row, text: String, pair: (u8, char)) -> Result<String> {
        Ok(format!("{} {} {text} {pair:?}", row.sku, row.count))
    }
    async fn reference(&self, row: &Row, number: &u64, map: &BTreeMap<String, u8>) -> Result<String> {
        Ok(format!("{} {number} {}", row.count, map.len()))
    }
    async fn slice(&self, rows: &[Row], names: &[&str]) -> Result<String> {
        Ok(format!("{} {}", rows.len(), names.join("+")))
    }
    async fn optional(&self, row: Option<&Row>, text: Option<&str>, number: Option<u8>) -> Result<String> {
        Ok(format!("{:?} {text:?} {number:?}", row.map(|row| row.count)))
    }
    async fn optional_slice(&self, rows: Option<&[Row]>) -> Result<Option<usize>> {
        Ok(rows.map(<[Row]>::len))
    }
    async fn cow(&self, text: Cow<'_, str>, bytes: Cow<'_, [u8]>, fixed: Cow<'static, str>) -> Result<String> {
        Ok(format!("{text} {bytes:?} {fixed}"))
    }
    async fn borrowing_struct(&self, label: Label<'_>, other: &Label<'_>) -> Result<String> {
        Ok(format!("{}{} {}{}", label.text, label.size, other.text, other.size))
    }
    async fn owned_bytes(&self, vec: Vec<u8>, boxed: Box<[u8]>, array: [u8; 40], shared: Bytes) -> Result<Vec<usize>> {
        Ok(vec![vec.len(), boxed.len(), array.len(), shared.len()])
    }
    async fn referenced_bytes(&self, vec: &Vec<u8>, array: &[u8; 40]) -> Result<Vec<usize>> {
        Ok(vec![vec.len(), array.len()])
    }
    async fn optional_bytes(&self, vec: Option<Vec<u8>>, slice: Option<&[u8]>) -> Result<Vec<Option<usize>>> {
        Ok(vec![vec.map(|vec| vec.len()), slice.map(<[u8]>::len)])
    }
    async fn path(&self, path: &Path, optional: Option<&Path>) -> Result<PathBuf> {
        Ok(path.join(optional.unwrap_or(Path::new("none"))))
    }
    async fn sixteen(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
        m: u8,
        n: u8,
        o: u8,
        p: &str,
    ) -> Result<u32> {
        let sum: u32 = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o]
            .into_iter()
            .map(u32::from)
            .sum();
        Ok(sum + u32::try_from(p.len()).expect("a short text"))
    }
}

#[tokio::test]
async fn text_and_bytes_are_borrowed() -> Result<()> {
    let client = ArgumentsClient::loopback(Service);
    assert_eq!(client.nothing().await?, "nothing");
    assert_eq!(client.text("apple").await?, "apple");
    assert_eq!(client.two_texts("a", "b").await?, "ab");
    assert_eq!(client.bounded("a", "b").await?, "ab");
    assert_eq!(client.bytes(&[1, 2, 3]).await?, 3);
    assert_eq!(
        client.path(Path::new("a"), Some(Path::new("b"))).await?,
        Path::new("a/b")
    );
    Ok(())
}

#[tokio::test]
async fn owned_values_and_references() -> Result<()> {
    let client = ArgumentsClient::loopback(Service);
    assert_eq!(
        client.owned(row(1), "x".to_owned(), (2, 'c')).await?,
        "apple 1 x (2, 'c')"
    );
    let map = BTreeMap::from([("k".to_owned(), 1)]);
    assert_eq!(client.reference(&row(5), &6, &map).await?, "5 6 1");
    assert_eq!(client.slice(&[row(1), row(2)], &["a", "b"]).await?, "2 a+b");
    let label = |size| Label { text: "l", size };
    assert_eq!(client.borrowing_struct(label(1), &label(2)).await?, "l1 l2");
    Ok(())
}

#[tokio::test]
async fn optional_references_and_cows() -> Result<()> {
    let client = ArgumentsClient::loopback(Service);
    assert_eq!(
        client.optional(Some(&row(1)), Some("t"), Some(2)).await?,
        "Some(1) Some(\"t\") Some(2)"
    );
    assert_eq!(client.optional(None, None, None).await?, "None None None");
    assert_eq!(client.optional_slice(Some(&[row(1)])).await?, Some(1));
    assert_eq!(client.optional_slice(None).await?, None);
    let cow = client.cow(Cow::Borrowed("a"), Cow::Owned(vec![1]), Cow::Borrowed("z"));
    assert_eq!(cow.await?, "a [1] z");
    Ok(())
}

#[tokio::test]
async fn every_form_of_bytes() -> Result<()> {
    let client = ArgumentsClient::loopback(Service);
    let owned = client.owned_bytes(vec![1], Box::new([1, 2]), [7; 40], Bytes::from_static(&[1, 2, 3]));
    assert_eq!(owned.await?, [1, 2, 40, 3]);
    assert_eq!(client.referenced_bytes(&vec![1, 2], &[0; 40]).await?, [2, 40]);
    assert_eq!(
        client.optional_bytes(Some(vec![1]), Some(&[1, 2])).await?,
        [Some(1), Some(2)]
    );
    assert_eq!(client.optional_bytes(None, None).await?, [None, None]);
    Ok(())
}

#[tokio::test]
async fn sixteen_arguments() -> Result<()> {
    let client = ArgumentsClient::loopback(Service);
    let sum = client.sixteen(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "four");
    assert_eq!(sum.await?, 124);
    Ok(())
}

#[tokio::test]
async fn a_call_borrows_neither_client_nor_arguments() -> Result<()> {
    let call = {
        let client = ArgumentsClient::loopback(Service);
        let text = String::from("apple");
        client.text(&text)
    };
    let joined = tokio::spawn(call).await.expect("the call does not panic");
    assert_eq!(joined?, "apple");
    Ok(())
}
