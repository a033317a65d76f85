//! Types that contain themselves.

use std::collections::HashMap;

use serde::Deserialize;

use super::{sentences, text};

#[derive(Deserialize)]
struct List<T> {
    next: Option<Box<List<T>>>,
    value: T,
}

#[derive(Deserialize)]
enum Expression {
    Sum(Box<Expression>, Box<Expression>),
    Negative { of: Box<Expression> },
    Call(Vec<Expression>),
    Number(i64),
}

#[derive(Deserialize)]
pub(super) struct Folder {
    entries: HashMap<String, Entry>,
    parent: Option<Box<Entry>>,
    owner: String,
}

#[derive(Deserialize)]
enum Entry {
    Folder(Box<Folder>),
    Link(Box<Entry>),
    File { size: u64 },
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Tree(Vec<Tree>);

#[derive(Deserialize)]
struct Endless {
    again: Box<Endless>,
    size: u64,
}

#[derive(Deserialize)]
enum Hopeless {
    One(Box<Hopeless>),
    Two(Box<Hopeless>, u8),
}

#[derive(Deserialize)]
enum Never {}

#[test]
fn a_type_within_itself_is_a_reference() {
    assert_eq!(
        text::<List<u8>>(),
        "List\nstruct List { next?: Option<List>, value: u8 }"
    );
    assert_eq!(
        text::<Expression>(),
        "Expression\nenum Expression { 0 Sum(Expression, Expression), 1 Negative { of: Expression }, \
         2 Call([Expression]), 3 Number(i64) }"
    );
}

#[test]
fn types_within_each_other_are_references() {
    let folder = "struct Folder { entries: {string: Entry}, parent?: Option<Entry>, owner: string }";
    let entry = "enum Entry { 0 Folder(Folder), 1 Link(Entry), 2 File { size: u64 } }";
    assert_eq!(text::<Folder>(), format!("Folder\n{folder}\n{entry}"));
    assert_eq!(text::<Vec<Entry>>(), format!("[Entry]\n{entry}\n{folder}"));
}

#[test]
fn arguments_of_generic_types_count() {
    assert_eq!(
        text::<(List<u8>, List<Option<List<u8>>>)>(),
        "(List, List#2)\nstruct List { next?: Option<List>, value: u8 }\n\
         struct List#2 { next?: Option<List#2>, value?: Option<List> }"
    );
    assert_eq!(
        sentences::<List<u8>, List<i8>>(),
        ["`value`: the type is `u8` on this side and `i8` on the other side"]
    );
}

#[test]
fn a_type_without_a_name_may_contain_itself() {
    assert_eq!(text::<Tree>(), "Self\ntype Self = [Self]");
    assert_eq!(text::<Vec<Vec<Tree>>>(), "[Self]\ntype Self = [Self]");
    assert_eq!(sentences::<Tree, Vec<Vec<Tree>>>(), [""; 0], "they are the same");
    assert_eq!(
        sentences::<Tree, Vec<Vec<u8>>>(),
        ["`[][]`: the type is `[Self]` on this side and `u8` on the other side"]
    );
}

#[test]
fn types_without_a_value_have_a_shape() {
    assert_eq!(
        text::<Endless>(),
        "Endless\nstruct Endless { again: Endless, size: opaque Endless }"
    );
    assert_eq!(text::<Never>(), "Never\nenum Never {}");
    assert_eq!(
        text::<Hopeless>(),
        "Hopeless\nenum Hopeless { 0 One(Hopeless), 1 Two(Hopeless, opaque Hopeless) }"
    );
}
