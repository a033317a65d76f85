//! The protocol core against itself, without I/O and with a clock of its own.

mod random;
