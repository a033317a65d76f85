//! Where in the JSON something is, for messages.

use std::fmt;

/// A place in a JSON value, within the places around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    around: Option<&'a Place<'a>>,
    step: Step<'a>,
    depth: usize,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Index(usize),
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong(String);

impl Place<'_> {
    /// The whole value.
    pub(crate) const ROOT: Place<'static> = Place {
        around: None,
        step: Step::Root,
        depth: 0,
    };

    pub(crate) fn field<'b>(&'b self, name: &'b str) -> Place<'b> {
        self.inside(Step::Field(name))
    }

    pub(crate) fn index(&self, index: usize) -> Place<'_> {
        self.inside(Step::Index(index))
    }

    /// The same place, one type further in: a newtype has no place of its own.
    pub(crate) fn deeper(&self) -> Self {
        Self {
            depth: self.depth + 1,
            ..*self
        }
    }

    fn inside<'b>(&'b self, step: Step<'b>) -> Place<'b> {
        Place {
            around: Some(self),
            step,
            depth: self.depth + 1,
        }
    }

    /// How many types are around it.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    pub(crate) fn wrong(&self, text: impl fmt::Display) -> Wrong {
        match self.step {
            Step::Root => Wrong(text.to_string()),
            _ => Wrong(format!("{self}: {text}")),
        }
    }
}

/// `order.items[2].kind`.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(around) = self.around {
            around.fmt(f)?;
        }
        let dot = match self.around.map(|around| around.step) {
            None | Some(Step::Root) => "",
            _ => ".",
        };
        match self.step {
            Step::Root => Ok(()),
            Step::Field(name) if is_plain(name) => write!(f, "{dot}{name}"),
            Step::Field(name) => write!(f, "[{name:?}]"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|character| character.is_alphanumeric() || "_-".contains(character))
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}
