//! References, from the message that carries them to the moment when there are none left.

use std::sync::Arc;

use super::pair::{Side, TestReference, object, pair, settle};
use crate::{
    Code, Error, Outcome, Service,
    driver::{Callee, Import},
    service::{Handler, Invocation, LocalObject, ServiceDescriptor},
};

async fn handed_over(from: &Side, to: &mut Side, object: &Arc<LocalObject>) -> Arc<Import> {
    from.send(&TestReference::Local(Arc::clone(object))).expect("sent");
    match to.received().await {
        TestReference::Import(import) => import,
        TestReference::Local(_) => panic!("it lives at the other end"),
    }
}

#[tokio::test]
async fn an_object_lives_until_the_last_reference_goes() {
    let (here, mut there) = pair();
    let (local, alive) = object();
    let first = handed_over(&here, &mut there, &local).await;
    let second = handed_over(&here, &mut there, &local).await;
    assert_eq!(first.object(), second.object(), "the same object has the same number");
    drop(local);
    drop(first);
    settle().await;
    assert!(alive.upgrade().is_some());
    assert!(here.link.lock().object(second.object()).is_some());
    drop(second);
    settle().await;
    assert!(alive.upgrade().is_none());
}

#[tokio::test]
async fn an_object_comes_home_as_itself() {
    let (mut here, mut there) = pair();
    let (local, alive) = object();
    let import = handed_over(&here, &mut there, &local).await;
    there.send(&TestReference::Import(import)).expect("sent");
    let TestReference::Local(returned) = here.received().await else {
        panic!("it lives here");
    };
    assert!(Arc::ptr_eq(&returned, &local));
    drop((local, returned));
    settle().await;
    assert!(
        alive.upgrade().is_none(),
        "the reference that came back with it is gone"
    );
}

#[tokio::test]
async fn a_call_that_is_followed_by_the_release_finds_its_object() {
    let (mut here, mut there) = pair();
    let (local, alive) = object();
    let import = handed_over(&here, &mut there, &local).await;
    drop(local);
    there.call(Some(&import), &7_u32).expect("sent");
    drop(import);
    let request = here.request().await;
    settle().await;
    assert!(matches!(request.callee, Callee::Object(Some(_))));
    drop(request);
    assert!(alive.upgrade().is_none());
}

/// Its destructor panics.
struct Brittle;

impl Drop for Brittle {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

impl Service for Brittle {
    fn descriptor(&self) -> &'static ServiceDescriptor {
        static BRITTLE: ServiceDescriptor = ServiceDescriptor::new("Brittle", &[]);
        &BRITTLE
    }

    fn dispatch(&self, _: usize, _: Invocation) -> Handler {
        Box::pin(async { Err(Error::unimplemented("no methods")) })
    }
}

/// The last owner of an object may be the connection, with a call that came just before the object's release and is
/// refused.
#[tokio::test]
async fn an_object_that_panics_when_it_is_dropped_ends_no_connection() {
    let (mut here, mut there) = pair();
    for refused in [false, true] {
        let import = handed_over(&here, &mut there, &LocalObject::new(Arc::new(Brittle))).await;
        if refused {
            here.requests.close();
            there.call(Some(&import), &7_u32).expect("sent");
        }
        drop(import);
        settle().await;
        assert!(!here.driver.is_finished(), "refused: {refused}");
    }
}

#[tokio::test]
async fn a_reference_that_nobody_claims_goes_back() {
    let (here, mut there) = pair();
    let (local, alive) = object();
    here.send(&TestReference::Local(local)).expect("sent");
    drop(there.request().await);
    settle().await;
    assert!(alive.upgrade().is_none());
}

#[tokio::test]
async fn an_object_behind_another_connection_does_not_travel() {
    let (here, mut there) = pair();
    let (other, _away) = pair();
    let (local, _) = object();
    let import = handed_over(&here, &mut there, &local).await;
    let (mine, alive) = object();
    let error = other
        .send(&(TestReference::Local(mine), TestReference::Import(import)))
        .unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::FailedPrecondition, Outcome::NotExecuted)
    );
    assert!(error.message().contains("from another connection"), "{error}");
    assert!(
        alive.upgrade().is_none(),
        "what came before it in the message was taken back"
    );
}

#[tokio::test]
async fn a_result_that_cannot_travel_is_a_failure_of_the_call() {
    let (here, mut there) = pair();
    let (other, mut away) = pair();
    let (local, _) = object();
    other.send(&TestReference::Local(local)).expect("sent");
    let import: TestReference = away.received().await;
    let call = here.send(&()).expect("sent");
    let request = there.request().await;
    there.reply(request.call, &import);
    let error = here.answer::<TestReference>(call).await.err().expect("no result");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::FailedPrecondition, Outcome::Executed)
    );
}

#[tokio::test]
async fn the_end_of_the_connection_lets_every_object_go() {
    let (here, mut there) = pair();
    let (local, alive) = object();
    let import = handed_over(&here, &mut there, &local).await;
    drop(local);
    here.cut();
    settle().await;
    assert!(alive.upgrade().is_none());
    let error = there.call(Some(&import), &()).unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
}

#[tokio::test]
async fn whoever_has_a_reference_keeps_the_connection() {
    let (here, mut there) = pair();
    let (local, _) = object();
    let import = handed_over(&here, &mut there, &local).await;
    there.reply(0, &());
    there.link.finish();
    settle().await;
    assert!(!there.driver.is_finished() && !here.driver.is_finished());
    there.call(Some(&import), &()).expect("it is the reference that counts");
    drop(import);
    settle().await;
    assert!(!there.driver.is_finished(), "the call goes on");
    let mut here = here;
    let request = here.request().await;
    here.reply(request.call, &());
    there.answer::<()>(0).await.expect("answered");
    tokio::time::timeout(std::time::Duration::from_secs(5), there.driver)
        .await
        .expect("the last one has gone")
        .expect("its end");
}
