//! A type with everything that serde can say, for tests and fuzz targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Every primitive, every kind of struct and enum variant, collections, and itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rich {
    pub unsigned: (u8, u16, u32, u64, u128),
    pub signed: (i8, i16, i32, i64, i128),
    pub floats: (f32, f64),
    pub flag: bool,
    pub letter: char,
    pub text: String,
    #[serde(with = "serde_bytes")]
    pub blob: Vec<u8>,
    pub array: [u16; 3],
    pub numbers: Vec<u64>,
    pub table: BTreeMap<String, Option<i32>>,
    pub shapes: Vec<Shape>,
    pub meters: Meters,
    pub marker: Marker,
    pub outcome: Result<u8, String>,
    pub next: Option<Box<Rich>>,
}

/// Every kind of variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    Point,
    Named(String),
    Segment(i64, i64),
    Rectangle { width: u32, height: Option<u32> },
    Group(Vec<Shape>),
}

/// A newtype.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meters(pub i32);

/// A type of no size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Marker;
