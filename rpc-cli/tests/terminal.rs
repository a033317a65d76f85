//! The program on a terminal: colours, and a bar that grows.

use std::{error::Error, process::Command, time::Duration};

use expectrl::{Eof, Expect, Regex, session::OsSession};

use crate::{
    program::PROGRAM,
    service::{serve, services},
};

type Tested = Result<(), Box<dyn Error + Send + Sync>>;

fn on_a_terminal(arguments: &[&str], color: bool) -> Result<OsSession, expectrl::Error> {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .env_remove("CI");
    if !color {
        command.env("NO_COLOR", "1");
    }
    let mut session = OsSession::spawn(command)?;
    session.set_expect_timeout(Some(Duration::from_secs(30)));
    Ok(session)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_sees_colours_and_the_bar() -> Tested {
    let (_server, address) = serve(services()).await?;
    let seen = tokio::task::spawn_blocking(move || -> Tested {
        let mut session = on_a_terminal(&["ls", &address], true)?;
        session.expect("\x1b[1mInventory")?;
        session.expect(Eof)?;

        let mut session = on_a_terminal(&["ls", &address], false)?;
        let all = session.expect(Eof)?;
        let text = String::from_utf8_lossy(all.as_bytes()).into_owned();
        assert!(text.contains("Inventory") && !text.contains('\x1b'), "{text:?}");

        let bench = ["bench", &address, "Inventory.next", "--duration", "500ms"];
        let mut session = on_a_terminal(&bench, true)?;
        session.expect(Regex("█.*[0-9]+%.*answers, 0 errors"))?;
        session.expect("p99.9")?;
        session.expect("\x1b[36m█")?;
        session.expect(Eof)?;
        Ok(())
    });
    seen.await?
}
