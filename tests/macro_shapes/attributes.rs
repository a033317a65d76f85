//! `cfg`, `deprecated`, visibility, and where a trait may stand.

use farcall::{Result, Service as _, service::MethodDescriptor};

#[farcall::service]
pub trait Conditional {
    #[cfg(any())]
    async fn never(&self, of: Missing) -> Result<Missing>;
    async fn first(&self) -> Result<u8>;
    #[cfg(not(all(any(), any())))]
    async fn always(&self) -> Result<u8>;
    #[cfg(any())]
    async fn neither(&self) -> Result<Missing>;
    #[cfg(not(any()))]
    async fn same(&self) -> Result<u8>;
    #[cfg(any())]
    async fn same(&self) -> Result<Missing>;
    async fn last(&self) -> Result<u8>;
}

struct Service;

impl Conditional for Service {
    async fn first(&self) -> Result<u8> {
        Ok(1)
    }
    async fn always(&self) -> Result<u8> {
        Ok(2)
    }
    async fn same(&self) -> Result<u8> {
        Ok(3)
    }
    async fn last(&self) -> Result<u8> {
        Ok(4)
    }
}

#[tokio::test]
async fn methods_under_a_cfg() -> Result<()> {
    let names = |service: &ConditionalServer<Service>| {
        let methods = service.descriptor().methods.iter();
        methods.map(MethodDescriptor::method).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&ConditionalServer::new(Service)), "first always same last");
    let client = ConditionalClient::loopback(Service);
    assert_eq!(client.first().await?, 1);
    assert_eq!(client.always().await?, 2);
    assert_eq!(client.same().await?, 3);
    assert_eq!(client.last().await?, 4);
    Ok(())
}

#[farcall::service]
#[cfg(any())]
pub trait Absent {
    async fn of(&self, missing: Missing) -> Result<Missing>;
}

/// The constant is the trait's own business; so are `must_use` and lints.
#[farcall::service]
#[must_use]
pub trait Decorated: Send + Sync {
    const LIMIT: usize = 3;

    #[deprecated = "use `count`"]
    async fn number(&self) -> Result<u8>;
    #[cfg_attr(all(), doc = "Counts.", deprecated)]
    async fn count(&self) -> Result<u8>;
}

impl Decorated for Service {
    async fn number(&self) -> Result<u8> {
        Ok(1)
    }
    async fn count(&self) -> Result<u8> {
        Ok(2)
    }
}

#[tokio::test]
async fn deprecation_is_repeated() -> Result<()> {
    let client = DecoratedClient::loopback(Service);
    #[expect(deprecated)]
    let number = client.number().await?;
    #[expect(deprecated)]
    let count = client.count().await?;
    assert_eq!((number, count, <DecoratedClient as Decorated>::LIMIT), (1, 2, 3));
    Ok(())
}

mod inner {
    use farcall::Result;

    #[farcall::service]
    pub(super) trait Upward {
        async fn number(&self) -> Result<Number>;
    }

    #[farcall::service]
    pub(in crate::attributes) trait Within {
        async fn number(&self) -> Result<Number>;
    }

    #[farcall::service]
    trait Private {
        async fn number(&self) -> Result<Number>;
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub(super) struct Number(pub(super) u8);

    pub(super) struct Service;

    impl Upward for Service {
        async fn number(&self) -> Result<Number> {
            Ok(Number(1))
        }
    }
    impl Within for Service {
        async fn number(&self) -> Result<Number> {
            Ok(Number(2))
        }
    }
    impl Private for Service {
        async fn number(&self) -> Result<Number> {
            Ok(Number(3))
        }
    }

    #[tokio::test]
    async fn a_private_trait() -> Result<()> {
        assert_eq!(PrivateClient::loopback(Service).number().await?, Number(3));
        Ok(())
    }
}

#[tokio::test]
async fn restricted_visibility() -> Result<()> {
    assert_eq!(
        inner::UpwardClient::loopback(inner::Service).number().await?,
        inner::Number(1)
    );
    assert_eq!(
        inner::WithinClient::loopback(inner::Service).number().await?,
        inner::Number(2)
    );
    Ok(())
}

#[tokio::test]
async fn a_trait_in_a_function() -> Result<()> {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Number(u8);

    #[farcall::service]
    trait Local {
        async fn next(&self, number: &Number) -> Result<Number>;
    }

    struct Service;

    impl Local for Service {
        async fn next(&self, number: &Number) -> Result<Number> {
            Ok(Number(number.0 + 1))
        }
    }

    assert_eq!(LocalClient::loopback(Service).next(&Number(1)).await?, Number(2));
    Ok(())
}

macro_rules! declare {
    ($name:ident, $method:ident, $argument:ident: $ty:ty) => {
        #[farcall::service]
        trait $name {
            async fn $method(&self, $argument: &$ty, own: Vec<$ty>) -> Result<$ty>;
        }
    };
}

declare!(Declared, largest, least: u8);

impl Declared for Service {
    async fn largest(&self, least: &u8, own: Vec<u8>) -> Result<u8> {
        Ok(own.into_iter().fold(*least, u8::max))
    }
}

#[tokio::test]
async fn a_trait_from_a_macro() -> Result<()> {
    assert_eq!(DeclaredClient::loopback(Service).largest(&1, vec![3, 2]).await?, 3);
    Ok(())
}

#[farcall::service]
trait Empty {}

impl Empty for Service {}

#[test]
fn a_trait_without_methods() {
    assert!(EmptyServer::new(Service).descriptor().methods.is_empty());
}

/// A user has the name of its blocking client, which is left out.
#[farcall::service(blocking = false)]
pub trait Quiet {
    async fn number(&self) -> Result<u32>;
}

#[derive(Debug, Default)]
pub struct QuietBlockingClient;

impl Quiet for QuietBlockingClient {
    async fn number(&self) -> Result<u32> {
        Ok(8)
    }
}

#[farcall::service(blocking = true)]
trait Loud {
    fn number(&self) -> u32;
}

#[tokio::test]
async fn the_blocking_client_is_left_out_where_it_is_not_wanted() -> Result<()> {
    assert_eq!(QuietClient::loopback(QuietBlockingClient).number().await?, 8);
    let _: Option<LoudBlockingClient> = None;
    Ok(())
}
