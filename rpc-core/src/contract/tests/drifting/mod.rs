//! Types that drift at random: no value arrives as another one.
//!
//! A random type is changed at random places. A value of one version is written in a format and read as the other one,
//! unless the contracts refuse that, as a call is refused. What arrives must mean what was meant.

mod reading;
mod types;
mod values;
mod writing;

use std::cell::RefCell;

use fastrand::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeSeed};

use self::{
    reading::is_small,
    types::Type,
    values::{Value, agree, value},
};
use super::Samples;
use crate::{
    codec::{Codec, DecodeLimits, Format},
    contract::{Compatibility, FormatKind, Shape, shape_of},
    harness::seeds,
};

thread_local! {
    static TYPE: RefCell<Type> = const { RefCell::new(Type::Unit) };
}

/// A value of the type of the moment, as a message has it.
struct Current(Value);

impl<'de> Deserialize<'de> for Current {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let current = TYPE.with_borrow(Clone::clone);
        current.deserialize(deserializer).map(Self)
    }
}

impl Serialize for Current {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

fn shape(of: &Type, kind: FormatKind) -> Shape {
    assert!(is_small(of));
    TYPE.set(of.clone());
    shape_of::<Current>(&Samples::new(), kind.is_readable())
}

/// What became of one value.
#[derive(Debug, PartialEq)]
enum Fate {
    Refused,
    /// The format cannot write it.
    Unwritable,
    Failed(String),
    Arrived(Value),
}

fn send(sent: &Value, reader: &Type, format: Format, compatibility: Compatibility) -> Fate {
    if compatibility == Compatibility::Incompatible {
        return Fate::Refused;
    }
    let mut bytes = Vec::new();
    if format.encode(&Current(sent.clone()), &mut bytes).is_err() {
        return Fate::Unwritable;
    }
    assert!(is_small(reader));
    TYPE.set(reader.clone());
    match format.decode::<Current>(&bytes, DecodeLimits::default()) {
        Ok(Current(got)) => Fate::Arrived(got),
        Err(error) => Fate::Failed(error.to_string()),
    }
}

/// Tries some values of `writer` on a reader of another version. Returns how many arrived.
fn exchange(writer: &Type, reader: &Type, rng: &mut Rng) -> usize {
    let mut arrived = 0;
    for &format in Format::ALL {
        let kind = FormatKind::of(format);
        let verdict = shape(reader, kind).read(&shape(writer, kind), kind);
        for _ in 0..4 {
            let sent = value(writer, rng);
            let fate = send(&sent, reader, format, verdict.compatibility);
            let place = || format!("{format}: {writer:?} read as {reader:?}: {sent:?}: {fate:?}: {verdict}");
            match &fate {
                Fate::Refused | Fate::Unwritable => {}
                Fate::Failed(_) => assert_eq!(verdict.compatibility, Compatibility::Partial, "{}", place()),
                Fate::Arrived(got) => {
                    assert!(agree(&sent, got), "{}", place());
                    arrived += 1;
                }
            }
        }
    }
    arrived
}

/// `FARCALL_DRIFT_SEEDS` says how many types are tried; 3,000 without it.
#[test]
fn a_value_arrives_as_it_was_meant_or_not_at_all() {
    let count = seeds::number("FARCALL_DRIFT_SEEDS").unwrap_or(3000);
    let arrived = std::sync::atomic::AtomicUsize::new(0);
    seeds::each(count, |seed| {
        let mut rng = Rng::with_seed(seed);
        let old = types::random(&mut rng, 3);
        let mut new = old.clone();
        for _ in 0..rng.u8(1..4) {
            types::drift(&mut new, &mut rng);
        }
        if !is_small(&old) || !is_small(&new) {
            return;
        }
        let some = exchange(&old, &new, &mut rng) + exchange(&new, &old, &mut rng);
        arrived.fetch_add(some, std::sync::atomic::Ordering::Relaxed);
    });
    let arrived = arrived.into_inner();
    // Most drifts are refused where positions count; the rest must not go unseen.
    assert!(arrived > count as usize / 10, "only {arrived} values arrived");
}

/// A type that did not change is never refused, and each value that can be written arrives whole.
#[test]
fn a_type_that_did_not_drift_is_understood() {
    seeds::each(500, |seed| {
        let mut rng = Rng::with_seed(seed);
        let of = types::random(&mut rng, 3);
        if !is_small(&of) {
            return;
        }
        for &format in Format::ALL {
            let kind = FormatKind::of(format);
            let same = shape(&of, kind).read(&shape(&of, kind), kind).compatibility;
            assert_eq!(same, Compatibility::Same, "{of:?}");
            let sent = value(&of, &mut rng);
            match send(&sent, &of, format, same) {
                Fate::Unwritable => assert!(kind.is_named(), "{format}: {sent:?}"),
                fate => assert_eq!(fate, Fate::Arrived(sent), "{format}: {of:?}"),
            }
        }
    });
}
