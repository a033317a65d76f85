//! Everything at once over a simulated network, from seeds.

mod calls;
mod simulation;
mod streams;
