//! Two clients, two calls each, and a server that may crash: no call runs twice, and no outcome lies.
//!
//! The network keeps every datagram that was ever sent and delivers any of them at any time, or never: that is loss,
//! repetition, reordering and retransmission at once. What the model says of each side stands for a rule of the code:
//!
//! | here | in the code |
//! | --- | --- |
//! | a datagram names its session; a server that does not know the session answers with a reset | `proto::datagram::endpoint` |
//! | the sessions of a server are gone after a crash, and their numbers never come back | `proto::datagram::endpoint`, random ids |
//! | what a lane has delivered is not delivered again | `proto::datagram::lanes::receive` |
//! | a session goes on from any address; answers go to the newest | `proto::datagram::path` |
//! | a lane is used again only when the answer of its last call was read, cancelled or not | `proto::outgoing`, `proto::incoming` |
//! | a call that did not leave is not executed; one that left and has no answer is unknown | `proto::outgoing`, `driver::task::ending` |
//! | a server may refuse a call instead of running it | `dispatch::serving` |
//!
//! Each client has one lane, so that its second call uses the lane of the first one, which is the harder case.

use std::collections::{BTreeMap, BTreeSet};

use stateright::{Checker, Model, Property};

const CLIENTS: usize = 2;
const CALLS: usize = 2;

/// A rule that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mutant {
    Nothing,
    /// The server delivers what a lane has delivered before.
    RunsDuplicates,
    /// A server takes the sessions of the one before it for its own.
    KeepsSessions,
    /// The client uses a lane again as soon as its call was cancelled.
    FreesEarly,
    /// The client takes answers that it had before.
    RereadsAnswers,
    /// A call that was cancelled after it left counts as not executed.
    PromisesTooMuch,
}

/// Which session of a client: the server's incarnation, and how many the client had before.
type SessionId = (u8, u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Outcome {
    Ok,
    NotExecuted,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Answer {
    Ran,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Datagram {
    /// The request of a call; its place on the client's lane is `offset`.
    Request {
        client: usize,
        session: SessionId,
        address: u8,
        offset: u8,
        call: usize,
    },
    /// `call` is not on the wire: it is what the property looks at.
    Reply {
        client: usize,
        session: SessionId,
        address: u8,
        offset: u8,
        call: usize,
        answer: Answer,
    },
    Reset {
        client: usize,
        session: SessionId,
        address: u8,
    },
}

/// Where a call stands at its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Call {
    Idle,
    /// It waits for a session, or for the lane.
    Waits,
    Left,
    /// Its caller is gone, and the lane still waits for the answer.
    Abandoned,
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Client {
    address: u8,
    session: Option<SessionId>,
    sessions: u8,
    calls: [Call; CALLS],
    outcomes: [Option<Outcome>; CALLS],
    /// What was sent and read on the lane, in messages.
    sent: u8,
    read: u8,
}

/// What a server knows of a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Session {
    address: u8,
    received: u8,
    answered: u8,
    running: BTreeSet<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    clients: [Client; CLIENTS],
    incarnation: u8,
    sessions: BTreeMap<(usize, SessionId), Session>,
    network: BTreeSet<Datagram>,
    /// How often each call has run. No rule reads it.
    ran: [[u8; CALLS]; CLIENTS],
    /// A caller has got the answer of another call. No rule reads it.
    confused: bool,
    crashes: u8,
    moves: u8,
    cancels: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Open(usize),
    Make(usize, usize),
    Send(usize, usize),
    Cancel(usize, usize),
    /// The client believes that the connection is lost.
    GiveUp(usize),
    Move(usize),
    Deliver(Datagram),
    Refuse(Datagram),
    Finish(usize, SessionId, usize),
    Crash,
}

/// What happens at the most.
struct Bounds {
    mutant: Mutant,
    crashes: u8,
    moves: u8,
    cancels: u8,
    sessions: u8,
}

impl Client {
    const NEW: Self = Self {
        address: 0,
        session: None,
        sessions: 0,
        calls: [Call::Idle; CALLS],
        outcomes: [None; CALLS],
        sent: 0,
        read: 0,
    };

    fn in_flight(&self) -> Option<usize> {
        self.calls
            .iter()
            .position(|call| matches!(call, Call::Left | Call::Abandoned))
    }

    fn end(&mut self, call: usize, outcome: Outcome) {
        // A caller that is gone has its outcome already.
        self.outcomes[call].get_or_insert(outcome);
        self.calls[call] = Call::Done;
    }

    /// The session is over: what left is unknown, and what waits did not run.
    fn lose(&mut self) {
        self.session = None;
        for call in 0..CALLS {
            match self.calls[call] {
                Call::Left | Call::Abandoned => self.end(call, Outcome::Unknown),
                Call::Waits => self.end(call, Outcome::NotExecuted),
                Call::Idle | Call::Done => {}
            }
        }
    }
}

impl Bounds {
    fn client_hears(&self, state: &mut State, datagram: Datagram) -> Option<()> {
        match datagram {
            Datagram::Reply {
                client,
                session,
                address,
                offset,
                call,
                answer,
            } => {
                let own = &mut state.clients[client];
                let is_new = offset == own.read || self.mutant == Mutant::RereadsAnswers;
                if own.session != Some(session) || own.address != address || !is_new {
                    return None;
                }
                let waiting = own.in_flight()?;
                own.read = offset + 1;
                state.confused |= waiting != call;
                own.end(
                    waiting,
                    match answer {
                        Answer::Ran => Outcome::Ok,
                        Answer::Refused => Outcome::NotExecuted,
                    },
                );
            }
            Datagram::Reset {
                client,
                session,
                address,
            } => {
                let own = &mut state.clients[client];
                if own.session != Some(session) || own.address != address {
                    return None;
                }
                own.lose();
            }
            Datagram::Request { .. } => return None,
        }
        Some(())
    }

    fn server_hears(&self, state: &mut State, datagram: Datagram, refuses: bool) -> Option<()> {
        let Datagram::Request {
            client,
            session,
            address,
            offset,
            call,
        } = datagram
        else {
            return None;
        };
        let key = (client, session);
        if !state.sessions.contains_key(&key) {
            if self.mutant != Mutant::KeepsSessions {
                let reset = Datagram::Reset {
                    client,
                    session,
                    address,
                };
                return state.network.insert(reset).then_some(());
            }
            let fresh = Session {
                address,
                received: offset,
                answered: offset,
                running: BTreeSet::new(),
            };
            state.sessions.insert(key, fresh);
        }
        let known = state.sessions.get_mut(&key)?;
        let is_repeated = offset < known.received && self.mutant == Mutant::RunsDuplicates;
        if offset != known.received && !is_repeated {
            return None;
        }
        known.received = known.received.max(offset + 1);
        known.address = address;
        if refuses {
            let answered = known.answered;
            known.answered += 1;
            let reply = Datagram::Reply {
                client,
                session,
                address,
                offset: answered,
                call,
                answer: Answer::Refused,
            };
            state.network.insert(reply);
        } else {
            known.running.insert(call);
            state.ran[client][call] += 1;
        }
        Some(())
    }
}

impl Model for Bounds {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            clients: [Client::NEW; CLIENTS],
            incarnation: 0,
            sessions: BTreeMap::new(),
            network: BTreeSet::new(),
            ran: [[0; CALLS]; CLIENTS],
            confused: false,
            crashes: 0,
            moves: 0,
            cancels: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (index, client) in state.clients.iter().enumerate() {
            match client.session {
                None if client.sessions < self.sessions => actions.push(Action::Open(index)),
                None => {}
                Some(_) => {
                    actions.push(Action::GiveUp(index));
                    if state.moves < self.moves {
                        actions.push(Action::Move(index));
                    }
                }
            }
            for (call, stands) in client.calls.iter().enumerate() {
                match stands {
                    Call::Idle if client.calls[..call].iter().all(|earlier| *earlier != Call::Idle) => {
                        actions.push(Action::Make(index, call));
                    }
                    Call::Waits => {
                        let free = client.in_flight().is_none_or(|held| {
                            self.mutant == Mutant::FreesEarly && client.calls[held] == Call::Abandoned
                        });
                        if client.session.is_some() && free {
                            actions.push(Action::Send(index, call));
                        }
                        if state.cancels < self.cancels {
                            actions.push(Action::Cancel(index, call));
                        }
                    }
                    Call::Left if state.cancels < self.cancels => actions.push(Action::Cancel(index, call)),
                    _ => {}
                }
            }
        }
        for datagram in &state.network {
            actions.push(Action::Deliver(*datagram));
            if matches!(datagram, Datagram::Request { .. }) {
                actions.push(Action::Refuse(*datagram));
            }
        }
        for ((client, session), known) in &state.sessions {
            actions.extend(
                known
                    .running
                    .iter()
                    .map(|call| Action::Finish(*client, *session, *call)),
            );
        }
        if state.crashes < self.crashes {
            actions.push(Action::Crash);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Open(index) => {
                let client = &mut state.clients[index];
                let session = (state.incarnation, client.sessions);
                client.sessions += 1;
                (client.session, client.sent, client.read) = (Some(session), 0, 0);
                let address = client.address;
                let fresh = Session {
                    address,
                    received: 0,
                    answered: 0,
                    running: BTreeSet::new(),
                };
                state.sessions.insert((index, session), fresh);
            }
            Action::Make(index, call) => state.clients[index].calls[call] = Call::Waits,
            Action::Send(index, call) => {
                let client = &mut state.clients[index];
                let session = client.session?;
                // Only a mutant finds one there.
                if let Some(held) = client.in_flight() {
                    client.calls[held] = Call::Done;
                }
                client.calls[call] = Call::Left;
                let (address, offset) = (client.address, client.sent);
                client.sent += 1;
                state.network.insert(Datagram::Request {
                    client: index,
                    session,
                    address,
                    offset,
                    call,
                });
            }
            Action::Cancel(index, call) => {
                state.cancels += 1;
                let client = &mut state.clients[index];
                if client.calls[call] == Call::Waits {
                    client.end(call, Outcome::NotExecuted);
                } else {
                    client.calls[call] = Call::Abandoned;
                    let promises = self.mutant == Mutant::PromisesTooMuch;
                    client.outcomes[call] = Some(if promises {
                        Outcome::NotExecuted
                    } else {
                        Outcome::Unknown
                    });
                }
            }
            Action::GiveUp(index) => state.clients[index].lose(),
            Action::Move(index) => moved(&mut state, index)?,
            Action::Deliver(datagram @ Datagram::Request { .. }) => self.server_hears(&mut state, datagram, false)?,
            Action::Deliver(datagram) => self.client_hears(&mut state, datagram)?,
            Action::Refuse(datagram) => self.server_hears(&mut state, datagram, true)?,
            Action::Finish(client, session, call) => {
                let known = state.sessions.get_mut(&(client, session))?;
                known.running.remove(&call);
                let (address, offset) = (known.address, known.answered);
                known.answered += 1;
                let answer = Answer::Ran;
                state.network.insert(Datagram::Reply {
                    client,
                    session,
                    address,
                    offset,
                    call,
                    answer,
                });
            }
            Action::Crash => {
                state.crashes += 1;
                state.incarnation += 1;
                state.sessions.clear();
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no call runs twice", |_, state: &State| {
                state.ran.iter().flatten().all(|ran| *ran <= 1)
            }),
            Property::always("no outcome lies", |_, state: &State| {
                state.clients.iter().zip(&state.ran).all(|(client, ran)| {
                    client.outcomes.iter().zip(ran).all(|(outcome, ran)| match outcome {
                        None => true,
                        Some(Outcome::Ok) => *ran == 1,
                        Some(Outcome::NotExecuted) => *ran == 0,
                        Some(Outcome::Unknown) => *ran <= 1,
                    })
                })
            }),
            Property::always("every answer reaches its own call", |_, state: &State| !state.confused),
            // Otherwise the rest would say little.
            Property::sometimes("a call succeeds", |_, state: &State| has(state, Outcome::Ok)),
            Property::sometimes("a call is refused", |_, state: &State| has(state, Outcome::NotExecuted)),
            Property::sometimes("a call that ran is unknown", |_, state: &State| {
                state.clients.iter().zip(&state.ran).any(|(client, ran)| {
                    client
                        .outcomes
                        .iter()
                        .zip(ran)
                        .any(|(outcome, ran)| (*outcome, *ran) == (Some(Outcome::Unknown), 1))
                })
            }),
        ]
    }
}

/// What was not acknowledged is sent again from the new address.
fn moved(state: &mut State, index: usize) -> Option<()> {
    state.moves += 1;
    let own = &mut state.clients[index];
    own.address += 1;
    let (address, now) = (own.address, own.session?);
    let again = state.network.iter().filter_map(|sent| match *sent {
        Datagram::Request {
            client,
            session,
            offset,
            call,
            ..
        } if client == index && session == now => Some(Datagram::Request {
            client,
            session,
            address,
            offset,
            call,
        }),
        _ => None,
    });
    let again: Vec<_> = again.collect();
    state.network.extend(again);
    Some(())
}

fn has(state: &State, outcome: Outcome) -> bool {
    state
        .clients
        .iter()
        .any(|client| client.outcomes.contains(&Some(outcome)))
}

/// Looks at every state within the bounds.
fn holds(bounds: Bounds) {
    let checker = bounds.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.is_done(), "every state was looked at");
}

#[test]
fn no_promise_breaks_while_a_server_crashes_a_client_moves_and_a_caller_gives_up() {
    holds(Bounds {
        mutant: Mutant::Nothing,
        crashes: 1,
        moves: 1,
        cancels: 1,
        sessions: 1,
    });
}

#[test]
fn no_promise_breaks_while_clients_come_again_to_a_server_that_crashes() {
    holds(Bounds {
        mutant: Mutant::Nothing,
        crashes: 1,
        moves: 0,
        cancels: 0,
        sessions: 2,
    });
}

#[test]
fn no_promise_breaks_while_clients_come_again_and_a_caller_gives_up() {
    holds(Bounds {
        mutant: Mutant::Nothing,
        crashes: 0,
        moves: 0,
        cancels: 1,
        sessions: 2,
    });
}

/// A broken rule breaks this promise.
fn finds(mutant: Mutant, property: &'static str) {
    let bounds = Bounds {
        mutant,
        crashes: 1,
        moves: 0,
        cancels: 1,
        sessions: 1,
    };
    let checker = bounds.checker().threads(2).spawn_bfs().join();
    assert!(checker.discovery(property).is_some(), "{mutant:?} breaks no promise");
}

#[test]
fn a_server_that_runs_duplicates_is_found() {
    finds(Mutant::RunsDuplicates, "no call runs twice");
}

#[test]
fn a_server_that_keeps_the_sessions_of_the_one_before_is_found() {
    finds(Mutant::KeepsSessions, "no call runs twice");
}

#[test]
fn a_lane_that_is_free_too_early_is_found() {
    finds(Mutant::FreesEarly, "every answer reaches its own call");
}

#[test]
fn an_answer_that_is_read_again_is_found() {
    finds(Mutant::RereadsAnswers, "every answer reaches its own call");
}

#[test]
fn a_promise_that_is_too_early_is_found() {
    finds(Mutant::PromisesTooMuch, "no outcome lies");
}
