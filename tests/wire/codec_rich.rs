//! A type with everything that serde can say, for tests and fuzz targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Every primitive, every kind of struct and enum variant, collections, and itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rich {
    pub(crate) unsigned: (u8, u16, u32, u64, u128),
    pub(crate) signed: (i8, i16, i32, i64, i128),
    pub(crate) floats: (f32, f64),
    pub(crate) flag: bool,
    pub(crate) letter: char,
    pub(crate) text: String,
    #[serde(with = "serde_bytes")]
    pub(crate) blob: Vec<u8>,
    pub(crate) array: [u16; 3],
    pub(crate) numbers: Vec<u64>,
    pub(crate) table: BTreeMap<String, Option<i32>>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) meters: Meters,
    pub(crate) marker: Marker,
    pub(crate) outcome: Result<u8, String>,
    pub(crate) next: Option<Box<Rich>>,
}

/// Every kind of variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Shape {
    Point,
    Named(String),
    Segment(i64, i64),
    Rectangle { width: u32, height: Option<u32> },
    Group(Vec<Shape>),
}

/// A newtype.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meters(pub(crate) i32);

/// A type of no size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Marker;
