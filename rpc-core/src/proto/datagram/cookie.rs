//! Proof of a client's address, without remembering it.
