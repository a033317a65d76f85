//! What the codec costs on the way into and out of a call, without a connection.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use farcall::{
    codec::{Codec, DecodeLimits, Format},
    service::{AsBytes, Payload},
};

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

criterion_group!(codec, small_tuple, bytes);
criterion_main!(codec);
