//! What other processes see. They are started here, away from tests of ports that are free again: a process that is
//! just being started holds the sockets of this one for a moment.

mod kill_nine;
mod panic_log;
#[cfg(target_os = "linux")]
mod udp_kernel_loss;
mod udp_vanish;
