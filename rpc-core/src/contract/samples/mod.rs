//! The values that a type is tried with.

mod collect;

use std::borrow::Cow;

use serde::Serialize;

use super::shape::Primitive;

/// Samples of types that check their input, for the case that none of the usual ones is accepted.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// What each sample is made of, in order.
    given: Vec<Vec<Value>>,
}

/// What a visitor is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Unit,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Char(char),
    Text(Cow<'static, str>),
    Bytes(Cow<'static, [u8]>),
    /// A sequence without elements.
    Nothing,
}

impl Samples {
    /// None but the usual ones.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another value that its type accepts. A value that cannot be serialised counts as far as it went.
    #[must_use]
    pub fn with<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        self.given.push(collect::leaves(value));
        self
    }

    /// How many elements a sequence is tried with at that attempt; `None` when all were tried.
    pub(super) fn length(&self, attempt: usize) -> Option<usize> {
        let given = self.given.iter().map(|sample| sample.len().min(LONGEST));
        let usual = (0..5).chain(LENGTHS.iter().copied().filter(|&length| length > 4));
        usual.chain(given).nth(attempt)
    }

    /// The sample that a primitive is tried with at that attempt; `None` when all were tried.
    pub(super) fn nth(&self, primitive: Primitive, attempt: usize) -> Option<Value> {
        let given = self.given.iter().flatten().filter(|value| fits(primitive, value));
        usual(primitive).chain(given.cloned()).nth(attempt)
    }
}

/// How several samples go together, for types that check them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Theme {
    /// Each one as it is accepted by itself.
    #[default]
    Plain,
    Ones,
    Rising,
    Falling,
    /// As in the sample with that number.
    Given(usize),
}

impl Theme {
    /// The theme of that attempt; `None` when all were tried.
    pub(super) fn nth(attempt: usize, samples: &Samples) -> Option<Self> {
        match attempt {
            0 => Some(Self::Plain),
            1 => Some(Self::Ones),
            2 => Some(Self::Rising),
            3 => Some(Self::Falling),
            _ => (attempt - 4 < samples.given.len()).then_some(Self::Given(attempt - 4)),
        }
    }

    /// What comes at that place of it, where a primitive is asked for.
    pub(super) fn value(self, place: usize, primitive: Primitive, samples: &Samples) -> Option<Value> {
        let number = match self {
            Self::Plain => return None,
            Self::Given(sample) => {
                let value = samples.given.get(sample)?.get(place);
                return value.filter(|value| fits(primitive, value)).cloned();
            }
            Self::Ones => 1,
            Self::Rising => (place % 26) as u8,
            Self::Falling => 25 - (place % 26) as u8,
        };
        let letter = char::from(b'a' + number);
        Some(match primitive {
            Primitive::F32 | Primitive::F64 => Value::Float(number.into()),
            Primitive::Char => Value::Char(letter),
            Primitive::String => Value::Text(letter.to_string().into()),
            Primitive::Bytes => Value::Bytes(vec![number].into()),
            Primitive::Bool => Value::Bool(number > 0),
            Primitive::Unit | Primitive::Any => return None,
            _ => Value::Integer(number.into()),
        })
    }
}

fn usual(primitive: Primitive) -> Box<dyn Iterator<Item = Value>> {
    match primitive {
        Primitive::Unit => Box::new([Value::Unit].into_iter()),
        Primitive::Bool => Box::new([false, true].into_iter().map(Value::Bool)),
        Primitive::F32 | Primitive::F64 => Box::new([0.0, 1.0, 0.5, -1.0, 100.0].into_iter().map(Value::Float)),
        Primitive::Char => Box::new(['a', 'A', '0', ' '].into_iter().map(Value::Char)),
        Primitive::String => Box::new(TEXTS.iter().map(|&text| Value::Text(text.into()))),
        Primitive::Bytes => Box::new(LENGTHS.iter().map(|&length| Value::Bytes(ZEROS[..length].into()))),
        Primitive::Any => Box::new(ANY.iter().cloned()),
        _ => Box::new(INTEGERS.iter().filter_map(move |&integer| {
            let value = Value::Integer(integer);
            fits(primitive, &value).then_some(value)
        })),
    }
}

const INTEGERS: &[i128] = &[
    0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 30, 32, 50, 60, 64, 100, 128, 200, 255, 256, 400, 512, 1000, 1024,
    2000, 2024, 4096, 8080, 65_535, 1_000_000, -1, -100,
];

/// Texts as common types read them.
const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "0",
    "1",
    "abc",
    "ABC",
    "Abc",
    "1.0",
    "1.0.0",
    "true",
    "00",
    "abcdefgh",
    "2000-01-01",
    "00:00:00",
    "2000-01-01T00:00:00",
    "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00+00:00[UTC]",
    "PT1S",
    "P1D",
    "1s",
    "UTC",
    "Mon",
    "January",
    "http://example.com/",
    "example.com",
    "a@example.com",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "[::1]:80",
    "127.0.0.0/8",
    "00:00:00:00:00:00",
    "00000000-0000-0000-0000-000000000000",
    "0123456789abcdef0123456789abcdef01234567",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "en",
    "en-US",
    "EUR",
    "text/plain",
    "/",
    "#000000",
    "{}",
];

static ZEROS: [u8; 64] = [0; 64];
const LENGTHS: &[usize] = &[0, 1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 33, 48, 64];

/// No sequence is tried with more elements.
const LONGEST: usize = 4096;

const ANY: &[Value] = &[
    Value::Unit,
    Value::Bool(false),
    Value::Integer(0),
    Value::Text(Cow::Borrowed("")),
    Value::Nothing,
];

fn fits(primitive: Primitive, value: &Value) -> bool {
    match (primitive, value) {
        (Primitive::Bool, Value::Bool(_))
        | (Primitive::F32 | Primitive::F64, Value::Float(_))
        | (Primitive::Char, Value::Char(_))
        | (Primitive::String, Value::Text(_))
        | (Primitive::Bytes, Value::Bytes(_)) => true,
        (_, &Value::Integer(integer)) => {
            range(primitive).is_some_and(|(least, most)| (least..=most).contains(&integer))
        }
        _ => false,
    }
}

/// The least and the greatest integer of the type, as far as `i128` has them.
const fn range(primitive: Primitive) -> Option<(i128, i128)> {
    Some(match primitive {
        Primitive::I8 => (i8::MIN as i128, i8::MAX as i128),
        Primitive::I16 => (i16::MIN as i128, i16::MAX as i128),
        Primitive::I32 => (i32::MIN as i128, i32::MAX as i128),
        Primitive::I64 => (i64::MIN as i128, i64::MAX as i128),
        Primitive::I128 => (i128::MIN, i128::MAX),
        Primitive::U8 => (0, u8::MAX as i128),
        Primitive::U16 => (0, u16::MAX as i128),
        Primitive::U32 => (0, u32::MAX as i128),
        Primitive::U64 => (0, u64::MAX as i128),
        Primitive::U128 => (0, i128::MAX),
        _ => return None,
    })
}
