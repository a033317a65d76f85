//! The one judge of every test with faults: what callers were told, against what ran.
//!
//! A test records its calls in a [`History`], its server notes what runs, and [`History::check`] holds the one against
//! the other: a call that was answered ran once, one that was not executed never ran, one of which nothing is known ran
//! at most once, and nothing ran that nobody called. Calls that count something must also be the calls of one counter,
//! whatever the network did to them.

mod counter;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use farcall::{Error, Outcome};

/// How often each call ran, by its number; those that never ran may be missing.
pub type Executions = HashMap<u64, u64>;

/// The calls of a test, of all its clients. They need one process, because one clock says what came before what.
#[derive(Debug, Default)]
pub struct History {
    clock: AtomicU64,
    operations: Mutex<Vec<Operation>>,
}

/// A call, as its caller saw it.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The number of the call, which is that of no other one.
    pub call: u64,
    /// When it began and ended, by a clock that goes on with each event.
    pub began: u64,
    pub ended: u64,
    pub end: End,
}

/// What the caller was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The answer, and what it says that the counter was after it, if it counts.
    Answered(Option<u64>),
    /// An error with this outcome. A caller that gave up knows nothing.
    Failed(Outcome),
}

/// How many calls ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub answered: u64,
    pub executed: u64,
    pub unknown: u64,
    pub not_executed: u64,
}

/// What is wrong with a history.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken(Vec<String>);

impl History {
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a call, and records it. When the future is dropped, the caller has given up.
    pub async fn call<T>(&self, call: u64, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.recorded(call, answer, |_| None).await
    }

    /// Makes a call that adds one to a counter and gives what it is then.
    pub async fn count(&self, call: u64, answer: impl Future<Output = Result<u64, Error>>) -> Result<u64, Error> {
        self.recorded(call, answer, |count| Some(*count)).await
    }

    async fn recorded<T>(
        &self,
        call: u64,
        answer: impl Future<Output = Result<T, Error>>,
        count: impl Fn(&T) -> Option<u64>,
    ) -> Result<T, Error> {
        let mut running = Running {
            history: self,
            call,
            began: self.tick(),
            end: End::Failed(Outcome::Unknown),
        };
        let result = answer.await;
        running.end = match &result {
            Ok(answer) => End::Answered(count(answer)),
            Err(error) => End::Failed(error.outcome()),
        };
        result
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, SeqCst)
    }

    /// Holds the calls against what ran. Call it when nothing runs any more.
    ///
    /// # Errors
    /// What is wrong, with the calls that show it.
    pub fn check(&self, executions: &Executions) -> Result<Totals, Broken> {
        let operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        check(&operations, executions)
    }
}

/// A call that has not ended. It is recorded when it is dropped.
struct Running<'a> {
    history: &'a History,
    call: u64,
    began: u64,
    end: End,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let operation = Operation {
            call: self.call,
            began: self.began,
            ended: self.history.tick(),
            end: self.end,
        };
        let operations = self.history.operations.lock();
        operations.unwrap_or_else(PoisonError::into_inner).push(operation);
    }
}

/// The same for operations that were recorded elsewhere.
///
/// # Errors
/// What is wrong, with the calls that show it.
pub fn check(operations: &[Operation], executions: &Executions) -> Result<Totals, Broken> {
    let mut broken = Vec::new();
    let mut calls = HashSet::with_capacity(operations.len());
    for operation in operations {
        if !calls.insert(operation.call) {
            broken.push(format!("two calls have the number {}", operation.call));
        }
        let ran = executions.get(&operation.call).copied().unwrap_or(0);
        broken.extend(operation.contradiction(ran));
    }
    let strangers = executions.keys().filter(|call| !calls.contains(call));
    broken.extend(strangers.map(|call| format!("call {call} ran, and nobody made it")));
    broken.extend(counter::contradictions(operations));
    if broken.is_empty() {
        Ok(Totals::of(operations))
    } else {
        Err(Broken(broken))
    }
}

impl Operation {
    /// What is wrong if the call ran so often.
    fn contradiction(&self, ran: u64) -> Option<String> {
        let (told, allowed) = match self.end {
            End::Answered(_) => ("it was answered", 1..=1),
            End::Failed(Outcome::Executed) => ("its error says that it was executed", 1..=1),
            End::Failed(Outcome::Unknown) => ("its caller knows nothing", 0..=1),
            End::Failed(Outcome::NotExecuted) => ("its error says that it was not executed", 0..=0),
        };
        (!allowed.contains(&ran)).then(|| format!("call {} ran {ran} times, and {told}", self.call))
    }
}

impl Totals {
    fn of(operations: &[Operation]) -> Self {
        let mut totals = Self::default();
        for operation in operations {
            *match operation.end {
                End::Answered(_) => &mut totals.answered,
                End::Failed(Outcome::Executed) => &mut totals.executed,
                End::Failed(Outcome::Unknown) => &mut totals.unknown,
                End::Failed(Outcome::NotExecuted) => &mut totals.not_executed,
            } += 1;
        }
        totals
    }
}

impl Broken {
    /// A sentence about each contradiction.
    pub fn contradictions(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        write!(f, "{} contradictions: ", self.0.len())?;
        write!(f, "{}", self.0[..self.0.len().min(SHOWN)].join("; "))
    }
}

impl std::error::Error for Broken {}
