//! Attacks on formats with names.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Attack, Chain, Directory, KIB, LIMITS, Large, List, MIB, Struct, Tree, attack};

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
pub(super) fn json() -> Vec<Attack> {
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
pub(super) fn cbor() -> Vec<Attack> {
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
