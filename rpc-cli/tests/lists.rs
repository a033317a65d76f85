//! What `ls` and `describe` print.

use std::error::Error;

use farcall::Server;

use crate::{
    program::farcall,
    service::{serve, services},
};

type Tested = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn services_are_listed() -> Tested {
    let (_server, address) = serve(services()).await?;
    insta::assert_snapshot!(farcall(["ls", &address]).await?.good());
    let json = farcall(["ls", &address, "--json"]).await?.good();
    assert_eq!(
        json.lines().nth(1),
        Some(
            r#"{"service":"Inventory","instance":"eu","methods":9,"docs":"Stock of one warehouse.\n\nIt has shelves."}"#
        )
    );
    Ok(())
}

#[tokio::test]
async fn services_are_described_as_traits() -> Tested {
    let (_server, address) = serve(services()).await?;
    insta::assert_snapshot!(farcall(["describe", &address]).await?.good());
    Ok(())
}

#[tokio::test]
async fn a_method_is_described_with_its_types_and_a_call() -> Tested {
    let (_server, address) = serve(services()).await?;
    let said = farcall(["describe", &address, "Inventory.order"]).await?.good();
    insta::assert_snapshot!(said.replace(&address, "tcp://ADDRESS"));
    // The call that it ends with is one that works.
    let arguments = said
        .rsplit_once(" '")
        .and_then(|(_, rest)| rest.trim_end().strip_suffix('\''))
        .ok_or("a call")?;
    let called = farcall(["call", &address, "Inventory.order", arguments]).await?.good();
    assert!(called.contains("\"number\":0"), "{called}");
    let whole = farcall(["describe", &address, "test.Numbers"]).await?.good();
    assert!(
        whole.contains("#[farcall::service(name = \"test.Numbers\")]"),
        "{whole}"
    );
    Ok(())
}

#[tokio::test]
async fn output_has_colours_only_where_they_are_asked_for() -> Tested {
    let (_server, address) = serve(services()).await?;
    assert!(!farcall(["ls", &address]).await?.good().contains('\x1b'));
    assert!(
        farcall(["ls", &address, "--color", "always"])
            .await?
            .good()
            .contains('\x1b')
    );
    Ok(())
}

/// Clears the screen.
mod hostile {
    #[doc = "\x1b[2Jdocs"]
    #[farcall::service]
    pub(super) trait Screen {
        async fn clear(&self) -> farcall::Result<String>;
        async fn fail(&self) -> farcall::Result<()>;
    }

    pub(super) struct Clearing;

    impl Screen for Clearing {
        async fn clear(&self) -> farcall::Result<String> {
            Ok("\x1b[2J\u{9b}2J".to_owned())
        }

        async fn fail(&self) -> farcall::Result<()> {
            Err(farcall::Error::aborted("\x1b[2J"))
        }
    }
}

#[tokio::test]
async fn a_server_gives_no_commands_to_the_terminal() -> Tested {
    let screen = hostile::ScreenServer::new(hostile::Clearing);
    let (_server, address) = serve(Server::new().service(screen).reflection()).await?;
    let commands = [
        &["ls", &address][..],
        &["describe", &address],
        &["call", &address, "Screen.clear"],
        &["call", &address, "Screen.fail"],
        &["bench", &address, "Screen.fail", "--count", "1"],
    ];
    for command in commands {
        let ran = farcall(command).await?;
        let text = ran.out + &ran.err;
        assert!(text.contains("2J"), "{text:?}");
        assert!(!text.contains(['\x1b', '\u{9b}']), "{text:?}");
    }
    Ok(())
}

#[tokio::test]
async fn shells_are_given_completions() -> Tested {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            farcall(["completions", shell]).await?.good().contains("describe"),
            "{shell}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn wrong_command_lines_say_what_to_write() -> Tested {
    let cases = [
        (&["call", "localhost"][..], "write `tcp://host:port`"),
        (
            &["call", "tcp://localhost:1", "A.b", "--timeout", "5"],
            "write a time such as 5s or 300ms, or none",
        ),
        (
            &["call", "tcp://localhost:1", "A.b", "--format", "xml"],
            "this program has the formats bincode",
        ),
        (&["call", "tcp://localhost:1", "A.b", "-m", "x"], "write KEY=VALUE"),
        (
            &["bench", "tcp://localhost:1", "A.b", "--rate", "0"],
            "from 0.001 to 10000000",
        ),
    ];
    for (arguments, expected) in cases {
        let (status, text) = farcall(arguments).await?.bad();
        assert_eq!(status, 2);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(expected), "{text}");
    }
    Ok(())
}
