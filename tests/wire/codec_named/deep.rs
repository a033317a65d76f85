//! What serde keeps until it knows its type takes no more stack than there is.

use std::thread;

use farcall::codec::Format;
use serde::{Deserialize, de::DeserializeOwned};

use super::decoded;

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only decoded")]
enum Thin {
    End(u8),
    Level(Vec<Thin>),
}

/// Each level takes much of the stack, while serde's own functions take little.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "it is only decoded, and is to be large"
)]
enum Wide {
    End(u8),
    Level { content: [[u64; 32]; 8], next: Box<Wide> },
}

/// The value is kept as a whole first, and the guard does not see how it is decoded afterwards.
#[test]
fn deep_values_of_unknown_type_are_decoded_or_refused() {
    let row = format!("[{}0]", "0,".repeat(31));
    let wide = format!("{{\"content\":[{}{row}],\"next\":", format!("{row},").repeat(7));
    for levels in [1, 10, 20, 40, 60, 80, 100, 126] {
        let nested = |open: &str, close: &str| open.repeat(levels) + "1" + &close.repeat(levels);
        let thin = on_a_small_stack::<Thin>(nested("[", "]"));
        match thin {
            Ok(()) => {}
            Err(error) => assert!(levels > 100 && error.contains("KiB of stack"), "{levels}: {error}"),
        }
        match on_a_small_stack::<Wide>(nested(&wide, "}")) {
            Ok(()) => assert!(levels <= 100, "the stack was found to be large"),
            Err(error) => assert!(levels > 10 && error.contains("KiB of stack"), "{levels}: {error}"),
        }
    }
}

/// In a thread as tokio has them.
fn on_a_small_stack<T: DeserializeOwned>(text: String) -> Result<(), String> {
    let decode = move || decoded::<T>(Format::Json, text.as_bytes()).map(drop);
    let small = thread::Builder::new().stack_size(2 << 20).spawn(decode);
    small.expect("a thread").join().expect("it does not panic")
}
