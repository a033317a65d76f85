//! The attribute of the `farcall` crate; use it as `farcall::service`.
//!
//! The way of a trait through this crate: `args` and `parse` read it into the `model`, with the rules of `check`,
//! `types` and `streams`; `expand` writes what is generated. Mistakes gather in `ctxt`.

mod args;
mod bounds;
mod check;
mod ctxt;
mod expand;
mod lift;
mod model;
mod names;
mod parse;
#[cfg(test)]
mod snapshot;
mod streams;
mod timeout;
mod types;
mod unfinished;

use proc_macro2::TokenStream;
use syn::{Item, ItemTrait};

/// Turns a trait into a service: an ordinary trait still, with a client, a blocking client and a server beside it.
///
/// ```ignore
/// /// Stock of one warehouse.
/// #[farcall::service]
/// pub trait Inventory {
///     async fn stock(&self, sku: &str) -> Result<u32, StockError>;
///     async fn ping(&self) -> u64;
///     fn version(&self) -> String;
///     #[rpc(idempotent, timeout = "2s")]
///     async fn put_blob(&self, key: &str, blob: &[u8]) -> farcall::Result<()>;
/// }
///
/// impl Inventory for Warehouse {
///     async fn stock(&self, sku: &str) -> Result<u32, StockError> {
///         self.shelf(sku).await
///     }
///     // …
/// }
///
/// let inventory = InventoryClient::connect("tcp://127.0.0.1:7401").await?;
/// let count = inventory.stock("apple").await?;
/// ```
///
/// # What is generated
/// | item | for |
/// | --- | --- |
/// | `InventoryClient` | calling: every method of the trait, as a future that borrows neither the client nor the arguments |
/// | `InventoryBlockingClient` | the same methods without `async`, for code outside a runtime |
/// | `InventoryServer<T>` | serving: wraps an implementation `T: Inventory + Send + Sync + 'static` for a server |
///
/// They have the trait's visibility. In the trait itself `async fn f(…) -> T` becomes `fn f(…) -> impl Future<Output =
/// T> + Send`, so that calls can be spawned; implementations still write `async fn`. An async method with a default
/// body gets the bound `Self: Sync`, because its future holds `&self`: implementations of a service are `Sync` anyway,
/// code that is generic over the trait may have to say so.
///
/// `InventoryClient` is itself a value that travels: as an argument, in a result, as an item of a stream. The other
/// side gets a client of the same object or server. `InventoryClient::local(implementation)` makes one of an object
/// that lives as long as somebody has a client of it, on this machine or another;
/// `InventoryClient::loopback(implementation)` calls through everything but a socket.
///
/// The clients have the functions of `farcall::Client` and `farcall::BlockingClient` (`new`, `connect`, `with_timeout`,
/// …) as inherent ones, except where a method of the service has the same name; there the library's trait still has
/// them.
///
/// # What a caller sees
/// | in the trait | on the client |
/// | --- | --- |
/// | `-> Result<T, E>` where `E: From<farcall::Error>` | the same type: a failure of the call arrives as `E::from(error)` |
/// | `-> T` | `farcall::Result<T>` |
/// | `-> impl Stream<Item = Result<T, E>>` where `E: From<farcall::Error>` | a stream of the same items: what breaks it arrives as `Err(E::from(error))`, once and last |
/// | `-> impl Stream<Item = T>` | a stream of `farcall::Result<T>` |
///
/// A return type counts as a `Result` when the last segment of its path ends in `Result`, as `StockResult<T>` does.
/// One that is a `Result` under another name is an error, unless `#[rpc(result)]` or `#[rpc(plain)]` says what it is;
/// they override the rule. Errors of std, anyhow and others stay where they happened: return `farcall::Result<T>` and
/// see `farcall::OrFail`.
///
/// When every method is `async` and returns a `Result`, or returns a stream of `Result`s, `InventoryClient` implements
/// `Inventory`: code over `impl Inventory` takes a local object, a mock or a remote one alike. When none is `async` and
/// all return a `Result`, `InventoryBlockingClient` does. Where the trait has supertraits the client is an
/// implementation once they are implemented for it. Where a method stands in the way the compiler names it; to
/// implement such a trait for its client by hand, say `no_pointers`.
///
/// `&T`, `Box<T>` and `Arc<T>` implement the trait where `T` does, so that a program and its server can share an
/// implementation. They ask of `T` what a method asks of `Self`, and of themselves the supertraits. Where an associated
/// type is bounded by something about `Self`, and with `no_pointers`, there are no such implementations.
///
/// The trait is for generic code and not for `dyn Inventory`: its methods return futures. It needs no `async_trait`,
/// and an implementation with `#[async_trait]` does not fit it.
///
/// # Methods
/// Every method takes `&self`, since calls run side by side. Arguments may be `&str`, `&[u8]`, `&T`, `&[T]`,
/// `Option<&T>`, `Cow<'_, T>` or owned, up to sixteen; results own their data. The types need serde's traits and no
/// more. `Vec<u8>` and other forms of bytes travel as one run of bytes, not one by one. Arguments are encoded when the
/// method is called, before the first `await`; on the server, text and bytes are borrowed from the message.
///
/// A method without `async` is a handler that runs where the call arrives, so it must be quick; with `#[rpc(blocking)]`
/// it runs where waiting is allowed. On `InventoryClient` both are futures like any other.
///
/// # Streams
/// ```ignore
/// #[farcall::service]
/// pub trait Inventory {
///     fn watch(&self, sku: &str) -> impl Stream<Item = Result<u32, StockError>>;
///     async fn export(&self, query: &str) -> Result<impl Stream<Item = Result<Row, StockError>>, StockError>;
///     async fn import(&self, rows: impl Stream<Item = Row>) -> Result<u64, StockError>;
///     fn convert(&self, rows: impl Stream<Item = Row>) -> impl Stream<Item = farcall::Result<Row>>;
/// }
/// ```
///
/// `impl Stream<Item = X>` may be an argument (any number of them), the whole result of a `fn` or an `async fn`, or the
/// good side of an `async fn`'s `Result`; `farcall::Streaming<X>` is the same with a name. A stream stands alone:
/// inside other types there are the ends of `farcall::channel`. In the trait a stream is `Send`, one among the
/// arguments `'static`, too; an implementation need not repeat that. Items own their data.
///
/// A stream that is a result may borrow from `&self` and from the arguments. On the client it is a `farcall::Streaming`
/// that borrows nothing. Without `async` nothing is sent before its first item is asked for. The receiver sets the
/// pace: a sender waits while nobody reads. Dropping the stream cancels the call, and what the implementation returned
/// is dropped at its next await. On `InventoryBlockingClient` it is an iterator.
///
/// The items of an argument are sent while the call's future, or the stream that it returns, is polled, and as long as
/// the method takes them. When the stream breaks half-way a method that takes `Result`s gets `Err(E::from(error))`,
/// once and last. One that takes plain items cannot be told; it is stopped where it waits, and its call fails with the
/// error. So a stream that ends is whole.
///
/// The deadline of a call covers all of its streams. Methods with streams have none unless `timeout`, the client's
/// `with_timeout` or the handler that makes the call sets one; `with_item_timeout` limits the wait for each item of a
/// result, and for the answer of an `async fn` that opens it. They cannot be `oneway` or `blocking`, and `detached`
/// only without a stream as the result.
///
/// # Parameters
/// The trait may have type and constant parameters, `where` clauses and associated types. The clients have the same
/// parameters, followed by one for each associated type; the server has them behind its own: `StoreServer<T, K, V>`.
/// Bounds on serde's traits are inferred from where a parameter occurs, or given with `bound`; the server also asks for
/// `Send`, `Sync` and `'static`.
///
/// # `#[service(…)]`
/// | option | meaning |
/// | --- | --- |
/// | `name = "…"` | the service's name on the wire; the trait's without it |
/// | `bound = "K: …, V: …"` | these bounds in place of the inferred ones on serde's traits |
/// | `no_pointers` | `&T`, `Box<T>` and `Arc<T>` do not implement the trait where `T` does |
/// | `blocking = false` | there is no blocking client, and less to build |
/// | `crate = path` | where the library is, if not at `::farcall`, for one that `Cargo.toml` gives another name (`crate = farcall` if an `extern crate … as farcall` takes that back); a string will do, too |
///
/// # `#[rpc(…)]` on a method
/// | option | meaning |
/// | --- | --- |
/// | `name = "…"` | the method's name on the wire; its identifier without it |
/// | `idempotent` | running it twice does no harm, so it may be sent again when nobody knows whether it ran |
/// | `timeout = "2s"` | the deadline of calls that set none; a whole number of `ns`, `us`, `ms`, `s`, `m` or `h` |
/// | `oneway` | the caller does not wait for the handler; for an `async fn` that returns nothing |
/// | `blocking` | the handler may block its thread; for a plain `fn` |
/// | `detached` | the handler finishes even when the caller goes away |
/// | `result`, `plain` | whether the return type is a `Result` whose error can hold a failure of the call |
///
/// A method's identity on the wire is a hash of the two names and nothing else: methods may be added, moved and, with
/// `name`, renamed. Within a service names must differ, which is checked.
///
/// # What is refused
/// Generic methods, `&mut self` and `self`, patterns, `impl Trait` other than streams, trait objects, functions and
/// borrowed results are errors at the place in question, all of them at once, and say what to write instead. The trait
/// is there all the same, and so is every method without a mistake.
///
/// A service may contain constants that have a value; they are not called and stay with the trait. Docs, `deprecated`
/// and `cfg` of a method are repeated on the clients. Associated types cannot depend on a `cfg`.
///
/// # Names and lints
/// Call things what you like: generated code keeps clear of every name in the trait and around it, except that names
/// which start with `__farcall` are its own. What the trait and its methods `allow` or `expect` is allowed in generated
/// code, too; what they deny is reported once, at the trait.
#[proc_macro_attribute]
pub fn service(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand_service(arguments.into(), item.into()).into()
}

fn expand_service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let context = ctxt::Context::new();
    let mut output = TokenStream::new();
    match parse_trait(&context, &item) {
        Some(item) => {
            output.extend(expand::trait_definition(item.clone()));
            if let Some(service) = parse::service(&context, arguments, item) {
                output.extend(expand::companions(service));
            }
        }
        None => output.extend(item),
    }
    output.extend(context.finish());
    output
}

fn parse_trait(context: &ctxt::Context, item: &TokenStream) -> Option<ItemTrait> {
    match syn::parse2(item.clone()) {
        Ok(Item::Trait(item)) => Some(item),
        Ok(other) => {
            context.error(
                other,
                "a service is declared by a trait: put `#[service]` on one, and above other attributes that rewrite \
                 it, such as mockall's `automock`",
            );
            None
        }
        Err(error) => {
            context.push(error);
            unfinished::parse(item.clone())
        }
    }
}
