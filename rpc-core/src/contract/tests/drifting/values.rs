//! Values of types that are data, and what two of them have in common.

use fastrand::Rng;

use super::types::{Content, Fields, Type};

/// A value, with what serde is told of its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Unit,
    Bool(bool),
    /// The number, the bytes it takes, and whether it has a sign. All bits count.
    Integer(u128, u8, bool),
    F32(f32),
    F64(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    Option(Option<Box<Self>>),
    Sequence(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Tuple(Vec<Self>),
    Newtype(&'static str, Box<Self>),
    Struct(&'static str, Vec<(&'static str, Self)>),
    Variant(&'static str, u32, &'static str, Box<Held>),
}

/// What a variant holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    Unit,
    Newtype(Value),
    Tuple(Vec<Value>),
    Struct(Vec<(&'static str, Value)>),
}

/// A number that its type can hold, in 128 bits.
fn integer(size: u8, signed: bool, rng: &mut Rng) -> u128 {
    let bits = u32::from(size) * 8;
    let small = rng.u128(..) >> rng.u32(128 - bits.min(127)..128);
    let number = if rng.bool() { small } else { rng.u128(..) };
    if signed {
        // As many bits as there are, with the sign in those above.
        (number.cast_signed() << (128 - bits) >> (128 - bits)).cast_unsigned()
    } else {
        number << (128 - bits) >> (128 - bits)
    }
}

/// A value of the type.
pub(super) fn value(of: &Type, rng: &mut Rng) -> Value {
    match of {
        Type::Unit => Value::Unit,
        Type::Bool => Value::Bool(rng.bool()),
        &Type::Integer(size, signed) => Value::Integer(integer(size, signed, rng), size, signed),
        Type::F32 => Value::F32([0.1, -3.0, 1e30, 0.0][rng.usize(..4)]),
        Type::F64 => Value::F64([0.1, -3.0, 1e300, 7.0][rng.usize(..4)]),
        Type::Char => Value::Char(['a', '7', 'ß'][rng.usize(..3)]),
        Type::Text => Value::Text(["", "a", "17", "AAEC", "text \"quoted\"\n"][rng.usize(..5)].to_owned()),
        Type::Bytes => Value::Bytes((0..rng.u8(..4)).map(|_| rng.u8(..)).collect()),
        Type::Option(of) => Value::Option(rng.bool().then(|| Box::new(value(of, rng)))),
        Type::Sequence(of) => Value::Sequence((0..rng.u8(..3)).map(|_| value(of, rng)).collect()),
        // More entries could have equal keys.
        Type::Map(key, of) => Value::Map((0..rng.u8(..2)).map(|_| (value(key, rng), value(of, rng))).collect()),
        Type::Tuple(parts) => Value::Tuple(parts.iter().map(|part| value(part, rng)).collect()),
        Type::Newtype(name, of) => Value::Newtype(name, Box::new(value(of, rng))),
        Type::Struct(name, fields) => Value::Struct(name, values(fields, rng)),
        Type::Enum(name, variants) => {
            let index = rng.usize(..variants.len());
            let (variant, content) = &variants[index];
            let held = match content {
                Content::Unit => Held::Unit,
                Content::Newtype(of) => Held::Newtype(value(of, rng)),
                Content::Tuple(parts) => Held::Tuple(parts.iter().map(|part| value(part, rng)).collect()),
                Content::Struct(fields) => Held::Struct(values(fields, rng)),
            };
            Value::Variant(name, index as u32, variant, Box::new(held))
        }
    }
}

fn values(fields: &Fields, rng: &mut Rng) -> Vec<(&'static str, Value)> {
    let values = fields.list.iter().map(|field| (field.name, value(&field.of, rng)));
    values.collect()
}

/// What a field with a default is, where nothing came for it.
pub(super) fn default(of: &Type) -> Value {
    match of {
        Type::Option(_) => Value::Option(None),
        // Whatever the type: nobody has sent it.
        _ => Value::Unit,
    }
}

/// Whether a reader that got `got` may go on as if it were `meant`. Parts with names mean what their names say. What
/// only the writer has is left out, and what only the reader has is a default.
pub(super) fn agree(meant: &Value, got: &Value) -> bool {
    match (meant, got) {
        (Value::Newtype(meant_name, meant), Value::Newtype(got_name, got)) => {
            meant_name == got_name && agree(meant, got)
        }
        (Value::Newtype(_, meant), got) => agree(meant, got),
        (meant, Value::Newtype(_, got)) => agree(meant, got),
        (Value::Option(meant), Value::Option(got)) => match (meant, got) {
            (Some(meant), Some(got)) => agree(meant, got),
            (None, None) => true,
            _ => false,
        },
        (Value::Option(Some(meant)), got) => agree(meant, got),
        (meant, Value::Option(Some(got))) => agree(meant, got),
        (&Value::Integer(meant, _, signed), &Value::Integer(got, _, other)) => same(meant, signed, got, other),
        (Value::Sequence(meant) | Value::Tuple(meant), Value::Sequence(got) | Value::Tuple(got)) => all(meant, got),
        (Value::Map(meant), Value::Map(got)) => {
            let entry =
                |(meant, got): (&(Value, Value), &(Value, Value))| agree(&meant.0, &got.0) && agree(&meant.1, &got.1);
            meant.len() == got.len() && meant.iter().zip(got).all(entry)
        }
        (Value::Bytes(bytes), Value::Sequence(numbers)) | (Value::Sequence(numbers), Value::Bytes(bytes)) => {
            let number = |&byte| Value::Integer(u128::from(byte), 1, false);
            *numbers == bytes.iter().map(number).collect::<Vec<_>>()
        }
        (Value::Struct(_, meant), Value::Struct(_, got)) => fields_agree(meant, got),
        (Value::Variant(_, _, meant_name, meant), Value::Variant(_, _, got_name, got)) => {
            meant_name == got_name && held_agrees(meant, got)
        }
        _ => meant == got,
    }
}

/// Whether two numbers are the same, whatever they take.
fn same(meant: u128, signed: bool, got: u128, other: bool) -> bool {
    let negative = |number: u128, signed: bool| signed && number.cast_signed() < 0;
    meant == got && negative(meant, signed) == negative(got, other)
}

fn all(meant: &[Value], got: &[Value]) -> bool {
    meant.len() == got.len() && meant.iter().zip(got).all(|(meant, got)| agree(meant, got))
}

fn fields_agree(meant: &[(&str, Value)], got: &[(&str, Value)]) -> bool {
    got.iter().all(|(name, got)| {
        let meant = meant.iter().find(|(other, _)| other == name);
        match meant {
            Some((_, meant)) => agree(meant, got),
            None => matches!(got, Value::Unit | Value::Option(None)),
        }
    })
}

fn held_agrees(meant: &Held, got: &Held) -> bool {
    match (meant, got) {
        (Held::Newtype(meant), Held::Newtype(got)) => agree(meant, got),
        (Held::Tuple(meant), Held::Tuple(got)) => all(meant, got),
        (Held::Struct(meant), Held::Struct(got)) => fields_agree(meant, got),
        _ => meant == got,
    }
}
