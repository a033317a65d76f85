//! A service as a Rust trait.

use serde_json::json;

use crate::{
    cli::{Server, Source},
    contracts::{Contracts, Known},
    failure::Failure,
    output, render,
};

pub(super) async fn run(server: &Server, name: Option<&str>, source: &Source, json: bool) -> Result<(), Failure> {
    // A contract from a file needs no server.
    let channel = server.lazily()?;
    let contracts = Contracts::new(server, &channel, source)?;
    if let Some(name) = name {
        let (known, method) = contracts.named(name).await?;
        return show(server, &known, method.as_deref(), json);
    }
    let mut first = true;
    for offered in contracts.offered().await? {
        if offered.service == farcall::reflection::SERVICE || offered.instance.as_deref() != server.instance() {
            continue;
        }
        if !std::mem::take(&mut first) && !json {
            output::line("")?;
        }
        let known = contracts
            .reflected(&offered.service, offered.instance.as_deref())
            .await?;
        show(server, &known, None, json)?;
    }
    Ok(())
}

fn show(server: &Server, known: &Known, method: Option<&str>, json: bool) -> Result<(), Failure> {
    if json {
        let Known {
            contract,
            docs,
            method_docs,
        } = known;
        output::json(&json!({ "contract": contract, "docs": docs, "method_docs": method_docs }))?;
        return Ok(());
    }
    let text = render::service(known, method);
    output::line(text.trim_end())?;
    let example = method.and_then(|method| render::example(&known.contract, method));
    if let (Some(arguments), Some(method)) = (example, method) {
        let (address, service) = (&server.address, known.contract.service());
        let call = format!("// farcall call {address} {service}.{method} '{arguments}'");
        output::line(format!("\n{}", output::styled(output::SIDE, call)))?;
    }
    Ok(())
}
