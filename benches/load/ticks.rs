//! A clock that ticks on time: tokio's timers are late by up to a millisecond, which is more than most calls take.

use std::{
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::{Interest, unix::AsyncFd};

pub(crate) struct Ticks {
    timer: AsyncFd<OwnedFd>,
    /// When tick 0 was or is due.
    first: Instant,
    period: Duration,
    passed: u32,
}

impl Ticks {
    /// Tick 0 comes after `delay`, which is not zero.
    pub(crate) fn start(delay: Duration, period: Duration) -> Result<Self, io::Error> {
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let times = Itimerspec {
            it_interval: timespec(period),
            it_value: timespec(delay),
        };
        let first = Instant::now() + delay;
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times)?;
        #[allow(
            deprecated,
            reason = "older versions of tokio, which are measured too, have no other"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Self {
            timer,
            first,
            period,
            passed: 0,
        })
    }

    /// Waits for the next tick. Says which one is the last that has passed, and when it was due. Dropping the future
    /// loses no tick.
    pub(crate) async fn next(&mut self) -> io::Result<(u32, Instant)> {
        let mut expirations = [0; 8];
        self.timer
            .async_io(Interest::READABLE, |timer| {
                Ok(rustix::io::read(timer, &mut expirations)?)
            })
            .await?;
        self.passed += u64::from_ne_bytes(expirations) as u32;
        let tick = self.passed - 1;
        Ok((tick, self.first + self.period * tick))
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().cast_signed(),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
