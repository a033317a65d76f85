//! Two builds whose types differ: what is refused, how it reads, and what goes on.

mod checked;
mod drift;
mod lock;
mod options;
mod rolling;
mod values;
mod verdict;
