//! Fields or variants, matched by their names.

use std::collections::HashMap;

/// What became of the members of two lists.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// Both sides have it, at these places.
    Both(usize, usize),
    Here(usize),
    There(usize),
    /// It has another name at the same place.
    Renamed(usize, usize),
    /// Those that both sides have are in another order.
    Reordered,
}

/// Matches the lists of names of the two sides; `same` says whether a member on this side has the type of one on the
/// other side.
pub(super) fn matched(names: &[Vec<&str>; 2], same: impl Fn(usize, usize) -> bool) -> Vec<Member> {
    let [here, there] = names;
    let places = |names: &[&'_ str]| -> HashMap<String, usize> {
        let places = names.iter().enumerate().rev();
        places.map(|(place, name)| ((*name).to_owned(), place)).collect()
    };
    let [known_here, known_there] = [places(here), places(there)];
    let renamed = |place: usize| {
        let new = here.len() == there.len() && !known_here.contains_key(there[place]);
        new && !known_there.contains_key(here[place]) && same(place, place)
    };
    let mut members = Vec::new();
    for (place, name) in here.iter().enumerate() {
        members.push(match known_there.get(*name) {
            Some(&other) => Member::Both(place, other),
            None if renamed(place) => Member::Renamed(place, place),
            None => Member::Here(place),
        });
    }
    for (place, name) in there.iter().enumerate() {
        if known_here.contains_key(*name) || (place < here.len() && renamed(place)) {
            continue;
        }
        members.push(Member::There(place));
    }
    let others = members.iter().filter_map(|member| match member {
        Member::Both(_, other) => Some(other),
        _ => None,
    });
    let all_known = members.iter().all(|member| matches!(member, Member::Both(..)));
    // Names that occur twice may hide what differs.
    if !others.is_sorted() || (all_known && here != there) {
        members.insert(0, Member::Reordered);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(here: &[&'static str], there: &[&'static str]) -> Vec<Member> {
        matched(&[here.to_vec(), there.to_vec()], |_, _| true)
    }

    #[test]
    fn members_are_matched_by_name() {
        use Member::{Both, Here, Renamed, Reordered, There};
        assert_eq!(members(&["a", "b"], &["a", "b"]), [Both(0, 0), Both(1, 1)]);
        assert_eq!(
            members(&["a", "b"], &["a", "x", "b"]),
            [Both(0, 0), Both(1, 2), There(1)]
        );
        assert_eq!(members(&["a", "b"], &["b"]), [Here(0), Both(1, 0)]);
        assert_eq!(members(&["a", "b"], &["b", "a"]), [Reordered, Both(0, 1), Both(1, 0)]);
        assert_eq!(members(&["a", "b"], &["a", "c"]), [Both(0, 0), Renamed(1, 1)]);
        assert_eq!(members(&["a", "a"], &["a"]), [Reordered, Both(0, 0), Both(1, 0)]);
    }
}
