//! What a server offers.

use serde_json::json;

use crate::{
    cli::Server,
    contracts::Contracts,
    failure::Failure,
    output::{self, NAME, SIDE, clean, styled},
};

pub(super) async fn run(server: &Server, json: bool) -> Result<(), Failure> {
    let channel = server.connect().await?;
    let offered = Contracts::of(server, &channel).offered().await?;
    if json {
        for offered in &offered {
            let (service, instance) = (&offered.service, &offered.instance);
            output::json(&json!({
                "service": service,
                "instance": instance,
                "methods": offered.methods,
                "docs": offered.docs,
            }))?;
        }
        return Ok(());
    }
    let places: Vec<_> = offered
        .iter()
        .map(|offered| match &offered.instance {
            Some(instance) => clean(&format!("{} at /{instance}", offered.service)).into_owned(),
            None => clean(&offered.service).into_owned(),
        })
        .collect();
    let width = places
        .iter()
        .map(|place| place.chars().count())
        .max()
        .unwrap_or_default();
    for (offered, place) in offered.iter().zip(&places) {
        let methods = match offered.methods {
            1 => "1 method ".to_owned(),
            count => format!("{count} methods"),
        };
        let docs = offered.docs.lines().next().unwrap_or_default();
        let padded = format!("{place:width$}");
        let text = format!("{}  {methods:>10}  {}", styled(NAME, padded), styled(SIDE, clean(docs)));
        output::line(text.trim_end())?;
    }
    Ok(())
}
