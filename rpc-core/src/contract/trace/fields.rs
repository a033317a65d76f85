//! Which fields of structs may be missing, which names they have, and which structs refuse unknown ones.
//!
//! `Deserialize` alone knows, so each struct is given its fields by name: none at first, then those that it misses, one
//! more in each run. Those that are never missed may be missing. What cannot be found out counts as needed and refused,
//! so that no change passes for harmless because of it.

use std::collections::HashMap;

use serde::Deserialize;

use super::{
    super::{Field, Fields, NodeId},
    graph::{Ask, ContentAsk, Graph, TypeId},
    plan::Ways,
    probe::{Given, Outcome, Place, Probe},
    run::Run,
    setting::Setting,
};
use crate::unwind::caught;

/// A name that no field has.
const UNKNOWN: &str = "farcall: no field has this name";

/// What is known of the fields of structs and of the names of variants.
#[derive(Debug, Default)]
pub(super) struct Known {
    structs: HashMap<Place, Members>,
    /// Of enums in which variants have aliases.
    enums: HashMap<TypeId, Vec<Vec<&'static str>>>,
}

impl Known {
    pub(super) fn fields(&self, place: Place) -> Option<&Members> {
        self.structs.get(&place)
    }

    /// The names of each variant, if they are not just those that the enum asks for.
    pub(super) fn variants(&self, of: TypeId) -> Option<&[Vec<&'static str>]> {
        self.enums.get(&of).map(Vec::as_slice)
    }
}

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
pub(super) fn known<'de, T: Deserialize<'de>>(graph: &Graph, setting: &Setting<'_>, runs: usize) -> Known {
    let (structs, enums) = (graph.structs(), graph.enums_with_aliases());
    if structs.is_empty() && enums.is_empty() {
        return Known::default();
    }
    let ways = graph.all_ways();
    let mut prober = Prober {
        // What a type refuses from now on is not to change its shape.
        graph: graph.clone(),
        ways,
        runs,
        run: &|graph, probe, ways| run_once::<T>(graph, setting, probe, ways),
    };
    let structs = structs
        .into_iter()
        .map(|(place, names, width)| (place, prober.members(place, names, width)));
    let structs = structs.collect();
    let enums = enums.into_iter();
    let enums = enums.filter_map(|(of, names)| Some((of, prober.variants(of, names)?)));
    Known {
        structs,
        enums: enums.collect(),
    }
}

/// The only part that is compiled for each type.
fn run_once<'de, T: Deserialize<'de>>(graph: &mut Graph, setting: &Setting<'_>, probe: Probe, ways: &Ways) -> Outcome {
    let goal = ways.to(probe.place());
    let mut run = Run::new(graph, setting, goal);
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
        self.outcome_of(Probe::new(place, given))
    }

    fn outcome_of(&mut self, probe: Probe) -> Option<Outcome> {
        self.runs = self.runs.checked_sub(1)?;
        Some((self.run)(&mut self.graph, probe, &self.ways))
    }

    /// The names of each variant, in the order of their numbers. serde lists the aliases among the variants, and those
    /// that are too many have no number: they were reached by name.
    fn variants(&mut self, of: TypeId, names: &[&'static str]) -> Option<Vec<Vec<&'static str>>> {
        let kinds: Vec<_> = {
            let variants = self.graph.types[of].variants.iter();
            let by_number = variants.take_while(|variant| !variant.by_name);
            by_number.map(|variant| variant.kind).collect::<Option<_>>()?
        };
        let mut variants = vec![Vec::new(); kinds.len()];
        for (place, &name) in names.iter().enumerate() {
            let variant = &self.graph.types[of].variants[place];
            let kind = match variant.kind {
                Some(kind) if variant.by_name => kind,
                _ => match self.outcome_of(Probe::of_name((of, Some(place))))? {
                    Outcome::Chosen(kind) => kind,
                    _ => return None,
                },
            };
            variants[kinds.iter().position(|&other| other == kind)?].push(name);
        }
        let are_named = variants.iter().all(|names| !names.is_empty());
        are_named.then_some(variants)
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
    /// Enums in which some variants go by number and the last ones by name, with the names that they ask for.
    fn enums_with_aliases(&self) -> Vec<(TypeId, &'static [&'static str])> {
        let mut enums = Vec::new();
        for (id, of) in self.types.iter().enumerate() {
            let reached = of.variants.iter().all(|variant| variant.content.is_some());
            let by_name = of.variants.iter().map(|variant| variant.by_name);
            if let (Ask::Enum(_, names), true, true) = (of.key.ask, reached, by_name.is_sorted()) {
                let mixed = of.variants.first().is_some_and(|first| !first.by_name);
                if mixed && of.variants.last().is_some_and(|last| last.by_name) {
                    enums.push((id, names));
                }
            }
        }
        enums
    }

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
