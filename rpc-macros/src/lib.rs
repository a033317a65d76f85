//! The attribute of the `farcall` crate; use it as `farcall::service`.

mod args;
mod bounds;
mod check;
mod ctxt;
mod expand;
mod lift;
mod model;
mod names;
mod parse;
mod timeout;
mod types;

use proc_macro2::TokenStream;
use syn::{Item, ItemTrait};

/// docs
#[proc_macro_attribute]
pub fn service(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand_service(arguments.into(), item.into()).into()
}

fn expand_service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let context = ctxt::Context::new();
    let mut output = TokenStream::new();
    match parse_trait(item.clone()) {
        Ok(item) => {
            output.extend(expand::trait_definition(item.clone()));
            if let Some(service) = parse::service(&context, arguments, item) {
                output.extend(expand::companions(&service));
            }
        }
        Err(error) => {
            context.push(error);
            output.extend(item);
        }
    }
    output.extend(context.finish());
    output
}

fn parse_trait(item: TokenStream) -> syn::Result<ItemTrait> {
    match syn::parse2(item)? {
        Item::Trait(item) => Ok(item),
        other => Err(syn::Error::new_spanned(
            other,
            "a service is declared by a trait: put `#[service]` on one",
        )),
    }
}
