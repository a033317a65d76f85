//! Streams and the ends of channels as values.

mod arguments_and_results;
mod channels;
mod deadlines;
mod ends;
mod flow;
mod handlers;
mod room;
mod stopped;
