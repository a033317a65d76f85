//! Reading a value of a type that is data, as serde's derive does.

use std::{cell::RefCell, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor},
};

use super::{
    types::{Content, Fields, Type},
    values::{Held, Value, default},
};

impl<'de> DeserializeSeed<'de> for &Type {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self {
            Type::Unit => <()>::deserialize(deserializer).map(|()| Value::Unit),
            Type::Bool => bool::deserialize(deserializer).map(Value::Bool),
            &Type::Integer(size, signed) => integer(deserializer, size, signed),
            Type::F32 => f32::deserialize(deserializer).map(Value::F32),
            Type::F64 => f64::deserialize(deserializer).map(Value::F64),
            Type::Char => char::deserialize(deserializer).map(Value::Char),
            Type::Text => String::deserialize(deserializer).map(Value::Text),
            Type::Bytes => serde_bytes::ByteBuf::deserialize(deserializer).map(|of| Value::Bytes(of.into_vec())),
            compound => named(compound, deserializer),
        }
    }
}

/// How many compound types one type may have: each needs a Rust type of its own, for a tracer tells types by that.
pub(super) const MOST: usize = 16;

thread_local! {
    /// The compound types of the type of the moment.
    static COMPOUND: RefCell<Vec<Type>> = const { RefCell::new(Vec::new()) };
}

/// Whether the type has so few different compound types that each of them has a Rust type of its own.
pub(super) fn is_small(of: &Type) -> bool {
    COMPOUND.take();
    of.each_part(&mut |part| {
        number(part);
    });
    COMPOUND.with_borrow(|known| known.len() <= MOST)
}

fn number(of: &Type) -> usize {
    COMPOUND.with_borrow_mut(|known| {
        known.iter().position(|other| other == of).unwrap_or_else(|| {
            known.push(of.clone());
            known.len() - 1
        })
    })
}

fn named<'de, D: Deserializer<'de>>(of: &Type, deserializer: D) -> Result<Value, D::Error> {
    macro_rules! by_number {
        ($($number:literal)*) => {
            match number(of) {
                $($number => compound::<D, $number>(of, deserializer),)*
                number => panic!("type number {number}"),
            }
        };
    }
    by_number!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
}

fn compound<'de, D: Deserializer<'de>, const N: usize>(of: &Type, deserializer: D) -> Result<Value, D::Error> {
    let reader = Reader::<N>(of);
    let read = match of {
        Type::Option(_) => deserializer.deserialize_option(reader),
        Type::Sequence(_) => deserializer.deserialize_seq(reader),
        Type::Map(..) => deserializer.deserialize_map(reader),
        Type::Tuple(parts) => deserializer.deserialize_tuple(parts.len(), reader),
        Type::Newtype(name, _) => deserializer.deserialize_newtype_struct(name, reader),
        Type::Struct(name, fields) => deserializer.deserialize_struct(name, fields.names(), reader),
        Type::Enum(name, variants) => {
            let names = leaked(variants.iter().map(|(name, _)| *name));
            deserializer.deserialize_enum(name, names, reader)
        }
        other => Err(D::Error::custom(format!("{other:?} has no parts"))),
    };
    read.map(|numbered| numbered.0)
}

/// A value of the compound type with this number.
struct Numbered<const N: usize>(Value);

fn integer<'de, D: Deserializer<'de>>(deserializer: D, size: u8, signed: bool) -> Result<Value, D::Error> {
    let of = match (size, signed) {
        (1, false) => u8::deserialize(deserializer)?.into(),
        (2, false) => u16::deserialize(deserializer)?.into(),
        (4, false) => u32::deserialize(deserializer)?.into(),
        (8, false) => u64::deserialize(deserializer)?.into(),
        (_, false) => u128::deserialize(deserializer)?,
        (1, true) => i128::from(i8::deserialize(deserializer)?).cast_unsigned(),
        (2, true) => i128::from(i16::deserialize(deserializer)?).cast_unsigned(),
        (4, true) => i128::from(i32::deserialize(deserializer)?).cast_unsigned(),
        (8, true) => i128::from(i64::deserialize(deserializer)?).cast_unsigned(),
        (_, true) => i128::deserialize(deserializer)?.cast_unsigned(),
    };
    Ok(Value::Integer(of, size, signed))
}

/// serde wants names that live for ever. Tests are short.
fn leaked(names: impl Iterator<Item = &'static str>) -> &'static [&'static str] {
    Vec::leak(names.collect())
}

impl Fields {
    fn names(&self) -> &'static [&'static str] {
        leaked(self.list.iter().map(|field| field.name))
    }
}

struct Reader<'a, const N: usize>(&'a Type);

impl<'de, const N: usize> Visitor<'de> for Reader<'_, N> {
    type Value = Numbered<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }

    fn visit_none<E: Error>(self) -> Result<Numbered<N>, E> {
        Ok(Numbered(Value::Option(None)))
    }

    fn visit_unit<E: Error>(self) -> Result<Numbered<N>, E> {
        match self.0 {
            Type::Option(_) => Ok(Numbered(Value::Option(None))),
            other => Err(E::custom(format!("nothing in the place of {other:?}"))),
        }
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Numbered<N>, D::Error> {
        match self.0 {
            Type::Option(of) => of
                .deserialize(deserializer)
                .map(|of| Numbered(Value::Option(Some(Box::new(of))))),
            other => Err(D::Error::custom(format!("an option in the place of {other:?}"))),
        }
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Numbered<N>, D::Error> {
        match self.0 {
            Type::Newtype(name, of) => of
                .deserialize(deserializer)
                .map(|of| Numbered(Value::Newtype(name, Box::new(of)))),
            other => Err(D::Error::custom(format!("a newtype in the place of {other:?}"))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Numbered<N>, A::Error> {
        match self.0 {
            Type::Sequence(of) => {
                let mut list = Vec::new();
                while let Some(element) = access.next_element_seed(&**of)? {
                    list.push(element);
                }
                Ok(Numbered(Value::Sequence(list)))
            }
            Type::Tuple(parts) => elements(parts, access).map(|of| Numbered(Value::Tuple(of))),
            Type::Newtype(name, of) => {
                let of = elements(std::slice::from_ref(&**of), access)?.swap_remove(0);
                Ok(Numbered(Value::Newtype(name, Box::new(of))))
            }
            Type::Struct(name, fields) => fields_in_order(fields, access).map(|of| Numbered(Value::Struct(name, of))),
            other => Err(A::Error::custom(format!("a sequence in the place of {other:?}"))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Numbered<N>, A::Error> {
        match self.0 {
            Type::Map(key, of) => {
                let mut entries = Vec::new();
                while let Some(entry) = access.next_entry_seed(&**key, &**of)? {
                    entries.push(entry);
                }
                Ok(Numbered(Value::Map(entries)))
            }
            Type::Struct(name, fields) => fields_by_name(fields, access).map(|of| Numbered(Value::Struct(name, of))),
            other => Err(A::Error::custom(format!("a map in the place of {other:?}"))),
        }
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Numbered<N>, A::Error> {
        let Type::Enum(name, variants) = self.0 else {
            return Err(A::Error::custom("an enum in the place of something else"));
        };
        let names: Vec<_> = variants.iter().map(|(name, _)| *name).collect();
        let (index, access) = access.variant_seed(Name(&names))?;
        let index = index.ok_or_else(|| A::Error::custom("an unknown variant"))?;
        let (variant, content) = &variants[index];
        let held = match content {
            Content::Unit => access.unit_variant().map(|()| Held::Unit)?,
            Content::Newtype(of) => access.newtype_variant_seed(of).map(Held::Newtype)?,
            Content::Tuple(parts) => access.tuple_variant(parts.len(), Parts(parts)).map(Held::Tuple)?,
            Content::Struct(fields) => access.struct_variant(fields.names(), Named(fields)).map(Held::Struct)?,
        };
        Ok(Numbered(Value::Variant(name, index as u32, variant, Box::new(held))))
    }
}

fn elements<'de, A: SeqAccess<'de>>(parts: &[Type], mut access: A) -> Result<Vec<Value>, A::Error> {
    let mut elements = Vec::new();
    for part in parts {
        let element = access.next_element_seed(part)?;
        elements.push(element.ok_or_else(|| A::Error::custom("too few elements"))?);
    }
    Ok(elements)
}

type NamedValues = Vec<(&'static str, Value)>;

fn fields_in_order<'de, A: SeqAccess<'de>>(fields: &Fields, mut access: A) -> Result<NamedValues, A::Error> {
    let mut values = Vec::new();
    for field in &fields.list {
        let value = match access.next_element_seed(&field.of)? {
            None if field.default => default(&field.of),
            value => value.ok_or_else(|| A::Error::custom("too few fields"))?,
        };
        values.push((field.name, value));
    }
    Ok(values)
}

fn fields_by_name<'de, A: MapAccess<'de>>(fields: &Fields, mut access: A) -> Result<NamedValues, A::Error> {
    let names: Vec<_> = fields.list.iter().map(|field| field.name).collect();
    let mut values: Vec<Option<Value>> = vec![None; names.len()];
    while let Some(index) = access.next_key_seed(Name(&names))? {
        match index {
            Some(index) if values[index].is_some() => return Err(A::Error::custom("a field twice")),
            Some(index) => values[index] = Some(access.next_value_seed(&fields.list[index].of)?),
            None if fields.strict => return Err(A::Error::custom("an unknown field")),
            None => drop(access.next_value::<IgnoredAny>()?),
        }
    }
    let missing = |field: &super::types::Field| {
        let may = field.default || matches!(field.of, Type::Option(_));
        may.then(|| default(&field.of))
            .ok_or_else(|| A::Error::custom("a field is missing"))
    };
    let values = fields.list.iter().zip(values).map(|(field, value)| {
        let value = value.map_or_else(|| missing(field), Ok)?;
        Ok((field.name, value))
    });
    values.collect()
}

/// The place of a name in a list, by itself or by its number; `None` if it is not there.
struct Name<'a>(&'a [&'static str]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {:?}", self.0)
    }

    fn visit_u64<E: Error>(self, index: u64) -> Result<Option<usize>, E> {
        Ok(usize::try_from(index).ok().filter(|index| *index < self.0.len()))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|other| *other == name))
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|other| other.as_bytes() == name))
    }
}

struct Parts<'a>(&'a [Type]);

impl<'de> Visitor<'de> for Parts<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the parts of a variant")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Vec<Value>, A::Error> {
        elements(self.0, access)
    }
}

struct Named<'a>(&'a Fields);

impl<'de> Visitor<'de> for Named<'_> {
    type Value = NamedValues;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of a variant")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<NamedValues, A::Error> {
        fields_in_order(self.0, access)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<NamedValues, A::Error> {
        fields_by_name(self.0, access)
    }
}
