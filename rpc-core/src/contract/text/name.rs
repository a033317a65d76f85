//! Names in the text of a contract: as they are, or quoted.

use std::borrow::Cow;

/// Words that mean something in a text of their own. A type with such a name has a number behind it.
pub(super) const RESERVED: &[&str] = &[
    "opaque", "client", "refused", "fn", "struct", "enum", "type", "service", "in",
];

/// The name, in quotes if it is not of letters, digits and `_`, with `-` and `.` between them.
pub(in crate::contract) fn quoted(name: &str) -> Cow<'_, str> {
    if is_plain(name) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("\"{}\"", name.escape_debug()))
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(starts) && name.ends_with(|last| starts(last) || last.is_numeric()) && name.chars().all(goes_on)
}

/// Whether a name without quotes may begin so.
pub(super) fn starts(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

/// Whether a name without quotes may go on so.
pub(super) fn goes_on(character: char) -> bool {
    character.is_alphanumeric() || "_-.".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unusual_names_are_quoted() {
        for plain in ["a", "_", "first-place", "farcall.Registry", "größe2", "名"] {
            assert_eq!(quoted(plain), plain);
        }
        for (unusual, expected) in [
            ("", r#""""#),
            ("2d", r#""2d""#),
            ("-", r#""-""#),
            ("a-", r#""a-""#),
            ("a b", r#""a b""#),
            ("a#2", r#""a#2""#),
            ("say \"a\"\n", r#""say \"a\"\n""#),
        ] {
            assert_eq!(quoted(unusual), expected);
        }
    }
}
