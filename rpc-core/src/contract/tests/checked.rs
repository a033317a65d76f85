//! Types that check their input.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    ffi::{CString, OsString},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    num::{NonZeroI8, NonZeroI128, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize, Saturating, Wrapping},
    ops::{Bound, Range, RangeFrom, RangeInclusive, RangeTo},
    path::PathBuf,
    sync::{
        Mutex, RwLock,
        atomic::{AtomicBool, AtomicI16, AtomicU64},
    },
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{Samples, shape, shape_of, text};

/// The type before others, so that a value of it is needed to see them.
fn before_others<'de, T: Deserialize<'de>>() {
    let shape = shape::<(T, bool, T)>();
    assert!(shape.is_complete(), "{shape}");
}

#[test]
fn values_of_all_checked_types_of_std_are_made() {
    macro_rules! all {
        ($($type:ty)*) => {$(before_others::<$type>();)*};
    }
    all! {
        NonZeroU32 NonZeroI8 NonZeroU64 NonZeroU128 NonZeroI128 NonZeroUsize Wrapping<u8> Saturating<i32>
        Ipv4Addr Ipv6Addr IpAddr SocketAddr SocketAddrV4 SocketAddrV6
        Duration SystemTime Range<u32> RangeFrom<u8> RangeTo<u8> RangeInclusive<i64> Bound<u16>
        CString Box<std::ffi::CStr> PathBuf &std::path::Path Box<std::path::Path>
        Cell<u8> RefCell<String> Mutex<u8> RwLock<u8> AtomicBool AtomicI16 AtomicU64 Reverse<u8>
        char &str &[u8] [NonZeroU32; 7] Option<NonZeroU32>
    }
    assert_eq!(text::<(NonZeroU32, bool)>(), "(u32, bool)");
    // Of another system's variant nothing is known.
    assert_eq!(
        text::<OsString>(),
        if cfg!(windows) {
            "OsString\nenum OsString { 0 Unix (refused), 1 Windows([u16]) }"
        } else {
            "OsString\nenum OsString { 0 Unix([u8]), 1 Windows (refused) }"
        }
    );
    assert_eq!(
        text::<SystemTime>(),
        "SystemTime\n#[deny_unknown_fields] struct SystemTime { secs_since_epoch: u64, nanos_since_epoch: u32 }"
    );
}

/// A type that is read as a `$raw` and accepts some of them.
macro_rules! accepting {
    ($name:ident, $raw:ty, $accepts:expr) => {
        struct $name;

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw: $raw = Deserialize::deserialize(deserializer)?;
                let accepts: fn(&$raw) -> bool = $accepts;
                accepts(&raw)
                    .then_some(Self)
                    .ok_or_else(|| D::Error::custom("it is refused"))
            }
        }
    };
}

accepting!(Even, u32, |number| *number >= 2 && number % 2 == 0);
accepting!(Url, String, |text| text.starts_with("http://"));
accepting!(Id, &'de [u8], |bytes| bytes.len() == 16);
accepting!(Percent, f64, |number| *number > 0.0 && *number <= 1.0);
accepting!(Pair, Vec<u8>, |numbers| numbers.len() == 2);
accepting!(Present, Option<u8>, Option::is_some);
accepting!(Names, std::collections::BTreeMap<String, u8>, |names| !names.is_empty());
accepting!(Rising, (u32, u32), |(from, to)| from < to);
accepting!(Falling, (String, String), |(from, to)| from > to);
accepting!(Positive, Vec<Even>, |numbers| !numbers.is_empty());
accepting!(Secret, String, |text| text == "ticket 7");
accepting!(Period, (u32, u32, Secret), |(from, to, _)| *from == 40 && *to == 41);

#[test]
fn values_of_a_users_checked_types_are_made() {
    macro_rules! all {
        ($($type:ty)*) => {$(before_others::<$type>();)*};
    }
    all! { Even Url Id Percent Pair Present Names Rising Falling Positive }
    assert_eq!(text::<(Rising, Id, Falling)>(), "((u32, u32), bytes, (string, string))");
}

#[derive(Deserialize)]
struct Booking {
    seats: Vec<(u8, u8)>,
    secret: Secret,
    period: Period,
    class: Class,
}

#[derive(Deserialize)]
enum Class {
    Best(Secret, u8),
    Named { name: Option<String>, secret: Secret },
    Second,
}

#[test]
fn what_comes_behind_a_refusal_is_opaque() {
    assert_eq!(
        text::<Booking>(),
        "Booking\nstruct Booking { seats: [(u8, u8)], secret: string, period: opaque Booking, class: opaque Booking }"
    );
    assert_eq!(
        text::<(Class, u8)>(),
        "(Class, u8)\nenum Class { 0 Best(string, opaque Class), \
         1 Named { name: Option<string>, secret: string }, 2 Second }"
    );
    assert_eq!(text::<(Secret, u8)>(), "(string, opaque \"(Secret, u8)\")");
    assert!(!shape::<Booking>().is_complete());
}

#[test]
fn a_given_sample_shows_the_rest() {
    let samples = Samples::new().with("ticket 7").with(&(40_u32, 41_u32, "ticket 7"));
    assert_eq!(shape_of::<(Secret, u8)>(&samples, false).to_string(), "(string, u8)");
    assert_eq!(
        shape_of::<(Period, u8)>(&samples, false).to_string(),
        "((u32, u32, string), u8)"
    );
    assert!(shape_of::<Booking>(&samples, false).is_complete());
}

/// Bytes of one length that travel as a sequence.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
struct Exactly<const N: usize>(Box<[u8; N]>);

impl<const N: usize> TryFrom<Vec<u8>> for Exactly<N> {
    type Error = &'static str;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self).map_err(|_| "it has another length")
    }
}

impl<const N: usize> From<Exactly<N>> for Vec<u8> {
    fn from(of: Exactly<N>) -> Self {
        of.0.to_vec()
    }
}

#[test]
fn sequences_are_tried_with_lengths_that_are_common_or_given() {
    assert_eq!(text::<(Exactly<8>, i32)>(), "([u8], i32)");
    assert_eq!(text::<(Exactly<32>, i32)>(), "([u8], i32)");
    assert!(!shape::<(Exactly<37>, i32)>().is_complete());
    let samples = Samples::new().with(&Exactly(Box::new([7; 37])));
    assert_eq!(
        shape_of::<(Exactly<37>, i32)>(&samples, false).to_string(),
        "([u8], i32)"
    );
}

#[test]
fn code_that_panics_refuses() {
    accepting!(Panicking, u8, |number| {
        assert_ne!(*number, 0, "this panic is a part of the test");
        true
    });
    accepting!(Always, u8, |_| panic!("this panic is a part of the test"));
    assert_eq!(text::<(Panicking, bool)>(), "(u8, bool)");
    assert_eq!(text::<(Always, bool)>(), "(u8, opaque \"(Always, bool)\")");
}

#[test]
fn a_type_without_a_shape_is_opaque() {
    struct Refusing;
    impl<'de> Deserialize<'de> for Refusing {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(D::Error::custom("never"))
        }
    }
    /// Asks for another thing after the first time.
    struct Changing;
    impl<'de> Deserialize<'de> for Changing {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            static CALLS: AtomicU64 = AtomicU64::new(0);
            if CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
                u8::deserialize(deserializer)?;
            } else {
                String::deserialize(deserializer)?;
            }
            Ok(Self)
        }
    }
    #[derive(Deserialize)]
    enum Choice {
        One,
        Two,
    }
    assert_eq!(text::<Refusing>(), "opaque Refusing");
    assert_eq!(text::<Option<Refusing>>(), "Option<opaque Refusing>");
    assert_eq!(
        text::<(Changing, Choice)>().lines().next(),
        Some("(opaque Changing, Choice)")
    );
}
