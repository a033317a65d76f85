//! What the attribute accepts, and what it says about what it does not.
//!
//! The expected texts are those of one compiler. With another one, or where the library's own functions show in them,
//! look at the difference and accept it with `TRYBUILD=overwrite cargo test --test ui`.

#[test]
fn accepted() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn refused() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}
