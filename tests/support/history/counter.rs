//! Whether calls that count are the calls of one counter, which adds one for each of them at one moment between its
//! beginning and its end ("linearizability").
//!
//! The answers say the order of the calls, because each has another count. So no search is needed: a call that began
//! after another one had ended must have a greater count. A count that no answer has must be that of a call whose
//! caller knows nothing; such a call may have counted at any time after it began, also after its caller gave up.

use farcall::Outcome;

use super::{End, Operation};

struct Counted<'a> {
    count: u64,
    operation: &'a Operation,
}

/// What is wrong; nothing if no call counts.
pub(super) fn contradictions(operations: &[Operation]) -> Vec<String> {
    let mut counted: Vec<_> = operations.iter().filter_map(Counted::new).collect();
    counted.sort_unstable_by_key(|counted| counted.count);
    let mut broken = Vec::new();
    for pair in counted.windows(2) {
        if let [one, other] = pair
            && one.count == other.count
        {
            let (one, other, count) = (one.operation.call, other.operation.call, one.count);
            broken.push(format!("calls {one} and {other} both have the count {count}"));
        }
    }
    if counted.first().is_some_and(|first| first.count == 0) {
        broken.push("a count is 0, and the first one is 1".to_owned());
    }
    if broken.is_empty() {
        broken.extend(out_of_order(&counted));
        broken.extend(gap(&counted, operations));
    }
    broken
}

impl<'a> Counted<'a> {
    fn new(operation: &'a Operation) -> Option<Self> {
        match operation.end {
            End::Answered(Some(count)) => Some(Self { count, operation }),
            End::Answered(None) | End::Failed(_) => None,
        }
    }
}

/// A call with a lesser count that began after one with a greater count had ended.
fn out_of_order(counted: &[Counted<'_>]) -> Option<String> {
    let mut earliest: Option<&Counted<'_>> = None;
    for late in counted.iter().rev() {
        if let Some(early) = earliest.filter(|early| early.operation.ended < late.operation.began) {
            return Some(format!(
                "call {} has the count {} and had ended before call {} began, which has the count {}",
                early.operation.call, early.count, late.operation.call, late.count
            ));
        }
        let is_earlier = earliest.is_none_or(|early| late.operation.ended < early.operation.ended);
        earliest = if is_earlier { Some(late) } else { earliest };
    }
    None
}

/// A count that no answer has, and that no other call can have been given. The counts that are missing and the calls
/// that may have them are both taken in the order of their time: the count that has to be given first to the call that
/// began first.
fn gap(counted: &[Counted<'_>], operations: &[Operation]) -> Option<String> {
    let may_have_counted =
        |operation: &&Operation| matches!(operation.end, End::Failed(Outcome::Unknown | Outcome::Executed));
    let mut began: Vec<_> = operations
        .iter()
        .filter(may_have_counted)
        .map(|open| open.began)
        .collect();
    began.sort_unstable();
    let mut began = began.into_iter();
    let mut expected = 1;
    for (Counted { count, operation }, ends) in counted.iter().zip(earliest_ends(counted)) {
        for missing in expected..*count {
            // Whoever has it began before the first of those that counted more had ended.
            if began.next().is_none_or(|began| ends < began) {
                return Some(format!(
                    "call {} has the count {count}, and no call can have counted {missing} before",
                    operation.call
                ));
            }
        }
        expected = count + 1;
    }
    None
}

/// For each call when the first of it and those that counted more had ended.
fn earliest_ends(counted: &[Counted<'_>]) -> Vec<u64> {
    let mut ends: Vec<_> = counted.iter().map(|counted| counted.operation.ended).collect();
    for index in (1..ends.len()).rev() {
        ends[index - 1] = ends[index - 1].min(ends[index]);
    }
    ends
}
