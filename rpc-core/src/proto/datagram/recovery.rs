//! What was sent and is not acknowledged yet.
