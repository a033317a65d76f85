//! Which of a name's addresses: RFC 8305, "Happy Eyeballs".
//!
//! An address may be silent for ever, such as one of a family that is not routed. So the next one is tried while the
//! one before is still silent, and the first that answers is taken.

use std::{
    fmt::Write,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

use super::failure::{passes, with_text};

/// How long an address may be silent before the next one is tried beside it: what RFC 8305 recommends.
const STAGGER: Duration = Duration::from_millis(250);

/// Opens a connection to one of `addresses`, in this order. All attempts but the one that succeeds are dropped.
///
/// Cancel safe: dropping it drops every attempt.
///
/// # Errors
/// What became of all of them. If one of the errors may pass, the kind is that error's.
pub(super) async fn race<T, F>(addresses: Vec<SocketAddr>, open: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut race = Race {
        waiting: addresses.into_iter(),
        open,
        running: Vec::new(),
        failed: Vec::new(),
        next: Box::pin(sleep(Duration::ZERO)),
    };
    race.start();
    poll_fn(|cx| race.poll(cx)).await
}

struct Race<F, O> {
    waiting: std::vec::IntoIter<SocketAddr>,
    open: O,
    running: Vec<(SocketAddr, Pin<Box<F>>)>,
    failed: Vec<(SocketAddr, io::Error)>,
    /// When the next one is to start.
    next: Pin<Box<Sleep>>,
}

impl<T, F, O> Race<F, O>
where
    F: Future<Output = io::Result<T>>,
    O: Fn(SocketAddr) -> F,
{
    fn start(&mut self) {
        if let Some(address) = self.waiting.next() {
            self.running.push((address, Box::pin((self.open)(address))));
            self.next.as_mut().reset(Instant::now() + STAGGER);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        loop {
            let failed = self.failed.len();
            let mut index = 0;
            while let Some((address, attempt)) = self.running.get_mut(index) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(opened)) => return Poll::Ready(Ok(opened)),
                    Poll::Ready(Err(error)) => {
                        self.failed.push((*address, error));
                        drop(self.running.remove(index));
                    }
                    Poll::Pending => index += 1,
                }
            }
            if self.running.is_empty() && self.waiting.len() == 0 {
                return Poll::Ready(Err(all(std::mem::take(&mut self.failed))));
            }
            // One that has failed makes room for the next one at once.
            let due = self.failed.len() > failed || self.next.as_mut().poll(cx).is_ready();
            if !due || self.waiting.len() == 0 {
                return Poll::Pending;
            }
            self.start();
        }
    }
}

/// One error for all of them. It is worth to try again if that is true for one of them.
fn all(mut failed: Vec<(SocketAddr, io::Error)>) -> io::Error {
    if failed.is_empty() {
        return io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
    }
    let mut text = String::new();
    if failed.len() > 1 {
        for (address, error) in &failed {
            let separator = if text.is_empty() { "" } else { "; " };
            // Writing into a string does not fail.
            let _ = write!(text, "{separator}{address}: {error}");
        }
    }
    let tells = failed.iter().position(|(_, error)| passes(error)).unwrap_or(0);
    let (_, error) = failed.swap_remove(tells);
    if text.is_empty() {
        return error;
    }
    with_text(&error, text)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, future::pending, rc::Rc};

    use super::*;
    use crate::{Code, Error};

    fn addresses(count: u16) -> Vec<SocketAddr> {
        (1..=count).map(|port| ([127, 0, 0, 1], port).into()).collect()
    }

    /// Who was tried when, and whose attempt is not dropped.
    #[derive(Clone, Default)]
    struct SeenAttempts {
        tried: Rc<RefCell<Vec<(u16, u128)>>>,
        alive: Rc<()>,
    }

    /// What an address does: after so many milliseconds it is there or refuses; or it is silent.
    type Acts = fn(u16) -> Option<(u64, bool)>;

    async fn run(count: u16, acts: Acts) -> (io::Result<u16>, Vec<(u16, u128)>, u128) {
        let (seen, begin) = (SeenAttempts::default(), Instant::now());
        let raced = race(addresses(count), |address| {
            let seen = seen.clone();
            async move {
                let port = address.port();
                seen.tried.borrow_mut().push((port, begin.elapsed().as_millis()));
                let _alive = Rc::clone(&seen.alive);
                let Some((after, answers)) = acts(port) else {
                    return pending().await;
                };
                sleep(Duration::from_millis(after)).await;
                answers.then_some(port).ok_or(io::ErrorKind::ConnectionRefused.into())
            }
        })
        .await;
        assert_eq!(Rc::strong_count(&seen.alive), 1, "the losers are dropped");
        let tried = seen.tried.take();
        (raced, tried, begin.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_holds_up_the_next_one_for_a_moment_only() {
        let (raced, tried, took) = run(3, |port| (port == 3).then_some((10, true))).await;
        assert_eq!(raced.expect("the third one answers"), 3);
        assert_eq!(tried, [(1, 0), (2, 250), (3, 500)]);
        assert_eq!(took, 510);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_refuses_does_not_hold_up_the_next_one() {
        let (raced, tried, _) = run(3, |port| (port != 2).then_some((5, port == 3))).await;
        assert_eq!(raced.expect("the third one answers"), 3);
        assert_eq!(tried, [(1, 0), (2, 5), (3, 255)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_one_may_still_be_first() {
        let (raced, tried, took) = run(3, |port| (port == 1).then_some((400, true))).await;
        assert_eq!((raced.expect("the first one answers"), took), (1, 400));
        assert_eq!(tried, [(1, 0), (2, 250)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_one_alone_is_tried_when_it_answers_in_time() {
        let (raced, tried, took) = run(9, |_| Some((249, true))).await;
        assert_eq!((raced.expect("it answers"), took), (1, 249));
        assert_eq!(tried, [(1, 0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_of_all_is_left_to_the_caller() {
        let raced = tokio::time::timeout(Duration::from_secs(10), run(2, |_| None)).await;
        assert!(raced.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_each_one_is_named() {
        let (raced, tried, took) = run(3, |port| Some((10 * u64::from(port), false))).await;
        let error = raced.expect_err("all refuse");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let text = error.to_string();
        for port in 1..=3 {
            assert!(
                text.contains(&format!("127.0.0.1:{port}: connection refused")),
                "{text}"
            );
        }
        assert_eq!((tried.len(), took), (3, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cause_that_may_pass_counts_more_than_one_that_stays() {
        let open = |address: SocketAddr| async move {
            Err::<(), _>(match address.port() {
                1 => io::Error::other(Error::failed_precondition("another version")),
                2 => io::ErrorKind::ConnectionReset.into(),
                _ => io::ErrorKind::PermissionDenied.into(),
            })
        };
        let error = race(addresses(3), open).await.expect_err("all fail");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(error.to_string().contains("another version"), "{error}");

        let error = race(addresses(1), open).await.expect_err("it fails");
        let own = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        assert_eq!(own.map(Error::code), Some(Code::FailedPrecondition));
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_said_so() {
        let error = race(Vec::new(), |_| pending::<io::Result<()>>())
            .await
            .expect_err("nowhere to go");
        assert!(error.to_string().contains("has no address"), "{error}");
    }
}
