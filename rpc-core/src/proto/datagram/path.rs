//! Which address a session is spoken to at.
