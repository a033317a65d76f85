//! Links and their drivers, in pairs and alone.

mod calls;
mod objects;
mod pair;
mod streams;
mod values;
