//! The decode limits bite where they say, and honest values do not notice them.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap, HashSet, LinkedList},
    fmt::Debug,
    thread,
};

use farcall::codec::{Codec, CodecError, DecodeLimits, Format};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum List {
    End,
    Cons(Box<List>),
}

impl List {
    /// A list of `levels` enums inside each other.
    fn of(levels: u16) -> Self {
        (1..levels).fold(Self::End, |list, _| Self::Cons(Box::new(list)))
    }
}

#[test]
fn depth_is_allowed_up_to_the_limit_and_not_beyond() {
    for &format in Format::ALL {
        let limits = DecodeLimits {
            depth: 10,
            ..DecodeLimits::default()
        };
        let deep = decoded(format, &List::of(10), limits);
        assert_eq!(deep, Ok(List::of(10)), "{format}");
        let error = decoded(format, &List::of(11), limits).expect_err("one level too many");
        assert_eq!(
            error.to_string(),
            "the value nests deeper than 10, the limit (`max_depth`)",
            "{format}"
        );
    }
}

#[test]
fn depth_is_given_back_when_a_level_closes() {
    let wide = vec![vec![vec![Some(1_u8)]; 50]; 50];
    for &format in Format::ALL {
        let limits = DecodeLimits {
            depth: 4,
            ..DecodeLimits::default()
        };
        assert_eq!(decoded(format, &wide, limits), Ok(wide.clone()), "{format}");
    }
}

#[test]
fn memory_is_allowed_up_to_the_limit_and_not_beyond() {
    for &format in Format::ALL {
        let limits = DecodeLimits {
            memory: 800,
            ..DecodeLimits::default()
        };
        assert_eq!(
            decoded(format, &vec![1_u64; 100], limits),
            Ok(vec![1_u64; 100]),
            "{format}"
        );
        let error = decoded(format, &vec![1_u64; 101], limits).expect_err("one element too many");
        assert_eq!(
            error.to_string(),
            "the elements of the value need more than 800 bytes of memory, the limit (`max_decoded`)",
            "{format}"
        );
    }
}

#[test]
fn map_entries_count_by_key_and_value() {
    let map = |entries: u64| -> BTreeMap<u64, u64> { (0..entries).map(|key| (key, 0)).collect() };
    for &format in Format::ALL {
        let limits = DecodeLimits {
            memory: 160,
            ..DecodeLimits::default()
        };
        assert_eq!(decoded(format, &map(10), limits), Ok(map(10)), "{format}");
        assert!(decoded(format, &map(11), limits).is_err(), "{format}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "one byte on the wire makes much in memory")]
enum Command {
    Nothing,
    Put([u64; 32]),
}

#[test]
fn what_lies_behind_a_pointer_counts_as_well() {
    // Each of 100 elements has its own memory, larger than what the list holds of it.
    costs(&boxed(|| Box::new(Command::Nothing)), 100 * (8 + 264));
    costs(&boxed(|| Some(Box::new(Command::Put([7; 32])))), 100 * (8 + 264));
    costs(&boxed(|| Box::new(7_u8)), 100 * (8 + 32));
    costs(&boxed(|| Box::new(7_u64)), 100 * (8 + 32));
    costs(&boxed(|| Some(Box::new(7_u64))), 100 * (8 + 32));
    costs(&boxed(|| ((), Box::new(Some(7_u64)))), 100 * (8 + 32));
    costs(&(0..100_u8).collect::<LinkedList<_>>(), 100 * 32);
    costs(&Box::new([7_u64; 32]), 256);
}

fn boxed<T>(element: impl FnMut() -> T) -> Vec<T> {
    std::iter::repeat_with(element).take(100).collect()
}

/// Asserts that decoding `value` counts at least `bytes`, and not more than half as much again.
#[track_caller]
fn costs<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, bytes: usize) {
    for &format in Format::ALL {
        let within = |memory| {
            let limits = DecodeLimits {
                memory,
                ..DecodeLimits::default()
            };
            decoded(format, value, limits)
        };
        let error = within(bytes - 1).expect_err("it needs more").to_string();
        assert!(error.contains("max_decoded"), "{format}: {error}");
        assert_eq!(within(bytes + bytes / 2).as_ref(), Ok(value), "{format}");
    }
}

/// Counts how often one is read.
struct Nothing;

thread_local!(static READ: Cell<usize> = const { Cell::new(0) });

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        <()>::deserialize(deserializer).map(|()| Self)
    }
}

#[test]
#[expect(clippy::zero_sized_map_values, reason = "a peer may aim at any type")]
fn elements_of_no_size_count_wherever_they_are() {
    const MEMORY: usize = 1 << 20;
    let limits = DecodeLimits {
        memory: MEMORY,
        ..DecodeLimits::default()
    };
    for &format in Format::ALL {
        let bytes = encoded(format, &(1_u64 << 60));
        READ.set(0);
        assert!(format.decode::<Vec<[[Nothing; 32]; 32]>>(&bytes, limits).is_err());
        assert!(
            format
                .decode::<Vec<(Nothing, (), [Nothing; 16])>>(&bytes, limits)
                .is_err()
        );
        assert!(
            format
                .decode::<HashMap<(), [[Nothing; 32]; 32]>>(&bytes, limits)
                .is_err()
        );
        assert!(READ.get() <= 3 * MEMORY / 32, "{format}: {} were read", READ.get());
    }
}

/// Much in each level.
#[derive(Default, Serialize, Deserialize)]
struct Large<T> {
    content: T,
    next: Option<Box<Self>>,
}

#[test]
fn what_holds_too_much_in_itself_is_refused_before_the_stack_ends() {
    on_a_small_stack::<[u64; 32]>();
    on_a_small_stack::<[[u64; 32]; 16]>();
    on_a_small_stack::<[[u64; 32]; 32]>();
    on_a_small_stack::<[[[u64; 32]; 32]; 4]>();
    on_a_small_stack::<[[[u64; 32]; 32]; 16]>();
}

/// Decodes as many levels as may be, in a thread as tokio has them.
fn on_a_small_stack<T: Serialize + DeserializeOwned + Default + 'static>() {
    const LEVELS: usize = 60;
    for &format in Format::ALL {
        let last = encoded(format, &Large::<T>::default());
        let closing: &[u8] = if format.to_string() == "json" { b"}" } else { b"" };
        let mut level = last.clone();
        level.truncate(last.len() - encoded(format, &None::<u8>).len() - closing.len());
        if !format.is_named() {
            level.push(1);
        }
        let bytes = [level.repeat(LEVELS), last, closing.repeat(LEVELS)].concat();
        let decode = move || {
            let decoded = format.decode::<Box<Large<T>>>(&bytes, DecodeLimits::default());
            decoded.map(drop).map_err(|error| error.to_string())
        };
        let small = thread::Builder::new().stack_size(2 << 20).spawn(decode);
        let decoded = small.expect("a thread").join().expect("it does not panic");
        match decoded {
            Ok(()) => assert!(size_of::<T>() < 8 << 10, "{format}: the stack was found to be large"),
            Err(error) => assert!(error.contains("KiB of stack"), "{format}: {error}"),
        }
    }
}

#[test]
fn tuples_structs_and_strings_cost_no_memory_of_the_limit() {
    let none = DecodeLimits {
        memory: 0,
        ..DecodeLimits::default()
    };
    let value = (7_u64, "text".repeat(1000), [1_u32; 30], Some((1_u8, 'x')));
    for &format in Format::ALL {
        assert_eq!(decoded(format, &value, none), Ok(value.clone()), "{format}");
    }
}

/// A megabyte of small elements, which a decoder that charges a minimum per element would refuse.
#[test]
fn honest_sequences_of_small_elements_pass() {
    const LENGTH: usize = 1 << 20;
    let limits = DecodeLimits {
        memory: 8 * LENGTH,
        ..DecodeLimits::default()
    };
    for &format in Format::ALL {
        honest(format, &vec![200_u8; LENGTH], limits);
        honest(format, &vec![true; LENGTH], limits);
        honest(format, &vec![40_000_u16; LENGTH], limits);
        honest(format, &vec![Some(1_u8); LENGTH], limits);
        honest(format, &vec![1_u64; LENGTH], limits);
        honest(format, &vec![(); 1000], limits);
        honest(format, &(0..100_000_u32).collect::<HashSet<_>>(), limits);
    }
}

#[test]
fn borrowed_values_point_into_the_bytes() {
    for &format in Format::ALL {
        let bytes = encoded(format, &(7_u64, "apple", serde_bytes::Bytes::new(&[1, 2, 3])));
        if format.to_string() == "json" {
            let text: (u64, &str, serde_bytes::ByteBuf) = format
                .decode(&bytes, DecodeLimits::default())
                .expect("the bytes are such a tuple");
            assert!(
                bytes.as_ptr_range().contains(&text.1.as_ptr()),
                "{format} copied the text"
            );
            continue;
        }
        let (number, text, blob): (u64, &str, &[u8]) = format
            .decode(&bytes, DecodeLimits::default())
            .expect("the bytes are such a tuple");
        assert_eq!((number, text, blob), (7, "apple", &[1_u8, 2, 3][..]));
        assert!(
            bytes.as_ptr_range().contains(&text.as_ptr()),
            "{format} copied the text"
        );
        assert!(
            bytes.as_ptr_range().contains(&blob.as_ptr()),
            "{format} copied the bytes"
        );
    }
}

#[test]
fn left_over_bytes_are_counted_in_the_error() {
    for &format in Format::ALL {
        let bytes = [encoded(format, &7_u8), vec![0; 3]].concat();
        let error = format
            .decode::<u8>(&bytes, DecodeLimits::default())
            .expect_err("bytes are left over");
        assert!(
            error.to_string().starts_with("3 bytes are left over"),
            "{format}: {error}"
        );
    }
}

#[test]
fn encoding_appends() {
    for &format in Format::ALL {
        let mut bytes = vec![9, 9];
        format.encode(&1_u8, &mut bytes).expect("a number can be encoded");
        assert_eq!(bytes, [vec![9, 9], encoded(format, &1_u8)].concat(), "{format}");
    }
}

fn honest<T: Serialize + DeserializeOwned + PartialEq>(format: Format, value: &T, limits: DecodeLimits) {
    let name = std::any::type_name::<T>();
    match decoded(format, value, limits) {
        Ok(decoded) => assert!(decoded == *value, "{format}: {name} arrived as another value"),
        Err(error) => panic!("{format}: {name}: {error}"),
    }
}

fn decoded<T: Serialize + DeserializeOwned>(format: Format, value: &T, limits: DecodeLimits) -> Result<T, CodecError> {
    format.decode(&encoded(format, value), limits)
}

fn encoded(format: Format, value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    format.encode(value, &mut bytes).expect("the value can be encoded");
    bytes
}
