//! Hostile bytes end in an error: soon, within the memory limit, and on an ordinary stack.

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
        "json" => json(),
        "cbor" => cbor(),
        _ => Vec::new(),
    };
    attacks.extend(headers(format));
    attacks.extend(elements_without_bytes(format));
    attacks.extend(nesting(format));
    attacks.extend(amplification(format));
    attacks.extend(malformed(format));
    attacks
}

/// Takes whatever comes, as `untagged`, `tag` and `flatten` do: serde keeps it until it knows what it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Any {
    Number(u8),
    List(Vec<Any>),
    Map(BTreeMap<String, Any>),
    Large(Box<(u8, [u64; 32], Any)>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Rows { rows: Vec<Option<u8>> },
}

/// Has no room for what the peer adds.
#[derive(Debug, Serialize, Deserialize)]
struct Little {
    number: u8,
}

/// JSON, opened and not closed, or with more in it than there may be.
fn json() -> Vec<Attack> {
    const LEVELS: usize = 1_000_000;
    const PEAK: usize = 3 * LIMITS.memory + MIB;
    let many = |element: &str| format!("[{}1]", element.repeat(LEVELS));
    let unknown = |content: &str| format!("{{\"other\":{content},\"number\":1}}");
    let kept = |content: String| format!("{{\"rows\":{content},\"kind\":\"Rows\"}}");
    let [sequences, options, maps, structs, variants] =
        ["[", "[[", "{\"1\":", "{\"next\":", "{\"Newtype\":"].map(|level| level.repeat(LEVELS).into_bytes());
    vec![
        attack::<Tree>("sequences", &sequences, 64 * KIB),
        attack::<Vec<Chain>>("sequences of options", &options, 64 * KIB),
        attack::<Directory>("maps", &maps, 256 * KIB),
        attack::<Struct>("structs", &structs, 64 * KIB),
        attack::<Large>("large structs", &structs, 128 * KIB),
        attack::<List>("variants", &variants, 64 * KIB),
        attack::<Any>("anything in sequences", &sequences, 256 * KIB),
        attack::<Any>("anything in maps", &maps, 256 * KIB),
        attack::<Tagged>("a tag in sequences", &sequences, 256 * KIB),
        attack::<serde_json::Value>("a value in sequences", &sequences, 256 * KIB),
        attack::<serde_json::Value>("a value in maps", &maps, 256 * KIB),
        attack::<Little>(
            "an unknown field that nests",
            unknown(&"[".repeat(LEVELS)).as_bytes(),
            64 * KIB,
        ),
        attack::<serde::de::IgnoredAny>("nothing of interest that nests", &maps, 64 * KIB),
        attack::<Vec<Option<[u64; 32]>>>("nulls", many("null,").as_bytes(), PEAK),
        attack::<Vec<Vec<u8>>>("empty vectors", many("[],").as_bytes(), PEAK),
        attack::<Vec<()>>("units", many("null,").as_bytes(), PEAK),
        attack::<Any>("anything in a long sequence", many("1,").as_bytes(), PEAK),
        attack::<Tagged>("rows before their tag", kept(many("null,")).as_bytes(), PEAK),
        attack::<f64>(
            "a long number that ends nowhere",
            format!("{}.", "1".repeat(LEVELS)).as_bytes(),
            KIB,
        ),
        attack::<u64>("a long number", "1".repeat(LEVELS).as_bytes(), KIB),
        attack::<String>(
            "a string of escapes that ends nowhere",
            "\\n".repeat(LEVELS).as_bytes(),
            KIB,
        ),
        attack::<String>("a quote alone", b"\"", KIB),
        attack::<String>("half an escape", b"\"\\", KIB),
        attack::<String>("not UTF-8", b"\"\xff\"", KIB),
        attack::<ByteBuf>("not base64", b"\"????\"", KIB),
        attack::<u8>("two values", b"1 2", KIB),
        attack::<u8>("a comment", b"1//", KIB),
        attack::<Little>("a field twice", br#"{"number":1,"number":2}"#, KIB),
    ]
}

/// CBOR, with lengths that lie, and of indefinite length.
fn cbor() -> Vec<Attack> {
    const LEVELS: usize = 1_000_000;
    const PEAK: usize = 3 * LIMITS.memory + MIB;
    let claims = |kind: u8, length: u64| [vec![kind | 0x1b], length.to_be_bytes().to_vec(), vec![1, 2, 3]].concat();
    let mut attacks = Vec::new();
    for length in [1_000_000_000, 1 << 40, u64::MAX] {
        let name = |what: &str| format!("{what} of length {length}");
        let (bytes, text, array, map) = (
            claims(0x40, length),
            claims(0x60, length),
            claims(0x80, length),
            claims(0xa0, length),
        );
        attacks.extend([
            attack::<String>(name("String"), &text, KIB),
            attack::<ByteBuf>(name("ByteBuf"), &bytes, KIB),
            attack::<Vec<u64>>(name("Vec<u64>"), &array, KIB),
            attack::<Vec<[u64; 32]>>(name("Vec<[u64; 32]>"), &array, 8 * KIB),
            attack::<HashSet<u64>>(name("HashSet<u64>"), &array, KIB),
            attack::<HashMap<u64, String>>(name("HashMap"), &map, 2 * KIB),
            attack::<Any>(name("anything"), &array, 2 * KIB),
            attack::<serde_json::Value>(name("a map of anything"), &map, 2 * KIB),
            attack::<serde::de::IgnoredAny>(name("nothing of interest"), &array, 2 * KIB),
            attack::<Little>(name("a struct"), &map, KIB),
        ]);
    }
    let repeated = |level: &[u8]| level.repeat(LEVELS);
    let nulls = [vec![0x9a, 0, 0x0f, 0x42, 0x40], vec![0xf6; LEVELS]].concat();
    let (open, one) = (repeated(&[0x9f]), repeated(&[0x81]));
    attacks.extend([
        attack::<Tree>("sequences", &one, 64 * KIB),
        attack::<Tree>("sequences without length", &open, 64 * KIB),
        attack::<Tree>(
            "lengths that lie at every level",
            &repeated(&[0x9b, 0, 0, 1, 0, 0, 0, 0, 0]),
            10 * MIB,
        ),
        attack::<Directory>("maps", &repeated(&[0xa1, 1]), 256 * KIB),
        attack::<Struct>("structs", &repeated(b"\xa1\x64next"), 64 * KIB),
        attack::<List>("variants", &repeated(b"\xa1\x67Newtype"), 64 * KIB),
        attack::<Any>("anything", &one, 256 * KIB),
        attack::<Any>("anything without length", &open, 256 * KIB),
        attack::<serde_json::Value>("keys that nest", &repeated(&[0xa1]), 256 * KIB),
        attack::<serde::de::IgnoredAny>("nothing of interest", &one, 64 * KIB),
        attack::<u8>("tags", &repeated(&[0xc6]), KIB),
        attack::<u8>("a large number of another kind", &[0xc2, 0x80], KIB),
        attack::<u128>(
            "a number of 17 bytes",
            &[vec![0xc2, 0x51], vec![0xff; 17]].concat(),
            KIB,
        ),
        attack::<ByteBuf>("pieces without end", &[vec![0x5f], repeated(&[0x40])].concat(), KIB),
        attack::<String>("pieces of the other kind", &[0x7f, 0x41, 0x61, 0xff], KIB),
        attack::<Vec<Option<[u64; 32]>>>("nulls", &nulls, PEAK),
        attack::<Any>(
            "anything in a long sequence",
            &[&nulls[..5], &vec![1; LEVELS]].concat(),
            PEAK,
        ),
        attack::<u8>("the end of nothing", &[0xff], KIB),
        attack::<u8>("a reserved length", &[0x1c], KIB),
        attack::<bool>("a simple value", &[0xf8, 0x20], KIB),
        attack::<String>("not UTF-8", &[0x61, 0xff], KIB),
    ]);
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
