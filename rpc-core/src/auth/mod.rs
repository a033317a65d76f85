//! Who may call what: [rules](Rules) of a server, and bearer tokens on either side.
//!
//! ```
//! use farcall::{Code, Outcome, Server, auth::{BearerToken, Callers, Grant, Principal, Rules}};
//!
//! #[farcall::service]
//! pub trait Stock {
//!     #[rpc(requires = "stock.read")]
//!     async fn count(&self) -> farcall::Result<u32>;
//!     #[rpc(requires = "stock.write")]
//!     async fn clear(&self) -> farcall::Result<()>;
//! }
//!
//! # struct Shelf;
//! # impl Stock for Shelf {
//! #     async fn count(&self) -> farcall::Result<u32> { Ok(7) }
//! #     async fn clear(&self) -> farcall::Result<()> { Ok(()) }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> farcall::Result<()> {
//! let server = Server::new()
//!     .service(StockServer::new(Shelf))
//!     .verify_tokens(async |token: BearerToken| match token.secret() {
//!         "engine" => Ok(Principal::new("ada").scopes(["stock.read"])),
//!         _ => Err(farcall::Error::unauthenticated("nobody has this token")),
//!     })
//!     .authorize(
//!         Rules::new()
//!             .allow("dns:orders.internal", Grant::service("Stock"))
//!             .allow(Callers::known(), Grant::scopes()),
//!     );
//! let channel = farcall::Channel::builder().bearer(async || Ok(BearerToken::new("engine"))).loopback(server);
//! let stock = StockClient::new(channel);
//! assert_eq!(stock.count().await?, 7);
//! let error = stock.clear().await.unwrap_err();
//! assert_eq!((error.code(), error.outcome()), (Code::PermissionDenied, Outcome::NotExecuted));
//! # Ok(())
//! # }
//! ```
//!
//! # What a refused caller learns
//! Nothing: a service, an instance or a method that the server does not have is refused with the same bytes as one that
//! the caller may not call. The refusal comes before arguments are decoded, before both sides compare their contracts,
//! and before the server's layers run. Reflection tells of the methods that the caller may call.
//!
//! # Objects
//! The rules are about services. A reference to an object is itself the permission: a handler has given it to this
//! caller, it means nothing on another connection, and it ends with the connection or when the object is revoked. So
//! calls to objects are not held to the rules, and neither are the items of streams. A token that comes with such a
//! call is verified all the same.

mod access;
mod bearer;
mod callers;
mod control;
mod grant;
mod rules;
mod source;
#[cfg(feature = "static-tokens")]
mod static_tokens;
mod token;
mod verify;

pub use access::Access;
pub(crate) use bearer::Bearer;
pub use callers::Callers;
pub(crate) use control::{Admission, Asked, Control, Gate, Unverified};
pub use grant::Grant;
pub use rules::Rules;
pub use source::{Fetching, TokenSource};
#[cfg(feature = "static-tokens")]
pub use static_tokens::StaticTokens;
pub use token::BearerToken;
pub use verify::{VerifyToken, Verifying};

pub use crate::principal::Principal;
