//! Bytes travel as bytes: their number, and then the bytes, for every type that holds them.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use farcall::{Channel, Result, Server};
use farcall_tests::{Site, TestResult, Transport, over_every_transport, wrap};
use tower_service::Service;

#[farcall::service]
trait Blobs {
    async fn vec(&self, blob: Vec<u8>) -> Result<Vec<u8>>;
    async fn slice(&self, blob: &[u8]) -> Result<Vec<u8>>;
    async fn optional(&self, blob: Option<Vec<u8>>) -> Result<Option<Vec<u8>>>;
    async fn optional_slice(&self, blob: Option<&[u8]>) -> Result<Option<Vec<u8>>>;
    async fn shared(&self, blob: Bytes) -> Result<Bytes>;
    async fn cow(&self, blob: Cow<'_, [u8]>) -> Result<Vec<u8>>;
    async fn array(&self, blob: [u8; 200]) -> [u8; 200];
}

struct Echo;

impl Blobs for Echo {
    async fn vec(&self, blob: Vec<u8>) -> Result<Vec<u8>> {
        Ok(blob)
    }
    async fn slice(&self, blob: &[u8]) -> Result<Vec<u8>> {
        Ok(blob.to_vec())
    }
    async fn optional(&self, blob: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
        Ok(blob)
    }
    async fn optional_slice(&self, blob: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        Ok(blob.map(<[u8]>::to_vec))
    }
    async fn shared(&self, blob: Bytes) -> Result<Bytes> {
        Ok(blob)
    }
    async fn cow(&self, blob: Cow<'_, [u8]>) -> Result<Vec<u8>> {
        Ok(blob.into_owned())
    }
    async fn array(&self, blob: [u8; 200]) -> [u8; 200] {
        blob
    }
}

/// The lengths of the requests and answers that pass a channel.
#[derive(Clone, Default)]
struct Lengths(Arc<Mutex<Vec<usize>>>);

impl Lengths {
    fn note(&self, length: usize) {
        self.0.lock().expect("nobody panics").push(length);
    }

    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock().expect("nobody panics"))
    }
}

async fn measured(transport: Transport) -> Result<(Site, BlobsClient, Lengths)> {
    let lengths = Lengths::default();
    let noted = lengths.clone();
    let layer = wrap(move |request: farcall::layer::Request, mut next| {
        let noted = noted.clone();
        noted.note(request.body.len());
        let answer = Service::call(&mut next, request);
        async move {
            let answer = answer.await?;
            noted.note(answer.body.len());
            Ok(answer)
        }
    });
    let server = Server::new().service(BlobsServer::new(Echo));
    let site = transport.serve_to(server, Channel::builder().layer(layer)).await?;
    let blobs = BlobsClient::new(site.channel.clone());
    Ok((site, blobs, lengths))
}

over_every_transport!(bytes_cost_their_number_and_a_few_more, every_byte_value_arrives);

/// All bytes are 255, which as numbers of a variable length would take two or three bytes each.
async fn bytes_cost_their_number_and_a_few_more(transport: Transport) -> TestResult {
    let (_site, blobs, lengths) = measured(transport).await?;
    for size in [0, 1, 250, 251, 300, 65_535, 65_536, 1_000_000] {
        let blob = vec![255; size];
        assert_eq!(blobs.vec(blob.clone()).await?, blob);
        assert_eq!(blobs.slice(&blob).await?, blob);
        assert_eq!(blobs.optional(Some(blob.clone())).await?.as_ref(), Some(&blob));
        assert_eq!(blobs.optional_slice(Some(&blob)).await?.as_ref(), Some(&blob));
        assert_eq!(blobs.shared(Bytes::from(blob.clone())).await?, blob);
        assert_eq!(blobs.cow(Cow::Borrowed(&blob)).await?, blob);
        let lengths = lengths.take();
        assert_eq!(lengths.len(), 12);
        for length in lengths {
            // A length takes up to five bytes, `Some` and `Ok` one each.
            assert!((size + 1..=size + 7).contains(&length), "{length} for {size} bytes");
        }
    }
    assert_eq!(blobs.optional(None).await?, None);
    assert_eq!(lengths.take(), [1, 2]);
    Ok(())
}

async fn every_byte_value_arrives(transport: Transport) -> TestResult {
    let (_site, blobs, _) = measured(transport).await?;
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    assert_eq!(blobs.slice(&all).await?, all);
    let mut array = [0; 200];
    array.copy_from_slice(&all[..200]);
    assert_eq!(blobs.array(array).await?, array);
    Ok(())
}
