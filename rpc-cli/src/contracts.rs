//! Where contracts come from: the server's reflection, or a file.

use std::{collections::BTreeMap, fs, path::Path};

use farcall::{
    Channel, Code, Error,
    contract::{Contract, FormatKind, InvalidContract, MethodContract},
    reflection::{Description, Offered, ReflectionClient},
};

use crate::{
    cli::{Server, Source},
    dynamic::{Method, Service},
    failure::Failure,
    output::clean,
};

/// A contract, and the docs if the server told them.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) contract: Contract,
    pub(crate) docs: String,
    pub(crate) method_docs: BTreeMap<String, String>,
}

impl TryFrom<Description> for Known {
    type Error = Failure;

    /// No program has names that a terminal would take for commands; docs may have anything.
    fn try_from(told: Description) -> Result<Self, Failure> {
        // JSON writes control characters as `\u00…`.
        let names = serde_json::to_string(&told.contract).unwrap_or_default();
        if names.contains("\\u00") || names.contains(char::is_control) {
            let text = "the server told a contract with control characters in its names, which this program refuses";
            return Err(Failure::Call(Error::data_loss(text)));
        }
        let cleaned = |(name, docs): (String, String)| (name, clean(&docs).into_owned());
        Ok(Self {
            contract: told.contract,
            docs: clean(&told.docs).into_owned(),
            method_docs: told.method_docs.into_iter().map(cleaned).collect(),
        })
    }
}

/// What is known of a server's services.
#[derive(Debug)]
pub(crate) struct Contracts<'a> {
    server: &'a Server,
    reflection: ReflectionClient,
    file: Option<Contract>,
}

impl<'a> Contracts<'a> {
    pub(crate) fn new(server: &'a Server, channel: &Channel, source: &Source) -> Result<Self, Failure> {
        Ok(Self {
            server,
            reflection: server.limited(ReflectionClient::new(channel.with_instance(None))),
            file: source.contract.as_deref().map(read).transpose()?,
        })
    }

    /// By reflection only.
    pub(crate) fn of(server: &'a Server, channel: &Channel) -> Self {
        Self {
            server,
            reflection: server.limited(ReflectionClient::new(channel.with_instance(None))),
            file: None,
        }
    }

    pub(crate) async fn offered(&self) -> Result<Vec<Offered>, Failure> {
        self.reflection.services().await.map_err(unreflected)
    }

    /// The service with this name.
    pub(crate) async fn service(&self, name: &str) -> Result<Known, Failure> {
        match &self.file {
            Some(contract) if contract.service() == name => Ok(Known {
                contract: contract.clone(),
                docs: String::new(),
                method_docs: BTreeMap::new(),
            }),
            Some(contract) => {
                let has = contract.service();
                Err(Failure::Usage(format!(
                    "the contract in the file is of `{has}`, not of `{name}`"
                )))
            }
            None => self.reflected(name, self.server.instance()).await,
        }
    }

    pub(crate) async fn reflected(&self, name: &str, instance: Option<&str>) -> Result<Known, Failure> {
        let told = self.reflection.describe(name, instance).await;
        told.map_err(unreflected)?.try_into()
    }

    /// `SERVICE` or `SERVICE.METHOD`; names of services may have dots.
    pub(crate) async fn named(&self, name: &str) -> Result<(Known, Option<String>), Failure> {
        let whole = match self.service(name).await {
            Ok(known) => return Ok((known, None)),
            Err(failure) => failure,
        };
        let is_unknown = matches!(&whole, Failure::Usage(_)) || is_not_found(&whole);
        match name.rsplit_once('.') {
            Some((service, method)) if is_unknown => {
                let known = self.service(service).await?;
                method_of(&known.contract, method)?;
                Ok((known, Some(method.to_owned())))
            }
            _ => Err(whole),
        }
    }

    /// `SERVICE.METHOD`, ready to be called.
    pub(crate) async fn method(&self, name: &str) -> Result<Method, Failure> {
        let Some((service, method)) = name.rsplit_once('.') else {
            return Err(Failure::Usage(format!(
                "`{name}` is no method: write SERVICE.METHOD, such as Inventory.stock"
            )));
        };
        let known = self.service(service).await?;
        let contract = method_of(&known.contract, method)?;
        Service::new(&known.contract)
            .method(contract, FormatKind::of(self.server.format))
            .ok_or_else(|| Failure::Usage(format!("the contract of `{name}` is not the one of a method")))
    }
}

fn is_not_found(failure: &Failure) -> bool {
    matches!(failure, Failure::Call(error) if error.code() == Code::NotFound)
}

fn method_of<'a>(contract: &'a Contract, name: &str) -> Result<&'a MethodContract, Failure> {
    contract.method(name).ok_or_else(|| {
        let service = contract.service();
        let names: Vec<_> = contract.methods().iter().map(MethodContract::name).collect();
        let names = names.join(", ");
        Failure::Usage(format!("`{service}` has no method `{name}`; it has: {names}"))
    })
}

/// A server without reflection does not know its method.
fn unreflected(error: Error) -> Failure {
    if error.code() != Code::Unimplemented {
        return Failure::Call(error);
    }
    let text = "the server does not tell what it offers: start it with `Server::reflection` (feature `reflection`), \
        or give the contract with `--contract FILE`";
    Failure::Call(Error::new(Code::Unimplemented, text).with_outcome(error.outcome()))
}

/// The contract in a file.
pub(crate) fn read(path: &Path) -> Result<Contract, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::Local(format!("`{shown}` cannot be read: {error}; is that the right file?")))?;
    text.parse().map_err(|error: InvalidContract| {
        Failure::Local(format!(
            "`{shown}` has no contract: {error}; `farcall lock ADDRESS SERVICE` writes one"
        ))
    })
}
