//! One run of a type's code.

use serde::{Deserialize, de};

use super::{
    super::{
        Primitive,
        samples::{Theme, Value},
    },
    LARGEST, MAX_DEPTH, MAX_TUPLE,
    deserializer::Tracer,
    graph::{Ask, ContentAsk, Graph, Key, ROOT, SlotId, TypeId, UNKNOWN},
    plan::Goal,
    probe::Probe,
    setting::Setting,
};
use crate::nesting::StackShare;

/// How many times a value lies on the stack on its way from one function to the next.
const COPIES: usize = 24;
/// The longest tuple whose elements are all looked for, also behind one that refuses its input.
const WIDE: usize = 1024;

/// Ends a run. It has no text, because it reaches nobody.
#[derive(Debug)]
pub(super) enum Ended {
    /// A struct misses the field with this name.
    Missing(&'static str),
    /// A struct was given a field a second time.
    Twice(&'static str),
    Otherwise,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the type's shape is being looked at")
    }
}

impl std::error::Error for Ended {}

impl de::Error for Ended {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self::Otherwise
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Twice(field)
    }
}

#[derive(Debug)]
pub(super) struct Run<'g> {
    pub(super) graph: &'g mut Graph,
    pub(super) setting: &'g Setting<'g>,
    goal: Goal,
    /// The places that are being filled.
    filling: Vec<SlotId>,
    /// The types of which a value is being made.
    around: Vec<TypeId>,
    theme: Theme,
    /// How many values have followed the theme.
    themed: usize,
    /// It is known why the run ends: no type is to blame on the way out.
    ending: bool,
    stack: StackShare,
    /// A struct that is given its fields by name. Nothing else is learnt in such a run.
    pub(super) probe: Option<Probe>,
}

/// How a value of a type is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) of: TypeId,
    /// Of an enum.
    pub(super) variant: Option<usize>,
    /// How many elements a sequence or a map has, or whether an option has a value: one where its parts are looked at.
    pub(super) length: usize,
    outer: (Theme, usize),
}

impl<'g> Run<'g> {
    pub(super) fn new(graph: &'g mut Graph, setting: &'g Setting<'g>, goal: Goal) -> Self {
        Self {
            graph,
            setting,
            goal,
            filling: Vec::new(),
            around: Vec::new(),
            theme: Theme::Plain,
            themed: 0,
            ending: false,
            stack: StackShare::of(setting.stack),
            probe: None,
        }
    }

    /// Runs the type itself.
    pub(super) fn whole<'de, T: Deserialize<'de>>(&mut self) -> Result<(), Ended> {
        self.fill(ROOT, None, |inside| T::deserialize(inside)).map(drop)
    }

    /// What was looked at has ended, and so does the run.
    pub(super) fn probed(&mut self, error: Option<&Ended>) -> Ended {
        if let Some(probe) = &mut self.probe {
            probe.ended(error);
        }
        self.end()
    }

    /// Which of its variants an enum takes a name for is known.
    pub(super) fn probed_variant(&mut self, kind: u64) -> Ended {
        if let Some(probe) = &mut self.probe {
            probe.chosen(kind);
        }
        self.end()
    }

    /// Fills a place with what foreign code makes of the deserializer that it is given.
    pub(super) fn fill<R>(
        &mut self,
        slot: SlotId,
        name: Option<&'static str>,
        foreign: impl FnOnce(Tracer<'_, 'g>) -> Result<R, Ended>,
    ) -> Result<R, Ended> {
        self.begin(slot, name, size_of::<R>())?;
        let filled = foreign(Tracer { run: self, slot });
        self.filled(slot, filled.is_ok());
        filled
    }

    fn begin(&mut self, slot: SlotId, name: Option<&'static str>, size: usize) -> Result<(), Ended> {
        if let Some(name) = name {
            self.graph.slots[slot].name = name;
        }
        if self.filling.len() >= MAX_DEPTH || size > LARGEST {
            return Err(self.end());
        }
        self.filling.push(slot);
        Ok(())
    }

    fn filled(&mut self, slot: SlotId, accepted: bool) {
        self.filling.pop();
        if accepted {
            self.ending = false;
        } else if !self.ending {
            self.refused(slot);
        }
    }

    /// Foreign code panicked: it refused what it was given.
    pub(super) fn panicked(&mut self) {
        if let Some(&slot) = self.filling.last() {
            self.refused(slot);
        }
    }

    fn refused(&mut self, slot: SlotId) {
        self.ending = true;
        if self.probe.is_some() {
            return;
        }
        self.graph
            .refused(slot, self.theme != Theme::Plain, self.setting.samples);
    }

    /// Ends the run, and it is no type's fault.
    pub(super) fn end(&mut self) -> Ended {
        self.ending = true;
        Ended::Otherwise
    }

    /// What a type without parts is given.
    pub(super) fn primitive(&mut self, slot: SlotId, primitive: Primitive, key: Key) -> Result<Value, Ended> {
        let (of, _) = self.asked(slot, key)?;
        let of = &self.graph.types[of];
        let follows = of.attempt == 0 && !of.own;
        let themed = || self.theme.value(self.themed, primitive, self.setting.samples);
        let usual = || self.setting.samples.nth(primitive, of.attempt);
        let first = || self.setting.samples.nth(primitive, 0);
        let value = follows.then(themed).flatten().or_else(usual).or_else(first);
        self.themed += 1;
        value.ok_or(Ended::Otherwise)
    }

    /// Begins a value of the type that asks for this; [`leave`](Self::leave) ends it.
    pub(super) fn enter(&mut self, slot: SlotId, key: Key) -> Result<Turn, Ended> {
        let (of, is_new) = self.asked(slot, key)?;
        let on_the_way = self
            .goal
            .steps
            .front()
            .filter(|(next, _)| *next == of)
            .map(|(_, variant)| *variant);
        let unseen = self.unseen_variant(of);
        let (explores, variant) = if let Some(variant) = on_the_way {
            self.goal.steps.pop_front();
            (true, variant)
        } else if is_new || (unseen.is_some() && !self.around.contains(&of)) {
            (true, None)
        } else {
            self.can_be_made(of)?;
            (false, None)
        };
        let attempt = self.graph.types[of].attempt;
        let length = match key.ask {
            Ask::Sequence => self.setting.samples.length(attempt).unwrap_or_default(),
            _ => attempt,
        };
        let mut turn = Turn {
            of,
            variant,
            length: length.max(usize::from(explores)),
            outer: (self.theme, self.themed),
        };
        if let Ask::Enum(_, variants) = key.ask {
            let variant = variant.or(if explores { unseen } else { None });
            let variant = variant.or_else(|| self.smallest_variant(of));
            turn.variant = Some(
                variant
                    .filter(|&variant| variant < variants.len())
                    .ok_or_else(|| self.end())?,
            );
        }
        let has_theme = !matches!(key.ask, Ask::Option | Ask::Sequence | Ask::Map);
        let attempt = match turn.variant {
            Some(variant) => self.graph.types[of].variants[variant].attempt,
            None => attempt,
        };
        if has_theme && attempt > 0 {
            (self.theme, self.themed) = (Theme::nth(attempt, self.setting.samples).unwrap_or_default(), 0);
        }
        self.around.push(of);
        Ok(turn)
    }

    /// Ends a value, made or not.
    pub(super) fn leave(&mut self, turn: &Turn) {
        self.around.pop();
        if let Some(variant) = turn.variant {
            self.graph.types[turn.of].chosen = variant;
        }
        (self.theme, self.themed) = turn.outer;
    }

    /// The place of a part.
    pub(super) fn part(&mut self, turn: &Turn, index: usize) -> Result<SlotId, Ended> {
        let part = self.graph.part(turn.of, turn.variant, index);
        part.ok_or_else(|| self.end())
    }

    /// The place of an element, whose type has this name.
    pub(super) fn element(&mut self, turn: &Turn, index: usize, name: &'static str) -> Result<SlotId, Ended> {
        if !matches!(self.graph.types[turn.of].key.ask, Ask::Tuple(length) if length > MAX_TUPLE) {
            return self.part(turn, index);
        }
        let part = self.graph.element(turn.of, index, name);
        part.ok_or_else(|| self.end())
    }

    /// A variant asks for its content.
    pub(super) fn content(&mut self, turn: &Turn, content: ContentAsk) -> Result<(), Ended> {
        let Some(variant) = turn.variant else {
            return Err(self.end());
        };
        let known = &mut self.graph.types[turn.of].variants[variant].content;
        if known.is_none() {
            *known = Some(content);
            self.graph.learnt();
            let parts = match content {
                ContentAsk::Unit => 0,
                ContentAsk::Newtype => 1,
                ContentAsk::Tuple(length) => length.min(WIDE),
                ContentAsk::Struct(fields) => fields.len(),
            };
            return self.parts(turn.of, Some(variant), parts);
        }
        if *known == Some(content) {
            Ok(())
        } else {
            Err(self.end())
        }
    }

    /// What is asked in a place. A type that asks for something else than before has no shape.
    fn asked(&mut self, slot: SlotId, key: Key) -> Result<(TypeId, bool), Ended> {
        if key.size > LARGEST {
            return Err(self.end());
        }
        if !self.stack.fits(key.size * COPIES) {
            self.setting.lacks_stack();
            return Err(self.end());
        }
        if let Some(of) = self.graph.slots[slot].of {
            if self.graph.types[of].key == key {
                return Ok((of, false));
            }
            if self.probe.is_none() {
                self.graph.varies(slot);
            }
            return Err(self.end());
        }
        let (of, is_new) = self.graph.type_of(key, &self.around);
        self.graph.slots[slot].of = Some(of);
        self.graph.learnt();
        if is_new {
            let parts = match key.ask {
                Ask::Primitive(_) | Ask::UnitStruct(_) | Ask::Enum(..) | Ask::Client(_) => 0,
                Ask::Option | Ask::Sequence | Ask::Newtype(_) | Ask::Receiver | Ask::Sender => 1,
                Ask::Map => 2,
                Ask::Tuple(length) if length > MAX_TUPLE => 2,
                Ask::Tuple(length) | Ask::TupleStruct(_, length) => length.min(WIDE),
                Ask::Struct(_, fields) => fields.len(),
            };
            self.parts(of, None, parts)?;
        }
        Ok((of, is_new))
    }

    /// Makes the places of parts, so that they are looked for.
    fn parts(&mut self, of: TypeId, variant: Option<usize>, count: usize) -> Result<(), Ended> {
        let last = count.checked_sub(1);
        let has_room = last.is_none_or(|last| self.graph.part(of, variant, last).is_some());
        if has_room { Ok(()) } else { Err(self.end()) }
    }

    /// Makes sure that a value of the type can be made without looking at anything new.
    fn can_be_made(&mut self, of: TypeId) -> Result<(), Ended> {
        let known = |heights: &[u32]| heights.get(of).is_some_and(|&height| height != UNKNOWN);
        if !known(&self.goal.heights) {
            self.goal.heights = self.graph.heights();
        }
        if known(&self.goal.heights) {
            Ok(())
        } else {
            Err(self.end())
        }
    }

    fn unseen_variant(&self, of: TypeId) -> Option<usize> {
        let mut variants = self.graph.types[of].variants.iter();
        variants.position(|variant| variant.content.is_none() && !variant.refuses)
    }

    fn smallest_variant(&self, of: TypeId) -> Option<usize> {
        let variants = self.graph.types[of].variants.iter().enumerate();
        let heights = variants.map(|(index, of)| (self.graph.variant_height(of, &self.goal.heights), index));
        heights.min().map(|(_, index)| index)
    }
}
