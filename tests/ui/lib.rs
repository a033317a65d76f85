//! Nothing: the cases are in `fail/`.
