//! What a call costs without a network: the codec alone, and whole calls over a loopback.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use farcall::{
    codec::{Codec, DecodeLimits, Format},
    service::{AsBytes, Invocation, MethodDescriptor, Payload},
};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
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

/// The arguments of a call with a struct, in each format.
fn formats(criterion: &mut Criterion) {
    #[derive(Serialize, Deserialize)]
    struct Order<'a> {
        sku: &'a str,
        count: u32,
        note: Option<&'a str>,
        prices: [f64; 4],
    }
    static METHOD: MethodDescriptor = MethodDescriptor::new("Shop.order").arguments(&["order", "gift"]);
    let order = Order {
        sku: "a-sku-of-16-char",
        count: 3,
        note: Some("ripe"),
        prices: [0.25, 1.5, 2.125, 1e6],
    };
    let mut group = criterion.benchmark_group("formats");
    for &format in Format::ALL {
        let encode = || Payload::arguments(format, METHOD.arguments, black_box(&(&order, true)));
        group.bench_function(format!("{format} encode"), |bencher| bencher.iter(encode));
        let body = Bytes::copy_from_slice(encode().expect("each format has it").as_slice());
        group.bench_function(format!("{format} decode"), |bencher| {
            bencher.iter(|| {
                let call = Invocation::new(&METHOD, body.clone(), format, DecodeLimits::default());
                call.arguments::<(Order<'_>, bool)>().map(|(order, _)| order.count)
            });
        });
    }
    group.finish();
}

criterion_group!(micro, small_tuple, bytes, formats, loopback);
criterion_main!(micro);
