//! Numbers of one width as those of another.

use super::Compatibility;
use crate::contract::Primitive;

/// What becomes of an integer; `None` if one of them is none.
pub(super) fn integers(reader: Primitive, writer: Primitive) -> Option<Compatibility> {
    let (wanted, given) = (range(reader)?, range(writer)?);
    Some(if wanted.0 <= given.0 && given.1 <= wanted.1 {
        Compatibility::Compatible
    } else {
        Compatibility::Partial
    })
}

/// The least and the greatest value.
const fn range(of: Primitive) -> Option<(i128, u128)> {
    Some(match of {
        Primitive::I8 => (i8::MIN as i128, i8::MAX as u128),
        Primitive::I16 => (i16::MIN as i128, i16::MAX as u128),
        Primitive::I32 => (i32::MIN as i128, i32::MAX as u128),
        Primitive::I64 => (i64::MIN as i128, i64::MAX as u128),
        Primitive::I128 => (i128::MIN, i128::MAX as u128),
        Primitive::U8 => (0, u8::MAX as u128),
        Primitive::U16 => (0, u16::MAX as u128),
        Primitive::U32 => (0, u32::MAX as u128),
        Primitive::U64 => (0, u64::MAX as u128),
        Primitive::U128 => (0, u128::MAX),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_widen_and_do_not_narrow() {
        use Compatibility::{Compatible, Partial};
        use Primitive::{F64, I8, I64, I128, U8, U32, U64, U128};
        for (reader, writer, expected) in [
            (U64, U32, Some(Compatible)),
            (I64, U32, Some(Compatible)),
            (I128, U64, Some(Compatible)),
            (U32, U64, Some(Partial)),
            (I64, U64, Some(Partial)),
            (U128, I8, Some(Partial)),
            (I128, U128, Some(Partial)),
            (I8, U8, Some(Partial)),
            (F64, U8, None),
            (U8, F64, None),
        ] {
            assert_eq!(integers(reader, writer), expected, "{reader:?} from {writer:?}");
        }
    }
}
