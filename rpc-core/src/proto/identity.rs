//! The ids of services, methods and instances on the wire.

/// The identity of a method on the wire, from names alone: reordering or adding methods changes no other method's.
///
/// The upper half is a hash of the service's name and the lower half one of the method's, so a server can tell an
/// unknown service from an unknown method.
///
/// ```
/// use farcall::service::method_id;
///
/// assert_ne!(method_id("Inventory", "stock"), method_id("Inventory", "reserve"));
/// assert_eq!(method_id("Inventory", "stock") >> 32, method_id("Inventory", "reserve") >> 32);
/// ```
pub const fn method_id(service: &str, method: &str) -> u64 {
    ((service_id(service) as u64) << 32) | fold(fnv1a(method)) as u64
}

/// FNV-1a, 64 bits: tiny, const, and only accidents matter here, since names come from source code.
pub(crate) const fn fnv1a(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

/// The id of a service on the wire: the upper half of the ids of all its methods.
pub(crate) const fn service_id(service: &str) -> u32 {
    fold(fnv1a(service))
}

const fn fold(hash: u64) -> u32 {
    (hash ^ (hash >> 32)) as u32
}
