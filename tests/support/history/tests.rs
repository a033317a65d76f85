//! The judge itself: it refuses every history that breaks a promise, and no other.

use farcall::Outcome::{Executed, NotExecuted, Unknown};
use proptest::prelude::*;

use super::{
    Broken, End,
    End::{Answered, Failed},
    Executions, History, Operation, Totals, check,
};

fn operation(call: u64, began: u64, ended: u64, end: End) -> Operation {
    Operation {
        call,
        began,
        ended,
        end,
    }
}

fn ran<const N: usize>(calls: [(u64, u64); N]) -> Executions {
    Executions::from(calls)
}

#[track_caller]
fn refused(operations: &[Operation], executions: &Executions, expected: &str) {
    let broken = check(operations, executions)
        .expect_err("a promise is broken")
        .to_string();
    assert!(broken.contains(expected), "`{broken}` does not say `{expected}`");
}

#[test]
fn an_answer_means_once() {
    let calls = [operation(1, 0, 1, Answered(None))];
    assert!(check(&calls, &ran([(1, 1)])).is_ok());
    refused(&calls, &ran([]), "call 1 ran 0 times, and it was answered");
    refused(&calls, &ran([(1, 2)]), "call 1 ran 2 times, and it was answered");
}

#[test]
fn an_error_means_what_it_says() {
    let told = |outcome| [operation(1, 0, 1, Failed(outcome))];
    let allowed = |outcome| [0, 1, 2].map(|times| check(&told(outcome), &ran([(1, times)])).is_ok());
    assert_eq!(allowed(NotExecuted), [true, false, false]);
    assert_eq!(allowed(Unknown), [true, true, false]);
    assert_eq!(allowed(Executed), [false, true, false]);
    refused(
        &told(NotExecuted),
        &ran([(1, 1)]),
        "its error says that it was not executed",
    );
}

#[test]
fn nothing_runs_that_nobody_called() {
    refused(&[], &ran([(7, 1)]), "call 7 ran, and nobody made it");
}

#[test]
fn a_number_is_that_of_one_call() {
    let calls = [operation(1, 0, 1, Answered(None)), operation(1, 2, 3, Answered(None))];
    refused(&calls, &ran([(1, 1)]), "two calls have the number 1");
}

#[test]
fn a_count_never_goes_back() {
    let calls = [
        operation(1, 0, 1, Answered(Some(2))),
        operation(2, 2, 3, Answered(Some(1))),
    ];
    let stale = "call 1 has the count 2 and had ended before call 2 began, which has the count 1";
    refused(&calls, &ran([(1, 1), (2, 1)]), stale);
    let at_once = [
        operation(1, 0, 2, Answered(Some(2))),
        operation(2, 1, 3, Answered(Some(1))),
    ];
    assert!(check(&at_once, &ran([(1, 1), (2, 1)])).is_ok());
}

#[test]
fn a_count_is_given_once() {
    let calls = [
        operation(1, 0, 3, Answered(Some(1))),
        operation(2, 1, 2, Answered(Some(1))),
    ];
    refused(&calls, &ran([(1, 1), (2, 1)]), "both have the count 1");
}

#[test]
fn a_count_that_is_missing_belongs_to_a_call_that_may_have_counted() {
    let answered = operation(1, 4, 5, Answered(Some(2)));
    refused(&[answered], &ran([(1, 1)]), "no call can have counted 1 before");
    for (outcome, began, is_fine) in [
        (Unknown, 0, true),
        (Unknown, 4, true),
        // It began when the answer was there already.
        (Unknown, 6, false),
        (NotExecuted, 0, false),
    ] {
        let calls = [answered, operation(2, began, 9, Failed(outcome))];
        let ran = ran([(1, 1), (2, u64::from(outcome == Unknown))]);
        assert_eq!(check(&calls, &ran).is_ok(), is_fine, "{outcome} at {began}");
    }
}

#[test]
fn a_count_begins_with_one() {
    refused(&[operation(1, 0, 1, Answered(Some(0)))], &ran([(1, 1)]), "a count is 0");
}

#[tokio::test]
async fn a_caller_that_gives_up_knows_nothing() -> Result<(), Broken> {
    let history = History::new();
    let mut call = Box::pin(history.call(1, std::future::pending::<farcall::Result<()>>()));
    assert!(futures::poll!(call.as_mut()).is_pending());
    drop(call);
    let unknown = Totals {
        unknown: 1,
        ..Totals::default()
    };
    assert_eq!(history.check(&ran([(1, 1)]))?, unknown);
    assert!(history.check(&ran([(1, 2)])).is_err());
    Ok(())
}

/// How the call at one moment of a counter ends for its caller, who waits for so long before and after it.
#[derive(Clone, Copy, Debug)]
struct Moment {
    before: u64,
    after: u64,
    end: u8,
}

/// The history of a real counter: one call at each moment, in any overlap.
fn honest(moments: &[Moment]) -> (Vec<Operation>, Executions) {
    let (mut count, mut executions) = (0, Executions::new());
    let operations = moments.iter().zip(1..).map(|(moment, call)| {
        let runs = matches!(moment.end, 0..=5 | 7);
        if runs {
            count += 1;
            executions.insert(call, 1);
        }
        let end = match moment.end {
            0..=5 => Answered(Some(count)),
            // Two that know nothing: one has counted and the other has not.
            6 | 7 => Failed(Unknown),
            _ => Failed(NotExecuted),
        };
        let time = 1_000 + 10 * call;
        operation(call, time - moment.before, time + moment.after, end)
    });
    (operations.collect(), executions)
}

fn moments() -> impl Strategy<Value = Vec<Moment>> {
    let moment = (0..100_u64, 0..100_u64, 0..9_u8);
    prop::collection::vec(
        moment.prop_map(|(before, after, end)| Moment { before, after, end }),
        2..60,
    )
}

proptest! {
    #[test]
    fn the_history_of_a_real_counter_is_accepted(moments in moments()) {
        let (operations, executions) = honest(&moments);
        prop_assert!(check(&operations, &executions).is_ok());
    }

    #[test]
    fn a_call_that_runs_once_more_is_noticed(moments in moments(), index: prop::sample::Index) {
        let (operations, mut executions) = honest(&moments);
        let operation = index.get(&operations);
        let ran = executions.entry(operation.call).or_default();
        *ran = if *ran == 0 && operation.end == Failed(Unknown) { 2 } else { *ran + 1 };
        prop_assert!(check(&operations, &executions).is_err());
    }

    #[test]
    fn a_count_that_was_given_before_is_noticed(
        moments in moments(),
        one: prop::sample::Index,
        other: prop::sample::Index,
    ) {
        let (mut operations, executions) = honest(&moments);
        let counted: Vec<_> = (0..operations.len())
            .filter(|&index| matches!(operations[index].end, Answered(_)))
            .collect();
        prop_assume!(counted.len() > 1);
        let (one, other) = (*one.get(&counted), *other.get(&counted));
        prop_assume!(one != other);
        operations[one].end = operations[other].end;
        prop_assert!(check(&operations, &executions).is_err());
    }

    #[test]
    fn counts_that_are_swapped_are_noticed_where_one_call_was_over(moments in moments()) {
        let (mut operations, executions) = honest(&moments);
        let counts = |operation: &Operation| matches!(operation.end, Answered(_));
        let pair = (0..operations.len())
            .flat_map(|one| (one + 1..operations.len()).map(move |other| (one, other)))
            .find(|&(one, other)| {
                let (one, other) = (&operations[one], &operations[other]);
                counts(one) && counts(other) && one.ended < other.began
            });
        prop_assume!(pair.is_some());
        if let Some((one, other)) = pair {
            let end = operations[one].end;
            operations[one].end = operations[other].end;
            operations[other].end = end;
        }
        prop_assert!(check(&operations, &executions).is_err());
    }
}
