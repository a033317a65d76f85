//! How results may be written, and what a caller sees.

use farcall::{Code, Error};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum StockError {
    Unknown(String),
    Call(Error),
}

impl From<Error> for StockError {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

pub type StockResult<T> = Result<T, StockError>;
pub type Counted = Result<u32, StockError>;
/// Ends in `Result` but is not one.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct ExamResult(pub u8);

#[farcall::service]
pub trait Results {
    async fn typed(&self, sku: &str) -> Result<u32, StockError>;
    async fn alias(&self) -> StockResult<u32>;
    async fn library(&self) -> farcall::Result<u32>;
    async fn text_error(&self) -> Result<u32, String>;
    async fn plain(&self) -> u32;
    async fn nothing(&self);
    async fn optional(&self) -> Option<u32>;
    #[rpc(result)]
    async fn marked_result(&self) -> Counted;
    #[rpc(plain)]
    async fn marked_plain(&self) -> ExamResult;
    #[rpc(plain)]
    async fn nested(&self) -> Result<u32, String>;
    async fn bytes(&self) -> Vec<u8>;
    async fn fallible_bytes(&self) -> Result<Vec<u8>, StockError>;
    async fn optional_bytes(&self) -> farcall::Result<Option<Vec<u8>>>;
    async fn array(&self) -> [u8; 40];
}

struct Service;

impl Results for Service {
    async fn typed(&self, sku: &str) -> Result<u32, StockError> {
        Err(StockError::Unknown(sku.to_owned()))
    }
    async fn alias(&self) -> StockResult<u32> {
        Ok(1)
    }
    async fn library(&self) -> farcall::Result<u32> {
        Err(Error::not_found("no such shelf"))
    }
    async fn text_error(&self) -> Result<u32, String> {
        Err("out of stock".to_owned())
    }
    async fn plain(&self) -> u32 {
        2
    }
    async fn nothing(&self) {}
    async fn optional(&self) -> Option<u32> {
        Some(3)
    }
    async fn marked_result(&self) -> Counted {
        Ok(4)
    }
    async fn marked_plain(&self) -> ExamResult {
        ExamResult(5)
    }
    async fn nested(&self) -> Result<u32, String> {
        Err("mine".to_owned())
    }
    async fn bytes(&self) -> Vec<u8> {
        vec![1, 2, 3]
    }
    async fn fallible_bytes(&self) -> Result<Vec<u8>, StockError> {
        Ok(vec![4])
    }
    async fn optional_bytes(&self) -> farcall::Result<Option<Vec<u8>>> {
        Ok(None)
    }
    async fn array(&self) -> [u8; 40] {
        [9; 40]
    }
}

#[tokio::test]
async fn errors_keep_their_type() {
    let client = ResultsClient::loopback(Service);
    let typed: Result<u32, StockError> = client.typed("apple").await;
    assert_eq!(typed, Err(StockError::Unknown("apple".to_owned())));
    assert_eq!(client.alias().await, Ok(1));
    let library: farcall::Result<u32> = client.library().await;
    assert_eq!(library.expect_err("the handler fails").code(), Code::NotFound);
    assert_eq!(client.text_error().await, Err("out of stock".to_owned()));
}

#[tokio::test]
async fn plain_values_arrive_in_a_result() -> farcall::Result<()> {
    let client = ResultsClient::loopback(Service);
    assert_eq!(client.plain().await?, 2);
    let () = client.nothing().await?;
    assert_eq!(client.optional().await?, Some(3));
    Ok(())
}

#[tokio::test]
async fn the_form_can_be_overridden() -> farcall::Result<()> {
    let client = ResultsClient::loopback(Service);
    let counted: Counted = client.marked_result().await;
    assert_eq!(counted, Ok(4));
    assert_eq!(client.marked_plain().await?, ExamResult(5));
    let nested: farcall::Result<Result<u32, String>> = client.nested().await;
    assert_eq!(nested?, Err("mine".to_owned()));
    Ok(())
}

#[tokio::test]
async fn bytes_come_back() -> Result<(), StockError> {
    let client = ResultsClient::loopback(Service);
    assert_eq!(client.bytes().await?, [1, 2, 3]);
    assert_eq!(client.fallible_bytes().await?, [4]);
    assert_eq!(client.optional_bytes().await?, None);
    assert_eq!(client.array().await?, [9; 40]);
    Ok(())
}
