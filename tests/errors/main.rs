//! What goes wrong, and what becomes of it.

mod codes;
mod limits;
mod nesting;
mod panics;
