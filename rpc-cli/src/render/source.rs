//! A service as the trait that a program would declare.

use std::iter;

use farcall::contract::{MethodContract, Policy};

use super::definitions::{Definitions, Written, fields_of};
use crate::{
    contracts::Known,
    dynamic::is_library_error,
    output::{NAME, SIDE, WORD, styled},
};

/// A method with arguments and a result longer than this takes several lines.
const WIDEST: usize = 80;

/// The trait of a service, or that with one of its methods, and the types that it uses.
pub(crate) fn service(known: &Known, only: Option<&str>) -> String {
    let name = known.contract.service();
    let mut definitions = Definitions::default();
    let ident = name.rsplit('.').next().unwrap_or(name);
    let head = [styled(WORD, "pub trait"), styled(NAME, ident)].join(" ");
    let mut text = [docs(&known.docs, ""), attribute(name), head, " {\n".to_owned()].concat();
    let methods = known.contract.methods().iter();
    let shown = methods.filter(|method| only.is_none_or(|only| only == method.name()));
    let methods: Vec<_> = shown
        .map(|shown| {
            let comment = known.method_docs.get(shown.name()).map_or("", String::as_str);
            docs(comment, "    ") + &method(shown, &mut definitions)
        })
        .collect();
    text += &methods.join("\n");
    text += "}\n";
    for definition in definitions.into_texts() {
        text += "\n";
        text += &definition;
    }
    text
}

fn docs(text: &str, indent: &str) -> String {
    let line = |line: &str| format!("{indent}{}\n", styled(SIDE, format!("/// {line}").trim_end()));
    text.lines().map(line).collect()
}

/// The attribute, with the name where a trait cannot have it.
fn attribute(name: &str) -> String {
    let options = if name.contains('.') {
        format!("(name = \"{name}\")")
    } else {
        String::new()
    };
    format!("{}\n", styled(SIDE, format!("#[farcall::service{options}]")))
}

fn method(method: &MethodContract, definitions: &mut Definitions) -> String {
    let written = Written::new(method.types());
    let root = method.types().node(0);
    let part = |name: &str| {
        fields_of(root)
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.shape)
    };
    let arguments = part("arguments").map_or(&[][..], |id| fields_of(method.types().node(id)));
    let arguments = arguments
        .iter()
        .map(|field| format!("{}: {}", field.name, written.place(field.shape)));
    let arguments: Vec<_> = iter::once("&self".to_owned()).chain(arguments).collect();
    let result = part("result").map_or("()".to_owned(), |id| written.place(id));
    let output = match part("error") {
        Some(error) if is_library_error(method.types().node(error)) => format!(" -> farcall::Result<{result}>"),
        Some(error) => format!(" -> Result<{result}, {}>", written.reference(error)),
        None if result == "()" => String::new(),
        None => format!(" -> {result}"),
    };
    definitions.add(&written);
    let one_line = arguments.join(", ");
    let list = if one_line.len() + method.name().len() + output.len() > WIDEST {
        let lines: String = arguments
            .iter()
            .flat_map(|argument| ["        ", argument, ",\n"])
            .collect();
        format!("\n{lines}    ")
    } else {
        one_line
    };
    // A stream that is the whole result is there at once.
    let is_stream = result.starts_with("impl Stream") && part("error").is_none();
    let words = if is_stream { "fn" } else { "async fn" };
    let (words, name) = (styled(WORD, words), styled(NAME, method.name()));
    format!("{}    {words} {name}({list}){output};\n", policy(method.policy()))
}

fn policy(policy: &Policy) -> String {
    let flags = [
        ("idempotent", policy.idempotent),
        ("oneway", policy.oneway),
        ("detached", policy.detached),
    ];
    let mut options: Vec<_> = flags
        .iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    options.extend(policy.timeout_ms.map(|time| format!("timeout = \"{time} ms\"")));
    if options.is_empty() {
        return String::new();
    }
    format!("    {}\n", styled(SIDE, format!("#[rpc({})]", options.join(", "))))
}
