//! Links and their drivers, in pairs and alone.

mod calls;
mod feeds;
mod objects;
mod pair;
mod streams;
mod values;
