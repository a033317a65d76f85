//! Who may call what, and what is kept secret.

mod callers;
mod capabilities;
mod desk;
#[cfg(feature = "tracing")]
mod recorder;
#[cfg(feature = "reflection")]
mod reflected;
mod rules;
mod secrets;
mod silence;
#[cfg(feature = "static-tokens")]
mod static_tokens;
mod tokens;
