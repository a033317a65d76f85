//! A format has the same number and name in every build.

use farcall::codec::{Bincode, Codec, DecodeLimits, Format};

#[test]
fn bincode_is_number_one_and_the_default() {
    assert_eq!(Format::default(), Format::Bincode);
    assert_eq!(Format::Bincode.id(), 1);
    assert_eq!(Format::Bincode.to_string(), "bincode");
}

#[cfg(feature = "postcard")]
#[test]
fn postcard_is_number_two() {
    assert_eq!(Format::Postcard.id(), 2);
    assert_eq!(Format::Postcard.to_string(), "postcard");
}

#[cfg(feature = "json")]
#[test]
fn json_is_number_three() {
    assert_eq!(Format::Json.id(), 3);
    assert_eq!(Format::Json.to_string(), "json");
    assert!(Format::Json.is_named());
}

#[cfg(feature = "cbor")]
#[test]
fn cbor_is_number_four() {
    assert_eq!(Format::Cbor.id(), 4);
    assert_eq!(Format::Cbor.to_string(), "cbor");
    assert!(Format::Cbor.is_named());
}

#[test]
fn names_lead_back_to_the_formats_of_this_build_and_others_are_explained() {
    for &format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    let unknown = |name: &str| name.parse::<Format>().expect_err("no such format").to_string();
    let all = Format::ALL.iter().map(Format::to_string).collect::<Vec<_>>().join(", ");
    assert_eq!(
        unknown("Json"),
        format!("there is no format \"Json\"; this build of farcall has {all}")
    );
    for name in ["bincode", "postcard", "json", "cbor"] {
        if !all.contains(name) {
            let why = unknown(name);
            assert!(why.contains(&format!("enable its feature `{name}`")), "{why}");
        }
    }
}

#[test]
fn numbers_lead_back_to_the_formats_of_this_build_and_to_no_other() {
    let known: Vec<Format> = (0..=u8::MAX).filter_map(Format::from_id).collect();
    assert_eq!(known, Format::ALL);
    for &format in Format::ALL {
        assert_eq!(Format::from_id(format.id()), Some(format));
    }
}

#[test]
fn a_format_writes_what_its_codec_writes() {
    let mut through_format = Vec::new();
    let mut direct = Vec::new();
    let value = (300_u32, "apple", Some(-1_i64));
    Format::Bincode.encode(&value, &mut through_format).expect("encodes");
    Bincode.encode(&value, &mut direct).expect("encodes");
    assert_eq!(through_format, direct);
    assert_eq!(Bincode.decode(&direct, DecodeLimits::default()), Ok(value));
}

#[cfg(feature = "postcard")]
#[test]
fn the_formats_differ() {
    let mut bincode = Vec::new();
    let mut postcard = Vec::new();
    Format::Bincode.encode(&300_u32, &mut bincode).expect("encodes");
    farcall::codec::Postcard
        .encode(&300_u32, &mut postcard)
        .expect("encodes");
    assert_eq!(
        (bincode.as_slice(), postcard.as_slice()),
        (&[251, 44, 1][..], &[172, 2][..])
    );
}
