//! A token that is given to the program is in nothing that it prints.

use std::error::Error;

use farcall::{
    Server,
    auth::{BearerToken, Callers, Grant, Principal, Rules},
};

use crate::{
    program::farcall,
    service::{serve, services},
};

const SECRET: &str = "hunter2-9f86d081";

fn guarded(server: Server) -> Server {
    server
        .verify_tokens(async |token: BearerToken| match token.secret() {
            SECRET => Ok(Principal::new("ada")),
            other => Err(farcall::Error::unauthenticated(format!("`{other}` is not known"))),
        })
        .authorize(Rules::new().allow(Callers::known(), Grant::everything()))
}

#[tokio::test]
async fn no_command_prints_the_token() -> Result<(), Box<dyn Error>> {
    let (_server, address) = serve(guarded(services())).await?;
    for (token, status) in [(SECRET.to_owned(), 0), (format!("{SECRET}-wrong"), 26)] {
        let metadata = format!("authorization=Bearer {token}");
        let apple = r#"{"sku":"apple"}"#;
        let commands: [&[&str]; 6] = [
            &["ls", &address],
            &["describe", &address],
            &["call", &address, "Inventory.stock", apple],
            &["bench", &address, "Inventory.stock", apple, "--count", "3"],
            &["lock", &address, "Inventory"],
            &["call", &address, "Inventory.nothing"],
        ];
        for command in commands {
            let said = farcall([command, &["--metadata", &metadata]].concat()).await?;
            let all = format!("{said:?}");
            assert!(!all.contains(&token), "{command:?} prints the token");
            if command[0] == "call" && command[2] == "Inventory.stock" {
                assert_eq!(said.status, status, "{all}");
            }
        }
        // Neither does a mistake in the option.
        for wrong in ["authorization-bin=", "Authorization: Bearer ", "authorization"] {
            let (status, text) = farcall(["ls", &address, "--metadata", &format!("{wrong}{token}!=")])
                .await?
                .bad();
            assert_eq!(status, 2);
            assert!(!text.contains(&token), "{wrong}: {text}");
        }
    }
    Ok(())
}
