//! Which fields of structs may be missing, which names they have, and which structs refuse unknown ones.
//!
//! `Deserialize` alone knows, so each struct is given its fields by name: none at first, then those that it misses, one
//! more in each run. Those that are never missed may be missing. What cannot be found out counts as needed and refused,
//! so that no change passes for harmless because of it.

use std::collections::HashMap;

use serde::Deserialize;

use super::{
    super::{Field, Fields, NodeId, Samples},
    graph::{Ask, ContentAsk, Graph},
    plan::Ways,
    probe::{Given, Outcome, Place, Probe},
    run::Run,
};
use crate::unwind::caught;

/// A name that no field has.
const UNKNOWN: &str = "farcall: no field has this name";

/// What is known of the fields of structs.
pub(super) type Known = HashMap<Place, Members>;

/// The fields of a struct, in the order of their places.
#[derive(Debug)]
pub(super) struct Members {
    fields: Vec<Member>,
    strict: bool,
}

#[derive(Debug)]
struct Member {
    name: &'static str,
    names: Vec<&'static str>,
    optional: bool,
}

impl Members {
    /// Where nothing is known but the names.
    fn unknown(names: &[&'static str]) -> Self {
        let member = |&name| Member {
            name,
            names: vec![name],
            optional: false,
        };
        Self {
            fields: names.iter().map(member).collect(),
            strict: true,
        }
    }

    /// With the nodes of the fields.
    pub(super) fn fields(&self, shapes: &[NodeId]) -> Fields {
        let fields = self.fields.iter().zip(shapes).map(|(of, &shape)| {
            let aliases = of.names.iter().filter(|&&name| name != of.name);
            Field {
                name: of.name.to_owned(),
                shape,
                optional: of.optional,
                aliases: aliases.map(|&name| name.to_owned()).collect(),
            }
        });
        Fields {
            list: fields.collect(),
            strict: self.strict,
        }
    }

    fn given(&self, member: usize) -> Given {
        Given {
            name: self.fields[member].names[0],
            part: Some(member),
        }
    }
}

/// Looks at each struct of a type in at most so many runs.
pub(super) fn known<'de, T: Deserialize<'de>>(
    graph: &Graph,
    samples: &Samples,
    human_readable: bool,
    runs: usize,
) -> Known {
    let structs = graph.structs();
    if structs.is_empty() {
        return Known::new();
    }
    let ways = graph.all_ways();
    let mut prober = Prober {
        // What a type refuses from now on is not to change its shape.
        graph: graph.clone(),
        ways,
        runs,
        run: &|graph, probe, ways| run_once::<T>(graph, samples, human_readable, probe, ways),
    };
    structs
        .into_iter()
        .map(|(place, names, width)| (place, prober.members(place, names, width)))
        .collect()
}

/// The only part that is compiled for each type.
fn run_once<'de, T: Deserialize<'de>>(
    graph: &mut Graph,
    samples: &Samples,
    human_readable: bool,
    probe: Probe,
    ways: &Ways,
) -> Outcome {
    let goal = ways.to(probe.place());
    let mut run = Run::new(graph, samples, human_readable, goal);
    run.probe = Some(probe);
    let _ = caught(|| run.whole::<T>().is_ok());
    run.probe.map_or(Outcome::Refused, |probe| probe.outcome())
}

type RunOnce<'a> = dyn Fn(&mut Graph, Probe, &Ways) -> Outcome + 'a;

struct Prober<'a> {
    graph: Graph,
    ways: Ways,
    /// How many are left.
    runs: usize,
    run: &'a RunOnce<'a>,
}

impl Prober<'_> {
    fn outcome(&mut self, place: Place, given: Vec<Given>) -> Option<Outcome> {
        self.runs = self.runs.checked_sub(1)?;
        Some((self.run)(&mut self.graph, Probe::new(place, given), &self.ways))
    }

    fn members(&mut self, place: Place, names: &[&'static str], width: usize) -> Members {
        let mut members = Members::unknown(names);
        if width < names.len() && !self.joins_aliases(place, &mut members, width) {
            return Members::unknown(&names[..width]);
        }
        self.find_optional(place, &mut members);
        let unknown = Given {
            name: UNKNOWN,
            part: None,
        };
        members.strict = self.outcome(place, vec![unknown]) != Some(Outcome::TakesUnknown);
        members
    }

    /// serde lists the names of all fields and their aliases. One after the other is given, and those that are refused
    /// for being there twice are names of the field before them.
    fn joins_aliases(&mut self, place: Place, members: &mut Members, width: usize) -> bool {
        while members.fields.len() > width {
            let given = (0..members.fields.len()).map(|member| members.given(member));
            let Some(Outcome::Twice(again, name)) = self.outcome(place, given.collect()) else {
                return false;
            };
            if again == 0 || again >= members.fields.len() {
                return false;
            }
            let alias = members.fields.remove(again);
            let field = &mut members.fields[again - 1];
            field.names.extend(alias.names);
            field.name = name;
        }
        members.fields.len() == width
    }

    fn find_optional(&mut self, place: Place, members: &mut Members) {
        let mut needed = vec![false; members.fields.len()];
        // Each run finds one more field that is needed, or is the last.
        for _ in 0..=needed.len() {
            let given = (0..needed.len())
                .filter(|&member| needed[member])
                .map(|member| members.given(member));
            let missing = match self.outcome(place, given.collect()) {
                Some(Outcome::Accepted) => {
                    for (field, needed) in members.fields.iter_mut().zip(needed) {
                        field.optional = !needed;
                    }
                    return;
                }
                Some(Outcome::Missing(name)) => members.fields.iter().position(|field| field.names.contains(&name)),
                Some(_) => None,
                None => return,
            };
            // A type that reads its fields by itself may say it in other words.
            let missing = missing.filter(|&member| !needed[member]);
            match missing.or_else(|| needed.iter().position(|needed| !needed)) {
                Some(member) => needed[member] = true,
                None => return,
            }
        }
    }
}

impl Graph {
    /// Each struct with the names that it asks for, and how many fields it takes.
    fn structs(&self) -> Vec<(Place, &'static [&'static str], usize)> {
        let mut structs = Vec::new();
        for (id, of) in self.types.iter().enumerate() {
            if let Ask::Struct(_, names) = of.key.ask {
                structs.push(((id, None), names, of.slots.len().min(names.len())));
            }
            for (index, variant) in of.variants.iter().enumerate() {
                if let Some(ContentAsk::Struct(names)) = variant.content {
                    structs.push(((id, Some(index)), names, variant.slots.len().min(names.len())));
                }
            }
        }
        structs
    }
}
