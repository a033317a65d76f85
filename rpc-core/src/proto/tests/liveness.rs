//! Peers that vanish, stop reading or have nothing to do.

use std::time::{Duration, Instant};

use super::{content, exchange, requests, start};
use crate::harness::{CLIENT, ConnectionPair, SERVER};
use crate::proto::{
    Event, Limits, Lost,
    watchdog::{Verdict, Watchdog},
};

const KEEPALIVE: Duration = Duration::from_secs(15);
const STALL: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_secs(600);
const MOMENT: Duration = Duration::from_millis(1);

fn pair() -> ConnectionPair {
    ConnectionPair::new([Limits::default(), Limits::default()], Some(IDLE), 1, Instant::now())
}

#[test]
fn two_that_answer_pings_stay_connected() {
    let mut pair = ConnectionPair::new([Limits::default(), Limits::default()], None, 1, Instant::now());
    pair.pass(Duration::from_secs(24 * 3600)).expect("both are there");
}

#[test]
fn a_peer_that_vanished_is_given_up_after_two_intervals() {
    let mut pair = pair();
    pair.ends[SERVER].reads = false;
    pair.pass((2 * KEEPALIVE).saturating_sub(MOMENT))
        .expect("it may still answer");
    match pair.pass(MOMENT) {
        Err(Lost::Silent(interval)) => assert_eq!(interval, KEEPALIVE),
        other => panic!("{other:?} where silence was due"),
    }
}

#[test]
fn a_peer_that_is_slow_to_answer_a_ping_is_not_given_up() {
    let mut pair = pair();
    for _ in 0..5 {
        pair.ends[SERVER].reads = false;
        pair.pass((2 * KEEPALIVE).saturating_sub(MOMENT))
            .expect("it may still answer");
        pair.ends[SERVER].reads = true;
        exchange(&mut pair);
    }
}

#[test]
fn what_came_before_a_ping_is_no_answer_to_it_however_late_it_is_told() {
    let begin = Instant::now();
    let mut liveness = Watchdog::new(KEEPALIVE, STALL, begin);
    let pinged = begin + KEEPALIVE + MOMENT;
    liveness.handle_heard(begin + MOMENT);
    assert_eq!(liveness.handle_timeout(pinged), Verdict::Ping);
    for early in [begin, begin + MOMENT] {
        liveness.handle_heard(early);
    }
    assert_eq!(liveness.handle_timeout(pinged + KEEPALIVE), Verdict::Silent);
}

#[test]
fn a_side_that_stood_still_asks_before_it_gives_up() {
    let begin = Instant::now();
    let mut liveness = Watchdog::new(KEEPALIVE, STALL, begin);
    assert_eq!(liveness.handle_timeout(begin + KEEPALIVE), Verdict::Ping);
    liveness.handle_blocked(begin + KEEPALIVE);
    let woken = begin + 100 * KEEPALIVE;
    assert_eq!(
        liveness.handle_timeout(woken),
        Verdict::Ping,
        "nothing was looked at meanwhile"
    );
    assert_eq!(liveness.handle_timeout(woken + KEEPALIVE), Verdict::Silent);
}

#[test]
fn a_peer_that_is_heard_is_not_asked_even_if_that_is_told_late() {
    let mut now = Instant::now();
    let mut liveness = Watchdog::new(KEEPALIVE, STALL, now);
    for _ in 0..5 {
        liveness.handle_heard(now + MOMENT);
        now += KEEPALIVE;
        assert_eq!(liveness.handle_timeout(now), Verdict::Alive);
        assert_eq!(liveness.poll_timeout(), Some(now + MOMENT));
    }
}

#[test]
fn a_peer_that_takes_no_byte_is_given_up_though_it_speaks() {
    let mut pair = pair();
    for _ in 0..3 {
        start(&mut pair, &content(1 << 20));
    }
    pair.ends[SERVER].reads = false;
    exchange(&mut pair);
    let stalled_at = pair.now + STALL;
    let stalled = loop {
        let step = pair.pass(Duration::from_secs(1));
        // Something comes from the server all the time.
        let now = pair.now;
        pair.connection(CLIENT).handle_heard(now);
        if let Err(lost) = step {
            break lost;
        }
    };
    assert!(matches!(stalled, Lost::Stalled(STALL)), "{stalled:?}");
    assert_eq!(pair.now, stalled_at);
}

#[test]
fn a_peer_that_takes_bytes_slowly_is_not_stalled() {
    let mut pair = pair();
    start(&mut pair, &content(1 << 20));
    for _ in 0..20 {
        pair.ends[SERVER].reads = false;
        exchange(&mut pair);
        pair.pass(STALL.saturating_sub(MOMENT)).expect("it takes bytes");
        pair.read(SERVER, 100).expect("both are honest");
    }
}

#[test]
fn a_connection_without_calls_is_given_back_after_its_idle_time() {
    let mut pair = pair();
    assert_asks_after_idle_time(&mut pair);
    // A client that does not end it is left, in the time in which it would have answered a ping.
    pair.pass(KEEPALIVE.saturating_sub(MOMENT)).expect("both are there");
    assert!(pair.events(SERVER).is_empty(), "too early");
    pair.pass(MOMENT).expect("both are there");
    for end in [SERVER, CLIENT] {
        let events = pair.events(end);
        assert!(matches!(events[..], [Event::GoAway]), "{events:?}");
    }
    pair.pass(IDLE).expect("both are there");
    assert!(
        pair.events(SERVER).is_empty() && pair.events(CLIENT).is_empty(),
        "said once"
    );
}

fn assert_asks_after_idle_time(pair: &mut ConnectionPair) {
    pair.pass(IDLE.saturating_sub(MOMENT)).expect("both are there");
    assert!(
        !pair.events(CLIENT).iter().any(|event| matches!(event, Event::GoAway)),
        "too early"
    );
    pair.pass(MOMENT).expect("both are there");
    let events = pair.events(CLIENT);
    assert!(matches!(events.last(), Some(Event::GoAway)), "{events:?}");
    let events = pair.events(SERVER);
    assert!(!events.iter().any(|event| matches!(event, Event::GoAway)), "{events:?}");
}

#[test]
fn a_call_that_crosses_the_question_keeps_the_connection() {
    let mut pair = pair();
    pair.pass(IDLE.saturating_sub(MOMENT)).expect("both are there");
    start(&mut pair, &content(1));
    pair.pass(MOMENT).expect("both are there");
    exchange(&mut pair);
    assert_eq!(requests(&mut pair).len(), 1, "it is not refused");
    pair.reply(SERVER, 0, &content(1));
    exchange(&mut pair);
    let events = pair.events(CLIENT);
    assert!(matches!(events[..], [Event::Reply { .. }]), "{events:?}");
    pair.connection(CLIENT).release(0);
    assert_asks_after_idle_time(&mut pair);
}

#[test]
fn idle_time_counts_from_the_last_answer() {
    for keepalive in [KEEPALIVE, 10 * IDLE] {
        let limits = Limits::default().keepalive(keepalive);
        let mut pair = ConnectionPair::new([limits.clone(), limits], Some(IDLE), 1, Instant::now());
        start(&mut pair, &content(1));
        exchange(&mut pair);
        requests(&mut pair);
        pair.pass(3 * IDLE).expect("a call is in flight");
        pair.pass(IDLE.saturating_sub(Duration::from_secs(1)))
            .expect("a call is in flight");
        pair.reply(SERVER, 0, &content(1));
        exchange(&mut pair);
        assert_asks_after_idle_time(&mut pair);
    }
}
