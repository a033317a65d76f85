//! placeholder
/// Something that names an address.
pub trait IntoAddress {}
impl IntoAddress for &str {}
impl IntoAddress for String {}
impl IntoAddress for &String {}
