//! The arguments of `#[service(…)]` and `#[rpc(…)]`.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::{
    Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Token, WherePredicate,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    parse_quote,
    punctuated::Punctuated,
};

use crate::{ctxt::Context, timeout};

const SERVICE_OPTIONS: &str = "`name = \"…\"`, `bound = \"…\"`, `crate = path`, `no_pointers`, \
     `blocking = false`, `samples = function`, `requires = \"…\"`";
const RPC_OPTIONS: &str = "`name = \"…\"`, `idempotent`, `timeout = \"…\"`, `requires = \"…\"`, `priority = \"…\"`, \
     `oneway`, `blocking`, `detached`, `result`, `plain`";

/// What `#[service(…)]` says.
pub(crate) struct ServiceArguments {
    pub(crate) name: Option<LitStr>,
    pub(crate) bound: Option<Punctuated<WherePredicate, Token![,]>>,
    /// Where the library is, and whether that was said.
    pub(crate) library: Path,
    pub(crate) located: bool,
    pub(crate) pointers: bool,
    /// The function that gives samples of types that check their input.
    pub(crate) samples: Option<Path>,
    /// Whether there is a blocking client.
    pub(crate) blocking: bool,
    /// What a caller needs for the methods that do not say it themselves.
    pub(crate) requires: Option<LitStr>,
}

impl ServiceArguments {
    pub(crate) fn parse(context: &Context, tokens: TokenStream) -> Self {
        let mut arguments = Self {
            name: None,
            bound: None,
            library: parse_quote!(::farcall),
            located: false,
            pointers: true,
            samples: None,
            blocking: true,
            requires: None,
        };
        for entry in entries(context, tokens) {
            match entry.key.to_string().as_str() {
                "name" => arguments.name = entry.text(context, "name = \"Inventory\""),
                "bound" => arguments.bound = entry.predicates(context),
                "crate" => {
                    arguments.located = true;
                    if let Some(path) = entry.path(context) {
                        arguments.library = path;
                    }
                }
                "no_pointers" => {
                    entry.flag(context);
                    arguments.pointers = false;
                }
                "samples" => arguments.samples = entry.path(context),
                "blocking" => arguments.blocking = entry.boolean(context),
                "requires" => arguments.requires = entry.requirement(context),
                other => context.error(
                    &entry.key,
                    format!("unknown option `{other}`; known: {SERVICE_OPTIONS}"),
                ),
            }
        }
        arguments
    }
}

/// What the `#[rpc(…)]` attributes of one method say.
#[derive(Default)]
pub(crate) struct MethodArguments {
    pub(crate) name: Option<LitStr>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) requires: Option<LitStr>,
    /// The variant of the library's `Priority`.
    pub(crate) priority: Option<Ident>,
    pub(crate) idempotent: Option<Ident>,
    pub(crate) oneway: Option<Ident>,
    pub(crate) blocking: Option<Ident>,
    pub(crate) detached: Option<Ident>,
    pub(crate) result: Option<Ident>,
    pub(crate) plain: Option<Ident>,
}

impl MethodArguments {
    pub(crate) fn parse(context: &Context, attributes: &[Attribute]) -> Self {
        let mut tokens = TokenStream::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("rpc")) {
            match &attribute.meta {
                Meta::List(list) => {
                    tokens.extend(list.tokens.clone());
                    tokens.extend(quote::quote!(,));
                }
                other => context.error(other, format!("`#[rpc(…)]` needs an option: {RPC_OPTIONS}")),
            }
        }
        let mut arguments = Self::default();
        for entry in entries(context, tokens) {
            arguments.apply(context, entry);
        }
        if let (Some(_), Some(plain)) = (&arguments.result, &arguments.plain) {
            context.error(plain, "`plain` contradicts `result`");
        }
        arguments
    }

    fn apply(&mut self, context: &Context, entry: Entry) {
        let flag = match entry.key.to_string().as_str() {
            "name" => {
                self.name = entry.text(context, "name = \"stock\"");
                return;
            }
            "timeout" => {
                self.timeout = entry.timeout(context);
                return;
            }
            "requires" => {
                self.requires = entry.requirement(context);
                return;
            }
            "priority" => {
                self.priority = entry.priority(context);
                return;
            }
            "idempotent" => &mut self.idempotent,
            "oneway" => &mut self.oneway,
            "blocking" => &mut self.blocking,
            "detached" => &mut self.detached,
            "result" => &mut self.result,
            "plain" => &mut self.plain,
            other => {
                context.error(&entry.key, format!("unknown option `{other}`; known: {RPC_OPTIONS}"));
                return;
            }
        };
        entry.flag(context);
        *flag = Some(entry.key);
    }
}

/// `key` or `key = value`.
struct Entry {
    key: Ident,
    value: Option<Expr>,
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        // `crate` is a keyword, hence any identifier.
        let key = input.call(Ident::parse_any)?;
        let value = if input.parse::<Option<Token![=]>>()?.is_some() {
            Some(ungrouped(input.parse()?))
        } else {
            None
        };
        Ok(Self { key, value })
    }
}

/// The expression without the invisible group that `macro_rules!` puts around what it was given.
fn ungrouped(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => ungrouped(*group.expr),
        value => value,
    }
}

impl Entry {
    fn flag(&self, context: &Context) {
        if let Some(value) = &self.value {
            context.error(value, format!("`{}` takes no value", self.key));
        }
    }

    fn boolean(&self, context: &Context) -> bool {
        if let Some(Expr::Lit(ExprLit {
            lit: Lit::Bool(value), ..
        })) = &self.value
        {
            return value.value;
        }
        let message = format!("`{}` needs `true` or `false`", self.key);
        match &self.value {
            Some(value) => context.error(value, message),
            None => context.error(&self.key, message),
        }
        true
    }

    fn text(&self, context: &Context, example: &str) -> Option<LitStr> {
        if let Some(Expr::Lit(ExprLit {
            lit: Lit::Str(text), ..
        })) = &self.value
        {
            return Some(text.clone());
        }
        let message = format!("`{}` needs a string: `{example}`", self.key);
        match &self.value {
            Some(value) => context.error(value, message),
            None => context.error(&self.key, message),
        }
        None
    }

    fn timeout(&self, context: &Context) -> Option<Duration> {
        let text = self.text(context, "timeout = \"2s\"")?;
        match timeout::parse(&text.value()) {
            Ok(duration) => Some(duration),
            Err(message) => {
                context.error(text, message);
                None
            }
        }
    }

    /// What a caller needs. It may be a scope of a token, so it has the characters of one (RFC 6749, section 3.3).
    fn requirement(&self, context: &Context) -> Option<LitStr> {
        let text = self.text(context, "requires = \"stock.write\"")?;
        let value = text.value();
        if value.is_empty() {
            context.error(
                text,
                "an empty requirement says nothing: name what a caller needs, or leave it out",
            );
            return None;
        }
        let is_legal = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '*');
        if let Some(wrong) = value.chars().find(|&c| !is_legal(c)) {
            let message = format!(
                "a requirement has no {wrong:?} in it: it is one name of visible ASCII characters, without `\"`, `\\` \
                 and `*`, such as \"stock.write\""
            );
            context.error(text, message);
            return None;
        }
        Some(text)
    }

    fn priority(&self, context: &Context) -> Option<Ident> {
        let text = self.text(context, "priority = \"high\"")?;
        let variant = match text.value().as_str() {
            "low" => "Low",
            "normal" => "Normal",
            "high" => "High",
            other => {
                let message = format!("`{other}` is not a priority: write \"low\", \"normal\" or \"high\"");
                context.error(text, message);
                return None;
            }
        };
        Some(Ident::new(variant, Span::call_site()))
    }

    fn predicates(&self, context: &Context) -> Option<Punctuated<WherePredicate, Token![,]>> {
        let text = self.text(context, "bound = \"T: Serialize\"")?;
        reported(context, text.parse_with(Punctuated::parse_terminated))
    }

    fn path(&self, context: &Context) -> Option<Path> {
        match &self.value {
            Some(Expr::Path(path)) if path.attrs.is_empty() && path.qself.is_none() => Some(path.path.clone()),
            Some(Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            })) => reported(context, text.parse_with(Path::parse_mod_style)),
            Some(other) => {
                context.error(other, self.needs_path());
                None
            }
            None => {
                context.error(&self.key, self.needs_path());
                None
            }
        }
    }

    fn needs_path(&self) -> String {
        let key = &self.key;
        let example = if key == "crate" { "my_farcall" } else { "my_samples" };
        format!("`{key}` needs a path: `{key} = {example}`")
    }
}

fn entries(context: &Context, tokens: TokenStream) -> Vec<Entry> {
    let parsed = Punctuated::<Entry, Token![,]>::parse_terminated.parse2(tokens);
    let mut entries: Vec<Entry> = Vec::new();
    for entry in reported(context, parsed).into_iter().flatten() {
        if entries.iter().any(|earlier| earlier.key == entry.key) {
            context.error(&entry.key, format!("`{}` is given twice", entry.key));
        } else {
            entries.push(entry);
        }
    }
    entries
}

fn reported<T>(context: &Context, result: syn::Result<T>) -> Option<T> {
    result.map_err(|error| context.push(error)).ok()
}
