//! The repository itself: its layers, its links, its lines.

mod columns;
mod layering;
mod links;
mod security;
