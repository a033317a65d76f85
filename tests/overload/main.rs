//! Overload: what a server with an adaptive limit refuses, and what it still does.

mod priorities;
mod refusals;
mod ten_times;
