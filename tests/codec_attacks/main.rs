//! Hostile bytes end in an error: soon, within the memory limit, and on an ordinary stack.

mod named;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    thread,
    time::{Duration, Instant},
};

use farcall::codec::{Codec, CodecError, DecodeLimits, Format};
use peak_alloc::PeakAlloc;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

const LIMITS: DecodeLimits = DecodeLimits {
    depth: 128,
    memory: 16 * MIB,
};

/// What tokio gives its workers.
const STACK: usize = 2 * MIB;

/// A loop over 2^64 elements never ends; everything here takes milliseconds, in a debug build on a busy machine perhaps
/// seconds.
const PATIENCE: Duration = Duration::from_secs(60);

struct Attack {
    name: String,
    bytes: Vec<u8>,
    decode: fn(Format, &[u8]) -> Result<(), CodecError>,
    /// What the refused decode may have allocated at its peak.
    peak: usize,
}

#[derive(Debug, Serialize, Deserialize)]
enum List {
    End,
    Tuple(u8, Box<List>),
    Newtype(Box<List>),
    Struct { next: Box<List> },
}

#[derive(Debug, Serialize, Deserialize)]
struct Newtype(Box<Newtype>);

#[derive(Debug, Serialize, Deserialize)]
struct Struct {
    next: Box<Struct>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TupleStruct(Box<TupleStruct>, ());

#[derive(Debug, Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

#[derive(Debug, Serialize, Deserialize)]
struct Tree(Vec<Tree>);

#[derive(Debug, Serialize, Deserialize)]
struct Directory(BTreeMap<u8, Directory>);

/// Much of the stack per level.
#[derive(Debug, Serialize, Deserialize)]
struct Large {
    numbers: [u64; 32],
    texts: [String; 8],
    next: Option<Box<Large>>,
}

#[derive(Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Unit;

/// One test and not many: the peak is that of the whole process.
#[test]
fn every_attack_is_refused_within_its_bounds() {
    for &format in Format::ALL {
        for attack in attacks(format) {
            repel(format, attack);
        }
    }
}

fn repel(format: Format, attack: Attack) {
    let Attack {
        name,
        bytes,
        decode,
        peak,
    } = attack;
    let attacked = thread::Builder::new().stack_size(STACK).spawn(move || {
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let start = Instant::now();
        let result = decode(format, &bytes);
        (result, start.elapsed(), MEMORY.peak_usage() - before)
    });
    let (result, elapsed, used) = attacked
        .expect("the machine has a thread")
        .join()
        .unwrap_or_else(|_| panic!("{format}: {name} panicked"));
    assert!(result.is_err(), "{format}: {name} was accepted");
    assert!(
        used <= peak,
        "{format}: {name} took {used} bytes, at most {peak} are right"
    );
    assert!(elapsed < PATIENCE, "{format}: {name} took {elapsed:?}");
}

fn attacks(format: Format) -> Vec<Attack> {
    let mut attacks = match format.to_string().as_str() {
        "json" => named::json(),
        "cbor" => named::cbor(),
        _ => Vec::new(),
    };
    attacks.extend(headers(format));
    attacks.extend(elements_without_bytes(format));
    attacks.extend(nesting(format));
    attacks.extend(amplification(format));
    attacks.extend(malformed(format));
    attacks
}

/// A length, and hardly anything behind it.
fn headers(format: Format) -> Vec<Attack> {
    let mut attacks = Vec::new();
    for length in [1_000_000_000, 1 << 40, 1 << 62, u64::MAX] {
        let bytes = [encoded(format, &length), vec![1, 2, 3]].concat();
        let name = |what: &str| format!("{what} of length {length}");
        attacks.extend([
            attack::<String>(name("String"), &bytes, KIB),
            attack::<ByteBuf>(name("ByteBuf"), &bytes, KIB),
            attack::<Vec<u8>>(name("Vec<u8>"), &bytes, KIB),
            attack::<Vec<u64>>(name("Vec<u64>"), &bytes, KIB),
            attack::<Vec<[u64; 32]>>(name("Vec<[u64; 32]>"), &bytes, 8 * KIB),
            attack::<Vec<Vec<Vec<u8>>>>(name("nested Vec"), &bytes, KIB),
            attack::<HashSet<u64>>(name("HashSet<u64>"), &bytes, KIB),
            attack::<HashMap<String, String>>(name("HashMap"), &bytes, 2 * KIB),
            attack::<BTreeMap<u64, String>>(name("BTreeMap"), &bytes, KIB),
            attack::<(u64, Box<str>)>(name("boxed str"), &[vec![0], bytes.clone()].concat(), KIB),
        ]);
    }
    attacks
}

/// Elements that take no bytes, so that the end of the input does not end them.
#[allow(clippy::zero_sized_map_values, reason = "a peer may aim at any type")]
fn elements_without_bytes(format: Format) -> Vec<Attack> {
    let bytes = encoded(format, &u64::MAX);
    vec![
        attack::<Vec<()>>("Vec<()>", &bytes, KIB),
        attack::<Vec<[u64; 0]>>("Vec<[u64; 0]>", &bytes, KIB),
        attack::<HashSet<()>>("HashSet<()>", &bytes, KIB),
        attack::<HashSet<Unit>>("HashSet<Unit>", &bytes, KIB),
        attack::<HashMap<(), ()>>("HashMap<(), ()>", &bytes, KIB),
        attack::<BTreeMap<(), ((), ())>>("BTreeMap<(), ((), ())>", &bytes, KIB),
        attack::<Vec<Vec<()>>>("Vec<Vec<()>>", &bytes.repeat(2), 128 * KIB),
    ]
}

/// Each level costs a byte or less.
fn nesting(format: Format) -> Vec<Attack> {
    const LEVELS: usize = 1_000_000;
    let cons = |make: fn(Box<List>) -> List| {
        let end = encoded(format, &List::End).len();
        let mut level = encoded(format, &make(Box::new(List::End)));
        level.truncate(level.len() - end);
        level.repeat(LEVELS)
    };
    let entry = [encoded(format, &1_u64), vec![7]].concat();
    let large = [vec![0; 32 + 8], vec![1]].concat();
    let liar = encoded(format, &(1_u64 << 40));
    vec![
        attack::<List>("tuple variants", &cons(|next| List::Tuple(0, next)), 16 * KIB),
        attack::<List>("newtype variants", &cons(List::Newtype), 16 * KIB),
        attack::<List>("struct variants", &cons(|next| List::Struct { next }), 16 * KIB),
        attack::<Newtype>("newtypes out of nothing", &[], 16 * KIB),
        attack::<Struct>("structs out of nothing", &[], 16 * KIB),
        attack::<TupleStruct>("tuple structs out of nothing", &[], 16 * KIB),
        attack::<Chain>("options", &[1].repeat(LEVELS), 16 * KIB),
        attack::<Tree>("sequences", &[1].repeat(LEVELS), 64 * KIB),
        attack::<Directory>("maps", &entry.repeat(LEVELS), 256 * KIB),
        attack::<Large>("large structs", &large.repeat(1000), 128 * KIB),
        // Each level may reserve memory on the peer's word, and all levels are open at once.
        attack::<Tree>("lengths that lie at every level", &liar.repeat(LEVELS), 10 * MIB),
    ]
}

/// One byte on the wire, hundreds in memory.
fn amplification(format: Format) -> Vec<Attack> {
    const ELEMENTS: u64 = 1_000_000;
    let nones = [encoded(format, &ELEMENTS), vec![0; ELEMENTS as usize]].concat();
    let pairs = [encoded(format, &ELEMENTS), vec![0; 2 * ELEMENTS as usize]].concat();
    // While a vector grows, the old and the new one exist.
    let peak = 3 * LIMITS.memory + MIB;
    vec![
        attack::<Vec<Option<[u64; 32]>>>("Vec<Option<[u64; 32]>>", &nones, peak),
        attack::<Vec<Vec<u8>>>("Vec<Vec<u8>>", &nones, peak),
        attack::<Vec<(u8, Option<[u64; 32]>)>>("Vec of pairs", &pairs, peak),
        attack::<Option<Vec<Option<[u64; 32]>>>>("in an option", &[&[1], nones.as_slice()].concat(), peak),
    ]
}

/// Bytes that mean nothing.
fn malformed(format: Format) -> Vec<Attack> {
    let text = |bytes: &[u8]| [encoded(format, &(bytes.len() as u64)), bytes.to_vec()].concat();
    vec![
        attack::<()>("one byte for ()", &[0], KIB),
        attack::<u8>("two bytes for u8", &[1, 1], KIB),
        attack::<String>("a byte behind a string", &[text(b"ok"), vec![0]].concat(), KIB),
        attack::<u64>("no bytes for u64", &[], KIB),
        attack::<bool>("bool 2", &[2], KIB),
        attack::<Option<u8>>("option 2", &[2, 0], KIB),
        attack::<List>("unknown variant", &[4], KIB),
        attack::<String>("not UTF-8", &text(&[0xFF, 0xFE]), KIB),
        attack::<char>("a surrogate", &[0xED, 0xA0, 0x80], KIB),
        attack::<String>("half a string", &text(b"half")[..3], KIB),
    ]
}

fn attack<T: DeserializeOwned>(name: impl Into<String>, bytes: &[u8], peak: usize) -> Attack {
    Attack {
        name: name.into(),
        bytes: bytes.to_vec(),
        decode: |format, bytes| format.decode::<T>(bytes, LIMITS).map(drop),
        peak,
    }
}

fn encoded<T: Serialize>(format: Format, value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    format.encode(value, &mut bytes).expect("the value can be encoded");
    bytes
}
