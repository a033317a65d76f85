//! Behaviour of farcall seen from outside, one file per promise.
