//! Numbers from JSON.

use farcall::contract::Primitive;
use serde_json::Value;

use super::{typed::Typed, words::found};

/// The number of that type; an error in words where it does not fit, and `None` where either is no number.
pub(super) fn typed(primitive: Primitive, value: &Value) -> Option<Result<Typed, String>> {
    macro_rules! integer {
        ($type:ident, $variant:ident) => {
            integer(value).map(|number| {
                let range = || {
                    format!(
                        "{} is out of range for {} ({} to {})",
                        found(value),
                        stringify!($type),
                        $type::MIN,
                        $type::MAX
                    )
                };
                match number? {
                    Integer::Signed(number) => $type::try_from(number).map_err(|_| range()),
                    Integer::Large(number) => $type::try_from(number).map_err(|_| range()),
                }
                .map(Typed::$variant)
            })
        };
    }
    match primitive {
        Primitive::I8 => integer!(i8, I8),
        Primitive::I16 => integer!(i16, I16),
        Primitive::I32 => integer!(i32, I32),
        Primitive::I64 => integer!(i64, I64),
        Primitive::I128 => integer!(i128, I128),
        Primitive::U8 => integer!(u8, U8),
        Primitive::U16 => integer!(u16, U16),
        Primitive::U32 => integer!(u32, U32),
        Primitive::U64 => integer!(u64, U64),
        Primitive::U128 => integer!(u128, U128),
        Primitive::F32 => float(value).map(|number| narrow(number, value).map(Typed::F32)),
        Primitive::F64 => float(value).map(|number| Ok(Typed::F64(number))),
        _ => None,
    }
}

enum Integer {
    Signed(i128),
    Large(u128),
}

/// A whole number, which may be text where JSON's own numbers end.
fn integer(value: &Value) -> Option<Result<Integer, String>> {
    match value {
        Value::Number(number) => {
            let signed = number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from));
            Some(signed.map(Integer::Signed).ok_or_else(|| {
                let hint = if number.as_f64().is_some_and(|number| number.fract() == 0.0) {
                    "; write it without a point or an exponent, and in quotes if it is longer than 64 bits"
                } else {
                    ""
                };
                format!("expected a whole number, found {number}{hint}")
            }))
        }
        Value::String(text) => {
            let signed = text.parse().map(Integer::Signed);
            signed.or_else(|_| text.parse().map(Integer::Large)).ok().map(Ok)
        }
        _ => None,
    }
}

/// A number, or text for what JSON has no number for.
fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match &**text {
            "NaN" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn narrow(number: f64, value: &Value) -> Result<f32, String> {
    let narrow = number as f32;
    if number.is_finite() && narrow.is_infinite() {
        return Err(format!("{} is out of range for f32", found(value)));
    }
    Ok(narrow)
}

/// A key of an object that means a number or a bool.
pub(super) fn from_text(text: &str) -> Option<Value> {
    match text {
        "true" | "false" => Some(Value::Bool(text == "true")),
        _ if text.parse::<i128>().is_ok() || text.parse::<u128>().is_ok() => Some(Value::from(text)),
        _ => None,
    }
}
