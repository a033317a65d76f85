//! The bytes of values that mean something to the protocol are frozen, as those of messages are.
//!
//! `tests/wire/values_<format>.txt` holds one value a line: its name, its bytes in hex, those of JSON as text, and the
//! tags of the list that goes with it. `docs/protocol.md` explains them under *Values*. To add one, append it to
//! [`values`] and run
//! `FARCALL_BLESS=1 cargo test -p farcall --features cbor,json,postcard --lib attachments::tests::golden`.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde::Serialize;

use crate::{
    Channel, Error, Metadata, Outcome,
    channel::{Receiver, Sender, channel, watch},
    codec::{Codec, Format},
    driver::attachments::{self, OutgoingAttachment},
    proto::Flow,
    registry::{Entry, Reference, RegistryClient},
};

/// An error of somebody's own, as the guide writes them.
#[derive(Serialize)]
enum StockError {
    Unknown { sku: String },
    Remote(Error),
}

#[derive(Serialize)]
struct Desk {
    orders: Sender<u32>,
    receipts: Receiver<u32>,
}

fn errors() -> [Error; 2] {
    let mut metadata = Metadata::new();
    metadata.append("retry-after", "3").expect("a key");
    metadata.append_bin("proof-bin", vec![0, 255]).expect("a key");
    let full = Error::data_loss("größer")
        .with_outcome(Outcome::Unknown)
        .with_method("Inventory.stock")
        .with_metadata(metadata);
    [Error::not_found("no such sku"), full]
}

fn receiver() -> Receiver<u32> {
    channel().1
}

fn sender() -> Sender<u32> {
    channel().0
}

fn desk() -> Desk {
    Desk {
        orders: sender(),
        receipts: receiver(),
    }
}

/// A client of an object that lives here.
fn object() -> RegistryClient {
    RegistryClient::local(crate::registry::Names::new())
}

fn elsewhere() -> RegistryClient {
    let address = "tcp://127.0.0.1:7401/warehouse/eu";
    RegistryClient::new(Channel::builder().connect_lazily(address).expect("an address"))
}

fn entry() -> Entry {
    Entry {
        name: "warehouse/eu".into(),
        service: "Inventory".into(),
    }
}

fn values(format: Format) -> Vec<(&'static str, String)> {
    let [plain, full] = errors();
    let unknown = StockError::Unknown { sku: "plum".into() };
    vec![
        ("farcall::Error", encoded(format, &plain)),
        ("farcall::Error with everything", encoded(format, &full)),
        ("result, Ok(3)", encoded(format, &Ok::<u32, StockError>(3))),
        (
            "result, an error of the method's own",
            encoded(format, &Err::<u32, _>(unknown)),
        ),
        (
            "result, a farcall::Error inside an error of the method's own",
            encoded(format, &Err::<u32, _>(StockError::Remote(plain.clone()))),
        ),
        ("item, Ok(3)", encoded(format, &Ok::<u32, Error>(3))),
        ("item, a farcall::Error", encoded(format, &Err::<u32, _>(plain))),
        ("stream or Receiver", encoded(format, &receiver())),
        ("Sender", encoded(format, &sender())),
        ("watch::Receiver of 7", encoded(format, &watch::channel(7_u32).1)),
        ("struct of a Sender and a Receiver", encoded(format, &desk())),
        (
            "300 Receivers",
            encoded(format, &(0..300).map(|_| receiver()).collect::<Vec<_>>()),
        ),
        ("client of an object", encoded(format, &object())),
        ("client of an address", encoded(format, &elsewhere())),
        (
            "registry Reference of an object",
            encoded(format, &Reference::of(&object())),
        ),
        (
            "registry Reference of an address",
            encoded(format, &Reference::of(&elsewhere())),
        ),
        ("registry Entry", encoded(format, &entry())),
    ]
}

/// The bytes, then the tags of the list.
fn encoded(format: Format, value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let (written, list) = attachments::collecting(|| format.encode(value, &mut bytes));
    written.expect("it can be encoded");
    let mut text = if format.to_string() == "json" {
        String::from_utf8(bytes).expect("JSON is text")
    } else {
        hex(&bytes)
    };
    if list.len() > 3 {
        let _ = write!(text, " {} x tag {}", list.len(), tag(&list[0]));
    } else {
        list.iter().for_each(|entry| {
            let _ = write!(text, " tag {}", tag(entry));
        });
    }
    text
}

fn tag(entry: &OutgoingAttachment) -> u8 {
    match entry {
        OutgoingAttachment::Stream { flow: Flow::Sends, .. } => 0,
        OutgoingAttachment::Stream {
            flow: Flow::Receives, ..
        } => 1,
        OutgoingAttachment::Object(_) => 2,
        OutgoingAttachment::Import(_) => 3,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[tokio::test]
async fn values_have_their_golden_bytes() {
    for &format in Format::ALL {
        let found = values(format)
            .into_iter()
            .fold(String::new(), |text, (name, bytes)| text + name + ": " + &bytes + "\n");
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/wire/values_{format}.txt"));
        if std::env::var_os("FARCALL_BLESS").is_some() {
            fs::write(&path, &found).expect("the golden file can be written");
        }
        let golden = fs::read_to_string(&path).expect("the golden file is there");
        assert_eq!(found, golden, "{format}: a changed line breaks the wire");
    }
}
