//! Links and their drivers, in pairs and alone.

mod calls;
mod cuts;
mod feeds;
mod objects;
pub(crate) mod pair;
mod streams;
mod values;
