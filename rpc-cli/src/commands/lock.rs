//! A contract as a file.

use std::{fs, path::Path};

use crate::{cli::Server, contracts::Contracts, failure::Failure, output};

pub(super) async fn run(server: &Server, service: &str, to: &Path) -> Result<(), Failure> {
    let channel = server.connect().await?;
    let known = Contracts::of(server, &channel).service(service).await?;
    let text = known.contract.to_string();
    if to == Path::new("-") {
        return Ok(output::line(text.trim_end())?);
    }
    let shown = to.display();
    fs::write(to, text).map_err(|error| {
        Failure::Local(format!(
            "`{shown}` cannot be written: {error}; does its directory exist?"
        ))
    })?;
    output::note(format!("wrote {shown}"));
    Ok(())
}
