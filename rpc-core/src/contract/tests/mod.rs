//! Shapes of types of every kind.

#![expect(dead_code, unused_imports, reason = "of most types only the shape is looked at")]

mod checked;
mod compatible;
mod drifting;
mod drifts;
mod fields;
mod kinds;
mod limits;
mod random;
mod recursion;
mod remote;
mod text;

use serde::Deserialize;

use super::{Difference, Samples, Shape, shape_of};

/// The places where two shapes part in positional formats.
fn differences(here: &Shape, there: &Shape) -> Vec<Difference> {
    super::differences(here, there, false)
}

/// As a positional format sees it.
fn shape<'de, T: Deserialize<'de>>() -> Shape {
    shape_of::<T>(&Samples::new(), false)
}

/// As text.
fn text<'de, T: Deserialize<'de>>() -> String {
    shape::<T>().to_string()
}

/// What is different, in sentences.
fn sentences<'de, Here: Deserialize<'de>, There: Deserialize<'de>>() -> Vec<String> {
    let (here, there) = (shape::<Here>(), shape::<There>());
    let found = differences(&here, &there);
    assert_eq!(found.is_empty(), here == there, "{here} {there}");
    assert_eq!(
        here == there,
        here.fingerprint() == there.fingerprint(),
        "{here} {there}"
    );
    found.iter().map(Difference::to_string).collect()
}
