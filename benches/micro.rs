//! What a call costs without a network: the codec alone, and whole calls over a loopback.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use farcall::{
    codec::{Codec, DecodeLimits, Format},
    service::{AsBytes, Payload},
};
use futures::future::join_all;
use tokio::runtime::Builder;

const FORMAT: Format = Format::Bincode;

/// Arguments of a call such as `reserve(&self, sku: &str, count: u32)`.
fn small_tuple(criterion: &mut Criterion) {
    let arguments = ("a-sku-of-16-char", 3_u32);
    let payload = Payload::encode(FORMAT, &arguments).expect("a string and a number have an encoding");
    let mut group = criterion.benchmark_group("small tuple");
    group.bench_function("encode", |bencher| {
        bencher.iter(|| Payload::encode(FORMAT, black_box(&arguments)));
    });
    group.bench_function("decode borrowed", |bencher| {
        bencher.iter(|| FORMAT.decode::<(&str, u32)>(black_box(payload.as_slice()), DecodeLimits::default()));
    });
    group.bench_function("decode owned", |bencher| {
        bencher.iter(|| FORMAT.decode::<(String, u32)>(black_box(payload.as_slice()), DecodeLimits::default()));
    });
    group.finish();
}

/// A body that travels as one run of bytes, as the attribute sends `&[u8]` and `Vec<u8>`.
fn bytes(criterion: &mut Criterion) {
    let body = vec![7_u8; 1024];
    let payload = Payload::encode(FORMAT, &AsBytes(body.as_slice())).expect("bytes have an encoding");
    let mut group = criterion.benchmark_group("1 KiB of bytes");
    group.throughput(Throughput::Bytes(1024));
    group.bench_function("encode", |bencher| {
        bencher.iter(|| Payload::encode(FORMAT, &AsBytes(black_box(body.as_slice()))));
    });
    group.bench_function("decode borrowed", |bencher| {
        bencher.iter(|| FORMAT.decode::<AsBytes<&[u8]>>(black_box(payload.as_slice()), DecodeLimits::default()));
    });
    group.bench_function("decode owned", |bencher| {
        bencher.iter(|| FORMAT.decode::<AsBytes<Vec<u8>>>(black_box(payload.as_slice()), DecodeLimits::default()));
    });
    group.finish();
}

#[farcall::service]
trait Echo {
    async fn echo(&self, id: u64, body: &[u8]) -> farcall::Result<Vec<u8>>;
}

struct Handler;

impl Echo for Handler {
    async fn echo(&self, _: u64, body: &[u8]) -> farcall::Result<Vec<u8>> {
        Ok(body.to_vec())
    }
}

/// Everything but a socket, on one thread: stub, frames, driver, dispatch, handler and back.
fn loopback(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let echo = EchoClient::loopback(Handler);
    let mut group = criterion.benchmark_group("loopback");
    for calls in [1, 128] {
        group.throughput(Throughput::Elements(calls));
        group.bench_function(format!("{calls} calls of 16 bytes"), |bencher| {
            bencher.iter(|| {
                let answers = runtime.block_on(join_all((0..calls).map(|id| echo.echo(id, &[7; 16]))));
                assert!(answers.iter().all(Result::is_ok));
            });
        });
    }
    group.finish();
}

criterion_group!(micro, small_tuple, bytes, loopback);
criterion_main!(micro);
