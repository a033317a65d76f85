//! Doc comments as values of the program, where the library asks for them.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, MetaNameValue};

/// Whether they are carried along. The expansions of the tests in this crate are those of a default build.
const CARRIED: bool = cfg!(all(feature = "docs", not(test)));

/// The call that puts the doc comment into a descriptor, if there is one.
pub(super) fn docs(attributes: &[Attribute]) -> Option<TokenStream> {
    let text = text(attributes);
    (CARRIED && !text.is_empty()).then(|| quote!(.docs(#text)))
}

/// The lines of the doc comment, without the space that begins them. What is made by a macro is left out.
fn text(attributes: &[Attribute]) -> String {
    let parts: Vec<_> = attributes.iter().filter_map(line).collect();
    let lines: Vec<_> = parts
        .iter()
        .flat_map(|part| part.split('\n'))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn line(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(MetaNameValue {
            path,
            value: Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }),
            ..
        }) if path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::{ItemTrait, parse_quote};

    use super::text;

    #[test]
    fn the_lines_of_a_comment_are_one_text() {
        let item: ItemTrait = parse_quote! {
            /// Stock of one warehouse.
            ///
            ///   - indented
            #[doc = concat!("left", " out")]
            #[deprecated]
            #[doc = " The end.\n\n"]
            trait Inventory {}
        };
        assert_eq!(text(&item.attrs), "Stock of one warehouse.\n\n  - indented\nThe end.");
    }
}
