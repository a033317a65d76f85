//! What the numbers in `README.md` come from.
