//! Each new value.

use std::time::Duration;

use serde_json::Value;

use super::call::{Answered, Calling};
use crate::{
    cli::Target,
    dynamic::{Came, Reply},
    failure::Failure,
    output,
};

pub(super) async fn run(target: &Target, interval: Duration) -> Result<(), Failure> {
    let calling = Calling::new(target).await?;
    let mut seen = None;
    loop {
        let Answered { reply, mut feeding, .. } = calling.call().await?;
        match reply {
            Reply::Value(Came(value)) => print(&mut seen, value)?,
            Reply::Items(items) => {
                let each = |value| print(&mut seen, value);
                return feeding.during(items, &calling.method, each).await;
            }
            Reply::Watched(mut watched) => loop {
                print(&mut seen, watched.latest().0.clone())?;
                watched.changed().await?;
            },
        }
        tokio::time::sleep(interval).await;
    }
}

/// Prints a value if it is another one than before.
fn print(seen: &mut Option<Value>, value: Value) -> Result<(), Failure> {
    if seen.as_ref() != Some(&value) {
        output::json(&value)?;
        *seen = Some(value);
    }
    Ok(())
}
