//! A trait may come out of a `macro_rules!` with everything that it was given: literals, types, blocks, attributes.
use farcall::{Result, Service as _};
use std::time::Duration;

macro_rules! declared {
    (
        $(#[$attribute:meta])*
        $visibility:vis $name:ident, $wire:literal, $library:path, $bound:expr;
        $(#[$option:meta])* $method:ident, $as:literal, $timeout:expr,
        $($argument:ident: $type:ty),* => $result:ty $body:block
    ) => {
        $(#[$attribute])*
        #[farcall::service(name = $wire, crate = $library, bound = $bound)]
        $visibility trait $name<K> {
            #[rpc(name = $as, timeout = $timeout)]
            $(#[$option])*
            async fn $method(&self, $($argument: $type),*) -> $result $body
            async fn kept(&self, key: K) -> Result<K>;
        }
    };
}

declared! {
    /// Documented.
    pub(crate) Declared, "declared.v1", ::farcall, "K: serde::Serialize + serde::de::DeserializeOwned";
    #[rpc(idempotent)]
    length, "wire-length", "2s", text: &str, more: Option<&[u8]> => Result<usize> {
        Ok(text.len() + more.map_or(0, <[u8]>::len))
    }
}

struct Service;

impl Declared<u8> for Service {
    async fn kept(&self, key: u8) -> Result<u8> {
        Ok(key)
    }
}

#[tokio::test]
async fn what_a_macro_was_given_is_read_like_what_is_written() -> Result<()> {
    let descriptor = DeclaredServer::new(Service).descriptor();
    assert_eq!(descriptor.name, "declared.v1");
    assert_eq!(descriptor.methods[0].path, "declared.v1.wire-length");
    assert_eq!(descriptor.methods[0].timeout, Some(Duration::from_secs(2)));
    assert!(descriptor.methods[0].idempotent);
    let client = DeclaredClient::<u8>::loopback(Service);
    assert_eq!(client.length("abc", Some(&[1, 2])).await?, 5);
    assert_eq!(client.kept(7).await?, 7);
    Ok(())
}
