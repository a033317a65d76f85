//! How an argument or a result is sent, judged only by the written form of its type.

use proc_macro2::Span;
use syn::{
    GenericArgument, Ident, Lifetime, Path, PathArguments, PathSegment, Type, parse_quote,
    visit::{self, Visit},
    visit_mut::{self, VisitMut},
};

/// How an argument is sent.
pub(crate) struct Passing {
    /// What the server decodes, with lifetimes left open.
    pub(crate) decoded: Type,
    /// As one run of bytes instead of element by element.
    pub(crate) bytes: bool,
    /// How the handler's argument is made of the decoded value.
    pub(crate) adapter: Adapter,
}

/// How the handler's argument is made of the decoded value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    /// `value`
    Value,
    /// `&value`
    Reference,
    /// `value.as_ref()`, for `Option<&T>`
    OptionalReference,
    /// `value.as_deref()`, for `Option<&[T]>`
    OptionalSlice,
}

impl Passing {
    pub(crate) fn of(ty: &Type) -> Self {
        let mut passing = Self::written(bare(ty));
        passing.decoded = open(&passing.decoded);
        passing
    }

    fn written(ty: &Type) -> Self {
        if let Type::Reference(reference) = ty {
            return Self::referenced(ty, bare(&reference.elem));
        }
        match option(ty) {
            Some(Type::Reference(reference)) => Self::optional(ty, bare(&reference.elem)),
            _ => Self::new(ty.clone(), is_bytes(ty), Adapter::Value),
        }
    }

    fn referenced(whole: &Type, target: &Type) -> Self {
        match target {
            _ if is_byte_slice(target) => Self::new(whole.clone(), true, Adapter::Value),
            _ if is_borrowable(target) => Self::new(whole.clone(), false, Adapter::Value),
            Type::Slice(slice) => {
                let element = &slice.elem;
                Self::new(
                    parse_quote!(__farcall::std::vec::Vec<#element>),
                    false,
                    Adapter::Reference,
                )
            }
            _ => Self::new(target.clone(), is_bytes(target), Adapter::Reference),
        }
    }

    fn optional(whole: &Type, target: &Type) -> Self {
        match target {
            _ if is_byte_slice(target) => Self::new(whole.clone(), true, Adapter::Value),
            _ if is_borrowable(target) => Self::new(whole.clone(), false, Adapter::Value),
            Type::Slice(slice) => {
                let element = &slice.elem;
                let decoded = parse_quote!(__farcall::std::option::Option<__farcall::std::vec::Vec<#element>>);
                Self::new(decoded, false, Adapter::OptionalSlice)
            }
            _ => {
                let decoded = parse_quote!(__farcall::std::option::Option<#target>);
                Self::new(decoded, false, Adapter::OptionalReference)
            }
        }
    }

    fn new(decoded: Type, bytes: bool, adapter: Adapter) -> Self {
        Self {
            decoded,
            bytes,
            adapter,
        }
    }
}

/// The type with its lifetimes left to inference.
pub(crate) fn open(ty: &Type) -> Type {
    let mut ty = ty.clone();
    OpenLifetimes.visit_type_mut(&mut ty);
    ty
}

/// The type without the invisible groups that `macro_rules!` leaves, and without parentheses.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

/// Whether the last segment of the type's path ends in `Result`.
pub(crate) fn is_result(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident.to_string().ends_with("Result"))
}

/// Whether a type of this name is treated specially, here or in the search for streams. A parameter is not, so it must
/// not have such a name.
pub(crate) fn is_telling(name: &str) -> bool {
    const TELLING: [&str; 8] = ["str", "u8", "Box", "Cow", "Option", "Path", "Streaming", "Vec"];
    TELLING.contains(&name) || name.ends_with("Result")
}

/// Whether the type is called just `Result`, so that it is hardly another type.
pub(crate) fn is_plainly_result(ty: &Type) -> bool {
    is_called(ty, "Result")
}

/// Whether the type is written `farcall::Result`, whose error is known.
pub(crate) fn is_library_result(ty: &Type) -> bool {
    match bare(ty) {
        Type::Path(path) => {
            let names = path.path.segments.iter().map(|segment| segment.ident.to_string());
            names.eq(["farcall", "Result"])
        }
        _ => false,
    }
}

/// Whether the last segment of the type's path is `name`.
pub(crate) fn is_called(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// The type arguments of the last segment of the type's path.
pub(crate) fn type_arguments(ty: &Type) -> Vec<&Type> {
    let Some(PathArguments::AngleBracketed(arguments)) = last_segment(ty).map(|segment| &segment.arguments) else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(bare(ty)),
        _ => None,
    });
    types.collect()
}

/// Whether an owned value of this type travels as one run of bytes.
pub(crate) fn is_bytes(ty: &Type) -> bool {
    match bare(ty) {
        Type::Array(array) => is_u8(&array.elem),
        ty => {
            let Some(segment) = last_segment(ty) else { return false };
            let arguments = type_arguments(ty);
            let [argument] = arguments[..] else { return false };
            match segment.ident.to_string().as_str() {
                "Vec" => is_u8(argument),
                "Box" => is_byte_slice(argument),
                // `Cow<'static, [u8]>` cannot borrow from a message, and only borrowing ones decode as a run of bytes.
                "Cow" => is_byte_slice(argument) && !mentions_static(segment),
                "Option" => is_bytes(argument),
                _ => false,
            }
        }
    }
}

/// Whether serde certainly handles the type, so that nothing needs to be asserted about it. Names that users give to
/// their own types are not among these.
pub(crate) fn is_well_known(ty: &Type) -> bool {
    const KNOWN: [&str; 18] = [
        "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "f32", "f64", "String",
    ];
    match bare(ty) {
        Type::Reference(reference) => is_well_known(&reference.elem),
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        ty if is_bytes(ty) || is_byte_slice(ty) => true,
        ty => last_segment(ty).is_some_and(|segment| {
            let name = segment.ident.to_string();
            let arguments = type_arguments(ty);
            KNOWN.contains(&name.as_str()) || (is_container(ty) && arguments.into_iter().all(is_well_known))
        }),
    }
}

/// The parts of a type that serde handles if and only if it handles the whole.
pub(crate) fn parts(ty: &Type) -> Vec<&Type> {
    let whole = bare(ty);
    let inner: Vec<_> = match whole {
        Type::Tuple(tuple) if tuple.elems.len() <= MAX_TUPLE => tuple.elems.iter().collect(),
        _ if is_container(whole) => type_arguments(whole),
        _ => return vec![whole],
    };
    // References and unsized types are checked as a whole.
    let owned = |ty: &&Type| !matches!(bare(ty), Type::Reference(_) | Type::Slice(_) | Type::TraitObject(_));
    if inner.iter().all(owned) {
        inner.into_iter().flat_map(parts).collect()
    } else {
        vec![whole]
    }
}

/// serde implements its traits for tuples of up to this many values.
pub(crate) const MAX_TUPLE: usize = 16;

/// Whether serde handles the type if it handles its only argument.
fn is_container(ty: &Type) -> bool {
    ["Vec", "Option", "Box"].iter().any(|name| is_called(ty, name)) && type_arguments(ty).len() == 1
}

/// Whether a path in the type is just that name.
pub(crate) fn mentions(ty: &Type, name: &Ident) -> bool {
    let mut mentions = Mentions { name, found: false };
    mentions.visit_type(ty);
    mentions.found
}

struct Mentions<'a> {
    name: &'a Ident,
    found: bool,
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        self.found |= path.is_ident(self.name);
        visit::visit_path(self, path);
    }
}

/// `T` of `Option<T>`.
pub(crate) fn option(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty)?;
    match type_arguments(ty)[..] {
        [argument] if segment.ident == "Option" => Some(argument),
        _ => None,
    }
}

fn is_byte_slice(ty: &Type) -> bool {
    matches!(bare(ty), Type::Slice(slice) if is_u8(&slice.elem))
}

fn is_u8(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "u8")
}

/// Unsized types that serde borrows directly from a message.
fn is_borrowable(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "str" || segment.ident == "Path")
}

fn mentions_static(segment: &PathSegment) -> bool {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return false;
    };
    let is_static = |argument: &GenericArgument| match argument {
        GenericArgument::Lifetime(lifetime) => lifetime.ident == "static",
        _ => false,
    };
    arguments.args.iter().any(is_static)
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// Named lifetimes belong to the method's signature and have no meaning where its arguments are decoded.
struct OpenLifetimes;

impl VisitMut for OpenLifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident != "static" {
            *lifetime = Lifetime::new("'_", Span::call_site());
        }
        visit_mut::visit_lifetime_mut(self, lifetime);
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    fn passing(ty: &Type) -> (String, bool, Adapter) {
        let Passing {
            decoded,
            bytes,
            adapter,
        } = Passing::of(ty);
        (decoded.to_token_stream().to_string().replace(' ', ""), bytes, adapter)
    }

    #[test]
    fn borrowed_text_and_bytes_stay_borrowed() {
        assert_eq!(
            passing(&parse_quote!(&'a str)),
            ("&'_str".into(), false, Adapter::Value)
        );
        assert_eq!(passing(&parse_quote!(&[u8])), ("&[u8]".into(), true, Adapter::Value));
        assert_eq!(
            passing(&parse_quote!(Option<&[u8]>)),
            ("Option<&[u8]>".into(), true, Adapter::Value)
        );
        assert_eq!(
            passing(&parse_quote!(Cow<'_, [u8]>)),
            ("Cow<'_,[u8]>".into(), true, Adapter::Value)
        );
        assert_eq!(passing(&parse_quote!(&Path)), ("&Path".into(), false, Adapter::Value));
    }

    #[test]
    fn other_references_are_decoded_owned() {
        assert_eq!(passing(&parse_quote!(&Row)), ("Row".into(), false, Adapter::Reference));
        assert_eq!(
            passing(&parse_quote!(&Vec<u8>)),
            ("Vec<u8>".into(), true, Adapter::Reference)
        );
        let rows = "__farcall::std::vec::Vec<Row>";
        assert_eq!(passing(&parse_quote!(&[Row])), (rows.into(), false, Adapter::Reference));
        let row = "__farcall::std::option::Option<Row>";
        assert_eq!(
            passing(&parse_quote!(Option<&Row>)),
            (row.into(), false, Adapter::OptionalReference)
        );
        let rows = "__farcall::std::option::Option<__farcall::std::vec::Vec<Row>>";
        assert_eq!(
            passing(&parse_quote!(Option<&[Row]>)),
            (rows.into(), false, Adapter::OptionalSlice)
        );
    }

    #[test]
    fn owned_bytes_travel_as_bytes() {
        for ty in [
            "Vec<u8>",
            "Option<Vec<u8>>",
            "Box<[u8]>",
            "[u8; 32]",
            "std::vec::Vec<u8>",
        ] {
            let ty: Type = syn::parse_str(ty).expect("a type");
            assert!(is_bytes(&ty));
        }
        for ty in ["Vec<u16>", "Cow<'static, [u8]>", "Bytes", "Vec<Vec<u8>>", "[u16; 4]"] {
            let ty: Type = syn::parse_str(ty).expect("a type");
            assert!(!is_bytes(&ty));
        }
    }

    #[test]
    fn a_result_is_known_by_its_last_segment() {
        assert!(is_result(&parse_quote!(io::Result<u8>)));
        assert!(is_result(&parse_quote!(StockResult)));
        assert!(!is_result(&parse_quote!(Resulting)));
        assert!(!is_result(&parse_quote!(Option<Result<u8, u8>>)));
    }
}
