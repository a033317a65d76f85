//! What a service is, once parsed and checked.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Generics, Ident, ItemTrait, LitStr, Path, Receiver, TraitItem, Type, WherePredicate};

use crate::{
    lift::Lifted,
    names::{self, Names},
    streams::{self, Streamed},
    types::Passing,
};

/// A service trait.
pub(crate) struct Service {
    /// The trait as written.
    pub(crate) item: ItemTrait,
    pub(crate) names: Names,
    /// The library's path, `::farcall` unless renamed.
    pub(crate) library: Path,
    /// The name on the wire.
    pub(crate) name: String,
    /// The trait's parameters and its associated types, lifted to parameters: those of the clients.
    pub(crate) parameters: Generics,
    pub(crate) lifted: Vec<Lifted>,
    /// `bound = "…"` in place of inferred serde bounds.
    pub(crate) bound: Option<Vec<WherePredicate>>,
    pub(crate) methods: Vec<Method>,
    /// The function that gives samples of types that check their input.
    pub(crate) samples: Option<Path>,
    /// Whether every item of the trait is understood; otherwise the clients cannot implement the trait.
    pub(crate) complete: bool,
    /// Whether `&T`, `Box<T>` and `Arc<T>` implement the trait where `T` does.
    pub(crate) pointers: bool,
    /// Whether there is a blocking client.
    pub(crate) blocking: bool,
}

/// One method. Its types have associated types lifted to parameters.
pub(crate) struct Method {
    pub(crate) ident: Ident,
    /// The name on the wire.
    pub(crate) name: String,
    /// Docs, `deprecated` and `cfg`: what generated methods repeat.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) kind: Kind,
    pub(crate) policy: Policy,
    pub(crate) lifetimes: Generics,
    pub(crate) receiver: Receiver,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Output,
    /// Each type that needs a check is checked elsewhere, so that the calls need not report them.
    pub(crate) asked: bool,
    /// The place to which the compiler points when it refuses code that is generated for the method. If it has no
    /// reason to refuse it, this is not a place in the user's code.
    pub(crate) span: Span,
}

/// How the handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `async fn`
    Async,
    /// `fn`, run where the call arrives
    Inline,
    /// `fn` with `#[rpc(blocking)]`, run on a thread that may block
    Blocking,
}

/// The part of `#[rpc(…)]` that the descriptor repeats.
pub(crate) struct Policy {
    pub(crate) idempotent: bool,
    pub(crate) oneway: bool,
    pub(crate) detached: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) requires: Option<LitStr>,
    /// The variant of the library's `Priority`.
    pub(crate) priority: Option<Ident>,
}

pub(crate) struct Argument {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) passing: Passing,
    /// Set when the argument is a stream.
    pub(crate) stream: Option<Streamed>,
}

pub(crate) struct Output {
    pub(crate) ty: Type,
    /// `Result<T, E>`, as opposed to a plain value
    pub(crate) fallible: bool,
    /// The method says so itself.
    pub(crate) explicit: bool,
    /// The (successful) value travels as one run of bytes.
    pub(crate) bytes: bool,
    /// Set when the (successful) value is a stream.
    pub(crate) stream: Option<Streamed>,
}

impl Service {
    /// The `cfg` attributes of the trait, which every generated item repeats.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        cfgs(&self.item.attrs)
    }

    /// What the trait and its methods allow, which every generated item allows, too. What they deny or warn about is
    /// reported at the trait, once.
    pub(crate) fn lints(&self) -> TokenStream {
        let methods = self.item.items.iter().filter_map(|item| match item {
            TraitItem::Fn(function) => Some(&function.attrs),
            _ => None,
        });
        let attributes = methods.flatten().chain(&self.item.attrs);
        let allowed = attributes.filter_map(|attribute| {
            let list = attribute.meta.require_list().ok()?;
            let lints = &list.tokens;
            // An expected lint occurs in the trait, but maybe not in generated code.
            ["allow", "expect"]
                .iter()
                .any(|level| list.path.is_ident(level))
                .then(|| quote!(#[allow(#lints)]))
        });
        allowed.collect()
    }

    /// Whether the presence of a method depends on a `cfg`, and with it the index of those after it.
    pub(crate) fn has_optional_methods(&self) -> bool {
        self.methods.iter().any(|method| method.cfgs().next().is_some())
    }

    /// The method that prevents a client whose methods are async (or not) from implementing the trait itself.
    pub(crate) fn obstacle(&self, asynchronous: bool) -> Option<&Method> {
        let fits = |method: &Method| match &method.output.stream {
            Some(stream) => {
                let opened = method.output.fallible || method.kind == Kind::Inline;
                asynchronous && stream.fallible && opened && streams::is_kept_by_client(method.output.stream_type())
            }
            None => method.output.fallible && (method.kind == Kind::Async) == asynchronous,
        };
        self.methods.iter().find(|method| !fits(method))
    }

    pub(crate) fn has_method(&self, name: &str) -> bool {
        self.methods.iter().any(|method| method.ident == name)
    }

    /// Takes the names of the trait, its companions and its methods away from their places in the user's code, for
    /// generated code that an editor should not show there.
    pub(crate) fn leave_places(&mut self) {
        let functions = self.item.items.iter_mut().filter_map(|item| match item {
            TraitItem::Fn(function) => Some(&mut function.sig.ident),
            _ => None,
        });
        let methods = self.methods.iter_mut().map(|method| &mut method.ident);
        let Names {
            client,
            server,
            blocking,
            ..
        } = &mut self.names;
        for ident in functions
            .chain(methods)
            .chain([&mut self.item.ident, client, server, blocking])
        {
            *ident = names::placeless(ident);
        }
    }
}

impl Method {
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        cfgs(&self.attributes)
    }

    /// Whether an argument or the result is a stream.
    pub(crate) fn is_streaming(&self) -> bool {
        self.takes_streams() || self.output.stream.is_some()
    }

    pub(crate) fn takes_streams(&self) -> bool {
        self.arguments.iter().any(|argument| argument.stream.is_some())
    }
}

impl Argument {
    /// The type as the clients declare it.
    pub(crate) fn declared(&self) -> Type {
        let mut ty = self.ty.clone();
        streams::complete_argument(&mut ty);
        ty
    }
}

impl Output {
    /// The (successful) value.
    pub(crate) fn stream_type(&self) -> &Type {
        streams::place(&self.ty, self.fallible)
    }
}

fn cfgs(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
}
