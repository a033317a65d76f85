//! The types that a hostile peer says to mean.

use bytes::Bytes;

use crate::{
    Error, Metadata,
    contract::{self, Claim, Compatibility, Contract, FormatKind, Judgements, MethodContract, Policy, Shape},
};

/// The types of each method in bytes.
pub fn types(contract: &Contract) -> Vec<Vec<u8>> {
    contract
        .methods()
        .iter()
        .map(|method| method.types().encode())
        .collect()
}

/// Reads `data` as the types of a peer and of this side, and does with both all that is done with types of a peer. Its
/// first two bytes say how long the first ones are.
pub fn contracts(data: &[u8]) {
    let Some((length, data)) = data.split_first_chunk() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes(*length)) % (data.len() + 1);
    let (there, here) = data.split_at(length);
    let there_shape = read(there);
    let Some(own) = read(here).or_else(|| Shape::decode(&[0, 0])) else {
        return;
    };
    for kind in FormatKind::ALL {
        judge(there, &own, kind);
        explain(there, &own, kind);
    }
    show(&own);
    if let Some(there) = there_shape {
        for kind in FormatKind::ALL {
            compare(&there, &own, kind);
        }
    }
}

/// What is read is written again as it came, but for numbers that were longer than they need be.
fn read(bytes: &[u8]) -> Option<Shape> {
    let shape = Shape::decode(bytes)?;
    let written = shape.encode();
    let again = Shape::decode(&written).expect("what was written is read");
    assert_eq!(again.nodes(), shape.nodes());
    assert_eq!(again.encode(), written);
    Some(shape)
}

/// A callee that gets a claim.
fn judge(types: &[u8], own: &Shape, kind: FormatKind) {
    let claim = Claim {
        number: 0,
        fingerprint: own.fingerprint_in(kind),
        types: Some(Bytes::copy_from_slice(types)),
    };
    let judgements = Judgements::default();
    let mut told = 0;
    let first = judgements.of(&claim, own, kind, |verdict| told += verdict.to_string().len());
    assert!(told < 1 << 20, "a text of {told} bytes");
    let again = judgements.of(&claim, own, kind, |_| panic!("it is known"));
    assert_eq!(first, again);
}

/// A caller that is refused.
fn explain(types: &[u8], own: &Shape, kind: FormatKind) {
    let mut metadata = Metadata::new();
    metadata
        .append_bin(contract::KEY, types.to_vec())
        .expect("the key is a valid one");
    let refusal = Error::failed_precondition("").with_metadata(metadata);
    let explained = contract::explained(refusal, "method", own, kind);
    assert!(explained.message().len() < 16 << 10, "{}", explained.message().len());
    assert!(!explained.message().contains(char::is_control), "{explained:?}");
}

/// A contract that is printed.
fn show(shape: &Shape) {
    let method = MethodContract::new("method", Policy::default(), shape.clone(), shape.clone());
    let contract = Contract::new("Service", vec![method]);
    assert!(contract.differences(&contract).is_empty());
    assert!(contract.to_string().starts_with("service Service"));
}

fn compare(there: &Shape, own: &Shape, kind: FormatKind) {
    let same = there.fingerprint_in(kind) == own.fingerprint_in(kind);
    let verdict = own.read(there, kind);
    assert!(
        !same || verdict.compatibility <= Compatibility::Compatible,
        "{verdict:?}"
    );
    assert_eq!(own.read(own, kind).compatibility, Compatibility::Same);
}
