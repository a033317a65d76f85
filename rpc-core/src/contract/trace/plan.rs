//! Where to go next, and how values are made on the way.

use std::collections::VecDeque;

use super::graph::{Ask, ContentAsk, Graph, ROOT, SlotId, Target, TypeId, UNKNOWN, VariantType};

/// A place to go to, and the way.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) target: Target,
    /// The types on the way, from the whole on.
    pub(super) steps: VecDeque<(TypeId, Step)>,
    pub(super) heights: Vec<u32>,
}

/// The variant to choose in a type on the way, if it is an enum.
type Step = Option<usize>;

/// The type before one on the way, and what to do in it.
type Before = Option<(TypeId, Step)>;

impl Graph {
    /// The nearest place that can be reached and of which nothing is known.
    pub(super) fn goal(&self) -> Option<Goal> {
        let heights = self.heights();
        let mut before: Vec<Option<Before>> = vec![None; self.types.len()];
        let mut next = VecDeque::new();
        let Some(root) = self.slots[ROOT].of else {
            let steps = VecDeque::new();
            let target = Target::Slot(ROOT);
            return (!self.slots[ROOT].closed).then_some(Goal { target, steps, heights });
        };
        before[root] = Some(None);
        next.push_back(root);
        while let Some(of) = next.pop_front() {
            for (target, step) in self.ways(of, &heights) {
                let part = match target {
                    Target::Slot(slot) if self.slots[slot].closed => continue,
                    Target::Slot(slot) => self.slots[slot].of,
                    Target::Variant(..) => None,
                };
                let Some(part) = part else {
                    let steps = way(&before, of, step);
                    return Some(Goal { target, steps, heights });
                };
                if before[part].is_none() {
                    before[part] = Some(Some((of, step)));
                    next.push_back(part);
                }
            }
        }
        None
    }

    /// The ways to all types.
    pub(super) fn all_ways(&self) -> Ways {
        let heights = self.heights();
        let mut before: Vec<Option<Before>> = vec![None; self.types.len()];
        let mut next = VecDeque::new();
        if let Some(root) = self.slots[ROOT].of {
            before[root] = Some(None);
            next.push_back(root);
        }
        while let Some(of) = next.pop_front() {
            for (target, step) in self.ways(of, &heights) {
                let Target::Slot(slot) = target else { continue };
                let part = self.slots[slot].of.filter(|_| !self.slots[slot].closed);
                if let Some(part) = part.filter(|&part| before[part].is_none()) {
                    before[part] = Some(Some((of, step)));
                    next.push_back(part);
                }
            }
        }
        Ways { before, heights }
    }

    /// Where one can go from a type.
    fn ways(&self, of: TypeId, heights: &[u32]) -> Vec<(Target, Step)> {
        let of_type = &self.types[of];
        let mut ways = self.ways_to(&of_type.slots, None, heights);
        for (index, variant) in of_type.variants.iter().enumerate() {
            if variant.content.is_some() {
                ways.extend(self.ways_to(&variant.slots, Some(index), heights));
            } else if !variant.refuses {
                ways.push((Target::Variant(of, index), Some(index)));
            }
        }
        ways
    }

    /// Parts are filled in order, so they can be reached up to the first of which no value can be made.
    fn ways_to(&self, slots: &[SlotId], step: Step, heights: &[u32]) -> Vec<(Target, Step)> {
        let blocked = slots
            .iter()
            .position(|&slot| self.slot_height(slot, heights) == UNKNOWN);
        let reached = slots.iter().take(blocked.map_or(slots.len(), |blocked| blocked + 1));
        reached.map(|&slot| (Target::Slot(slot), step)).collect()
    }

    /// How deep the smallest value of each type nests.
    pub(super) fn heights(&self) -> Vec<u32> {
        let mut heights = vec![UNKNOWN; self.types.len()];
        loop {
            let mut changed = false;
            // Parts are mostly newer than what they are parts of.
            for of in (0..self.types.len()).rev() {
                let height = self.height(of, &heights);
                changed |= height < heights[of];
                heights[of] = height.min(heights[of]);
            }
            if !changed {
                return heights;
            }
        }
    }

    fn height(&self, of: TypeId, heights: &[u32]) -> u32 {
        let of = &self.types[of];
        if of.refuses {
            return UNKNOWN;
        }
        let parts = match of.key.ask {
            Ask::Option | Ask::Sequence | Ask::Map if of.attempt == 0 => 0,
            Ask::Enum(..) => {
                let variants = of.variants.iter();
                variants
                    .map(|variant| self.variant_height(variant, heights))
                    .min()
                    .unwrap_or(UNKNOWN)
            }
            Ask::Tuple(length) | Ask::TupleStruct(_, length) if of.slots.len() < length => UNKNOWN,
            Ask::Struct(_, fields) if of.slots.len() < of.width.unwrap_or(fields.len()) => UNKNOWN,
            _ => self.tallest(&of.slots, heights),
        };
        parts.saturating_add(1)
    }

    pub(super) fn variant_height(&self, variant: &VariantType, heights: &[u32]) -> u32 {
        let parts = match variant.content {
            Some(ContentAsk::Tuple(length)) => length,
            Some(ContentAsk::Struct(fields)) => variant.width.unwrap_or(fields.len()),
            Some(_) => 0,
            None => return UNKNOWN,
        };
        if variant.refuses || variant.slots.len() < parts {
            return UNKNOWN;
        }
        self.tallest(&variant.slots, heights)
    }

    fn tallest(&self, slots: &[SlotId], heights: &[u32]) -> u32 {
        let heights = slots.iter().map(|&slot| self.slot_height(slot, heights));
        heights.max().unwrap_or(0)
    }

    fn slot_height(&self, slot: SlotId, heights: &[u32]) -> u32 {
        let of = self.slots[slot].of;
        of.and_then(|of| heights.get(of).copied()).unwrap_or(UNKNOWN)
    }
}

/// The ways to the types of a graph in which nothing more is to be learnt.
#[derive(Debug)]
pub(super) struct Ways {
    before: Vec<Option<Before>>,
    heights: Vec<u32>,
}

impl Ways {
    /// To a type and a variant of it.
    pub(super) fn to(&self, (of, step): (TypeId, Step)) -> Goal {
        Goal {
            target: Target::Slot(ROOT),
            steps: way(&self.before, of, step),
            heights: self.heights.clone(),
        }
    }
}

/// The types from the whole to this one.
fn way(before: &[Option<Before>], last: TypeId, step: Step) -> VecDeque<(TypeId, Step)> {
    let mut steps = VecDeque::from([(last, step)]);
    let mut at = last;
    while let Some(Some((of, step))) = before[at] {
        steps.push_front((of, step));
        at = of;
    }
    steps
}
