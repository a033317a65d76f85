//! Models of the protocol, checked exhaustively; see the tests.
