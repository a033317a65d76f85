//! Calls: how they are made, and what they and their handlers may rely on.

mod blocking_client;
mod blocking_handlers;
mod cancellation;
mod computing_handlers;
mod concurrency;
mod context;
mod deadlines;
mod drop_anywhere;
mod expired;
mod first_steps;
mod layers;
mod long_bodies;
mod metadata;
mod oneway;
mod runtimes;
mod tower;
mod two_ways;
mod undriven;
mod waiting_calls;
