//! What a change of a contract breaks.

use std::fmt;

use super::{
    Change, Compatibility, Contract, Difference, FormatKind, MethodContract, Note,
    compatibility::{Sides, between},
    text::quoted,
};

/// What becomes of peers with the old contract when a service gets a new one: where the two differ, and whom that
/// breaks in each kind of format. Its `Display` is for people.
///
/// ```
/// use farcall::contract::FormatKind;
///
/// mod old {
///     #[farcall::service]
///     pub trait Inventory {
///         async fn stock(&self, sku: String) -> farcall::Result<u32>;
///     }
/// }
///
/// mod new {
///     #[farcall::service]
///     pub trait Inventory {
///         async fn stock(&self, sku: String, shelf: Option<u8>) -> farcall::Result<u32>;
///     }
/// }
///
/// let change = old::InventoryClient::contract().change_to(&new::InventoryClient::contract());
/// assert!(change.impact(FormatKind::Positional).breaks_old_clients());
/// assert!(!change.impact(FormatKind::NamedBinary).breaks_anybody());
/// println!("{change}");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ContractChange {
    service: String,
    differences: Vec<Difference>,
    impacts: [Impact; FormatKind::ALL.len()],
}

/// What a change does in one kind of format.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Impact {
    /// The kind of format.
    pub kind: FormatKind,
    /// What happens when old clients call new servers.
    pub old_clients: Vec<Note>,
    /// What happens when new clients call old servers.
    pub old_servers: Vec<Note>,
}

impl Contract {
    /// What a change from this contract to a new one breaks.
    pub fn change_to(&self, new: &Self) -> ContractChange {
        ContractChange {
            service: self.service().to_owned(),
            differences: self.differences(new),
            impacts: FormatKind::ALL.map(|kind| Impact {
                kind,
                old_clients: calls(self, new, kind, ["an old client", "a new server"]),
                old_servers: calls(new, self, kind, ["a new client", "an old server"]),
            }),
        }
    }
}

/// What happens when a client with one contract calls a server with the other one.
fn calls(client: &Contract, server: &Contract, kind: FormatKind, sides: Sides) -> Vec<Note> {
    if client.service() != server.service() {
        let name = quoted(client.service());
        return vec![breaking("", format!("{} has no service `{name}`", sides[1]))];
    }
    let mut notes = Vec::new();
    for method in client.methods() {
        match server.method(method.name()) {
            Some(other) => notes.extend(call(method, other, kind, sides)),
            None => notes.push(breaking(
                method.name(),
                format!("{} lacks the method: calls of it fail as unimplemented", sides[1]),
            )),
        }
    }
    notes.sort_by_key(|note| std::cmp::Reverse(note.compatibility));
    notes
}

fn call(caller: &MethodContract, callee: &MethodContract, kind: FormatKind, sides: Sides) -> Vec<Note> {
    let verdict = between(caller.types_in(kind), callee.types_in(kind), kind, sides);
    if !kind.is_named() && verdict.compatibility.breaks() {
        let text = "its types have changed, so calls of it are refused".to_owned();
        return vec![breaking(caller.name(), text)];
    }
    let named = verdict.notes.into_iter().map(|note| Note {
        method: caller.name().to_owned(),
        ..note
    });
    named.collect()
}

fn breaking(method: &str, text: String) -> Note {
    Note {
        method: method.to_owned(),
        path: String::new(),
        compatibility: Compatibility::Incompatible,
        text,
    }
}

impl ContractChange {
    /// Whether there is no change.
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// Where the old contract, as this side, and the new one differ.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// What it does in each kind of format.
    pub fn impacts(&self) -> &[Impact] {
        &self.impacts
    }

    /// What it does in this kind of format.
    pub fn impact(&self, kind: FormatKind) -> &Impact {
        &self.impacts[kind as usize]
    }
}

impl Impact {
    /// Whether calls of old clients fail that did not fail before.
    pub fn breaks_old_clients(&self) -> bool {
        breaks(&self.old_clients)
    }

    /// Whether calls of new clients fail at old servers. A new method does, once it is called.
    pub fn breaks_old_servers(&self) -> bool {
        breaks(&self.old_servers)
    }

    /// Whether one of both is so.
    pub fn breaks_anybody(&self) -> bool {
        self.breaks_old_clients() || self.breaks_old_servers()
    }

    /// In a few words.
    fn summary(&self) -> &'static str {
        match (self.breaks_old_clients(), self.breaks_old_servers()) {
            (true, true) => "breaks old clients and old servers",
            (true, false) => "breaks old clients",
            (false, true) => "breaks old servers",
            (false, false) => "breaks nobody",
        }
    }

    /// The reasons, and then what a peer does not see.
    fn lines(&self) -> String {
        let mut lines = String::new();
        for note in self.old_clients.iter().chain(&self.old_servers) {
            let method = match &*note.method {
                "" => String::new(),
                method => format!("`{}`: ", quoted(method)),
            };
            let place = match &*note.path {
                "" => note.text.clone(),
                _ => note.to_string(),
            };
            let kind = if note.compatibility.breaks() {
                "breaks"
            } else {
                "harmless"
            };
            let line = format!("  {kind}: {method}{place}\n");
            if !lines.contains(&line) {
                lines += &line;
            }
        }
        lines
    }
}

fn breaks(notes: &[Note]) -> bool {
    notes.iter().any(|note| note.compatibility.breaks())
}

/// The differences, and then the verdict for each kind of format, where those that are alike stand together.
impl fmt::Display for ContractChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = quoted(&self.service);
        if self.is_empty() {
            return writeln!(f, "the contract of `{service}` has not changed");
        }
        writeln!(f, "the contract of `{service}` has changed:")?;
        for difference in &self.differences {
            let (place, change) = (difference.place_in_service(), in_time(difference));
            writeln!(f, "  {place}: {change}")?;
        }
        let mut rest = &self.impacts[..];
        while let [first, others @ ..] = rest {
            let alike = |other: &&Impact| other.summary() == first.summary() && other.lines() == first.lines();
            let count = others.iter().take_while(alike).count();
            let names: Vec<_> = rest[..=count].iter().map(|impact| impact.kind.to_string()).collect();
            write!(f, "{}: {}\n{}", names.join(", "), first.summary(), first.lines())?;
            rest = &others[count..];
        }
        Ok(())
    }
}

/// A difference as a change from the old contract to the new one.
fn in_time(difference: &Difference) -> String {
    let (old, new) = (&difference.here, &difference.there);
    match difference.change {
        Change::Type => format!("the type was `{old}` and is `{new}`"),
        Change::Order => format!("the order was {old} and is {new}"),
        Change::Added if new.is_empty() => "added".to_owned(),
        Change::Added => format!("added ({new})"),
        Change::Removed if old.is_empty() => "removed".to_owned(),
        Change::Removed => format!("removed ({old})"),
        Change::Renamed => format!("the name was `{old}` and is `{new}`"),
        Change::Tolerance => format!("{old} before, {new} now"),
        Change::Policy => format!("it was {old} and is {new}"),
    }
}
