//! The check that a type survives the wire.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, CodecError, DecodeLimits, Format};

/// Encodes `value`, decodes the bytes and compares, in every format of this build. For tests of types that services
/// use.
///
/// Checks this value only: an attribute such as `skip_serializing_if` shows when the field is skipped. So check an
/// empty value (`None`, no elements) as well as a full one, and every variant of an enum.
///
/// ```
/// use farcall::codec::check_round_trip;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Row {
///     id: u64,
///     #[serde(skip_serializing_if = "Option::is_none")]
///     note: Option<String>,
/// }
///
/// assert!(check_round_trip(&Row { id: 1, note: Some("fragile".into()) }).is_ok());
///
/// let error = check_round_trip(&Row { id: 1, note: None }).unwrap_err();
/// assert!(error.to_string().contains("skip_serializing_if"));
/// ```
///
/// # Errors
/// When the value cannot be encoded, cannot be decoded, or arrives as another value. The text names the format, what
/// went wrong and the [serde attributes](super#what-each-format-carries) that can cause it.
pub fn check_round_trip<T>(value: &T) -> Result<(), CodecError>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    Format::ALL
        .iter()
        .try_for_each(|&format| check_round_trip_in(format, value))
}

/// The same in one format, for types that [another one](super#what-each-format-carries) cannot carry.
///
/// ```
/// # #[cfg(feature = "json")] {
/// use farcall::codec::{Format, check_round_trip_in};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// #[serde(untagged)]
/// enum Setting {
///     Switch(bool),
///     Level(u32),
/// }
///
/// assert_eq!(check_round_trip_in(Format::Json, &Setting::Level(3)), Ok(()));
/// # }
/// ```
///
/// # Errors
/// As [`check_round_trip`].
pub fn check_round_trip_in<T>(format: Format, value: &T) -> Result<(), CodecError>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let fail = |what: String, causes: &str| {
        let name = std::any::type_name::<T>();
        Err(CodecError::new(format!(
            "{name} does not survive {format}: {what}{}{causes}",
            if causes.is_empty() { "" } else { ". " }
        )))
    };
    let mut bytes = Vec::new();
    if let Err(error) = format.encode(value, &mut bytes) {
        let causes = if format.is_named() { "" } else { ENCODE_CAUSES };
        return fail(format!("{value:?} cannot be encoded: {error}"), causes);
    }
    match format.decode::<T>(&bytes, DecodeLimits::default()) {
        Err(error) => {
            let causes = if format.is_named() { NAMED_CAUSES } else { DECODE_CAUSES };
            fail(format!("{value:?} cannot be decoded again: {error}"), causes)
        }
        Ok(decoded) if decoded != *value => fail(format!("{value:?} arrives as {decoded:?}"), VALUE_CAUSES),
        Ok(_) => Ok(()),
    }
}

const ENCODE_CAUSES: &str = "Look for #[serde(flatten)] in the type and in the types of its fields, or a hand-written \
     Serialize that does not know its length";
const DECODE_CAUSES: &str = "Look in the type and in the types of its fields for these serde attributes, which only \
     formats with field names support: untagged, tag, flatten, skip_serializing_if, skip_serializing, \
     skip_deserializing (with or without default); or for Serialize and Deserialize that do not mirror each other";
const NAMED_CAUSES: &str = "Look in the type and in the types of its fields for these serde attributes: \
     skip_serializing without default, untagged with variants that look alike; or for Serialize and Deserialize that \
     do not mirror each other";
const VALUE_CAUSES: &str = "Look in the type and in the types of its fields for the serde attributes \
     skip_serializing_if, skip_serializing, skip_deserializing, skip (with or without default), untagged with variants \
     that look alike; for a PartialEq that \
     is false for equal values, as with NaN; or for Serialize and Deserialize that do not mirror each other";
