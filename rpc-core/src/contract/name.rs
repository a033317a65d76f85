//! Names of Rust types that are the same in every build.

use super::canonical::Fingerprint;

/// Longer names are cut; what was cut counts as a number.
const LONGEST: usize = 120;

/// The name without the paths of modules and crates, which differ between builds and say nothing on the wire:
/// `alloc::vec::Vec<shop::Item>` is `Vec<Item>`.
pub(super) fn short(full: &str) -> String {
    let mut name = String::new();
    // Where the path begins whose last segment counts.
    let mut path = 0;
    let mut rest = full.chars().peekable();
    while let Some(character) = rest.next() {
        if character == ':' && rest.next_if_eq(&':').is_some() {
            name.truncate(path);
            continue;
        }
        name.push(character);
        if !character.is_alphanumeric() && !"_{}#".contains(character) {
            path = name.len();
        }
    }
    if name.len() <= LONGEST {
        return name;
    }
    let whole = Fingerprint::of(name.as_bytes());
    let kept: String = name.chars().take(LONGEST).collect();
    format!("{kept}… {whole}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_left_out_and_arguments_kept() {
        for (full, expected) in [
            ("u32", "u32"),
            ("alloc::vec::Vec<shop::model::Item>", "Vec<Item>"),
            (
                "std::collections::hash::map::HashMap<a::K, (b::V, [c::W; 4])>",
                "HashMap<K, (V, [W; 4])>",
            ),
            ("shop::f::{{closure}}::Local", "Local"),
            ("&dyn a::B + c::D", "&dyn B + D"),
            ("fn(a::B) -> c::D", "fn(B) -> D"),
            ("", ""),
            ("::", ""),
        ] {
            assert_eq!(short(full), expected);
        }
    }

    #[test]
    fn what_is_cut_of_a_long_name_still_counts() {
        let long = |end: &str| short(&format!("{}{end}", "Long<".repeat(100)));
        assert_ne!(long("A"), long("B"));
        assert!(long("A").len() < 2 * LONGEST);
    }
}
