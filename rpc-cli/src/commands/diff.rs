//! Where contracts differ.

use std::path::Path;

use farcall::{Address, contract::Contract};

use crate::{
    cli::Server,
    contracts::{Contracts, read},
    failure::Failure,
    output::{self, NAME, styled},
};

pub(super) async fn run(server: &Server, other: &str, service: Option<&str>) -> Result<(), Failure> {
    let here = all(server, service).await?;
    let there = match other.parse::<Address>() {
        Ok(address) => {
            let other = Server {
                address,
                ..server.clone()
            };
            all(&other, service).await?
        }
        Err(_) if other.contains("://") => {
            return Err(Failure::Usage(format!("`{other}` is neither an address nor a file")));
        }
        Err(_) => vec![read(Path::new(other))?],
    };
    let is_file = there.len() == 1 && !other.contains("://");
    let mut differs = false;
    for contract in &here {
        match there.iter().find(|there| there.service() == contract.service()) {
            Some(there) => differs |= compare(contract, there)?,
            // A file has one service; the others are not meant.
            None if is_file => {}
            None => differs |= only(contract, "the first")?,
        }
    }
    for contract in &there {
        if here.iter().all(|here| here.service() != contract.service()) {
            differs |= only(contract, "the second")?;
        }
    }
    if differs {
        return Err(Failure::Negative);
    }
    Ok(output::line("the contracts are equal")?)
}

/// The contracts of the services that clients of this address reach.
async fn all(server: &Server, service: Option<&str>) -> Result<Vec<Contract>, Failure> {
    let channel = server.connect().await?;
    let contracts = Contracts::of(server, &channel);
    if let Some(service) = service {
        return Ok(vec![contracts.service(service).await?.contract]);
    }
    let mut found = Vec::new();
    for offered in contracts.offered().await? {
        if offered.service != farcall::reflection::SERVICE && offered.instance.as_deref() == server.instance() {
            found.push(contracts.service(&offered.service).await?.contract);
        }
    }
    Ok(found)
}

/// The first is the old one.
fn compare(old: &Contract, new: &Contract) -> Result<bool, Failure> {
    let change = old.change_to(new);
    if change.is_empty() {
        return Ok(false);
    }
    output::line(change.to_string().trim_end())?;
    Ok(true)
}

fn only(contract: &Contract, which: &str) -> Result<bool, Failure> {
    output::line(format!("{}\n  only {which} has it", styled(NAME, contract.service())))?;
    Ok(true)
}
