//! Calls over datagrams and real sockets, with a relay between them that makes the network bad.

mod abuse;
mod at_most_once;
mod damage;
mod drop_anywhere;
mod loss;
mod partition;
mod pressure;
mod rebind;
mod relay;
mod replay;
mod shutdown;
mod sizes;
mod streams;
