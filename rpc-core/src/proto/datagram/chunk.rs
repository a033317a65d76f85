//! What a packet holds.
