//! What the attribute says about what it does not accept.
//!
//! The expected texts are those of one compiler. With another one, or where the library's own functions show in them,
//! look at the difference and accept it with `TRYBUILD=overwrite cargo test -p farcall-ui-tests`. What the attribute
//! accepts is in `tests/macro_shapes`.

#[test]
fn refused() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
