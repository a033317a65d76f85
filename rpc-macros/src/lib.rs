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

/// Turns a trait into a service: the trait stays ordinary, and gets a client, a blocking client and a server beside it.
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
/// `InventoryClient` is itself a value that can be sent: as an argument, in a result, as an item of a stream. The other
/// side gets a client of the same object or server. `InventoryClient::local(implementation)` makes a client of an
/// object that lives as long as there is a client of it, on this machine or another;
/// `InventoryClient::loopback(implementation)` calls through everything but a socket.
///
/// The clients have the functions of `farcall::Client` and `farcall::BlockingClient` (`new`, `connect`, `with_timeout`,
/// …) as inherent functions. If a method of the service has the same name, the function is only in the library's trait.
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
/// A `Result` under another name is an error, unless `#[rpc(result)]` or `#[rpc(plain)]` says what it is; they override
/// the rule. Errors of std, anyhow and other libraries cannot be sent: return `farcall::Result<T>` and see
/// `farcall::OrFail`.
///
/// When every method is `async` and returns a `Result`, or returns a stream of `Result`s, `InventoryClient` implements
/// `Inventory`: code that takes `impl Inventory` accepts a local object, a mock and a remote object alike. When no
/// method is `async` and all return a `Result`, `InventoryBlockingClient` implements it. If the trait has supertraits,
/// implement them for the client first. If a method prevents the implementation, the compiler names it; to implement
/// such a trait for its client by hand, use `no_pointers`.
///
/// `&T`, `Box<T>` and `Arc<T>` implement the trait where `T` does, so that a program and its server can share an
/// implementation. `T` must meet the bounds that a method has on `Self`, and the pointer must implement the
/// supertraits. If an associated type has a bound that involves `Self`, and with `no_pointers`, there are no such
/// implementations.
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
/// it runs on a thread that may block. On `InventoryClient` both return futures like the others.
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
/// `Ok` value of an `async fn`'s `Result`; `farcall::Streaming<X>` is the same with a name. A stream cannot be part of
/// another type: use the ends of `farcall::channel` there. In the trait a stream is `Send`, and `'static` if it is an
/// argument; an implementation need not repeat that. Items own their data.
///
/// A stream that is a result may borrow from `&self` and from the arguments. On the client it is a `farcall::Streaming`
/// that borrows nothing. Without `async` nothing is sent until the stream is first polled. The receiver sets the pace:
/// the sender waits while the receiver does not read. Dropping the stream cancels the call, and the stream that the
/// implementation returned is dropped at its next await. On `InventoryBlockingClient` it is an iterator.
///
/// The items of an argument are sent while the call's future, or the stream that it returns, is polled, and as long as
/// the method takes them. If the stream breaks half-way, a method that takes `Result`s gets `Err(E::from(error))` as
/// the last item. A method that takes plain items cannot get an error: it is stopped at its next await, and its call
/// fails with the error. So a stream that ends is complete.
///
/// The deadline of a call covers all of its streams. A method with streams has no deadline unless `timeout`, the
/// client's `with_timeout` or the handler that makes the call sets one; `with_item_timeout` limits the wait for each
/// item of a result, and for the answer of an `async fn` that opens it. A method with streams cannot be `oneway` or
/// `blocking`. It can be `detached` if its result is not a stream.
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
/// | `name = "…"` | the service's name on the wire; the default is the trait's |
/// | `bound = "K: …, V: …"` | these bounds in place of the inferred ones on serde's traits |
/// | `no_pointers` | `&T`, `Box<T>` and `Arc<T>` do not implement the trait where `T` does |
/// | `blocking = false` | there is no blocking client, and less to build |
/// | `requires = "…"` | what a caller needs for each method that does not say it itself |
/// | `crate = path` | where the library is, if not at `::farcall` because `Cargo.toml` gives it another name (`crate = farcall` after `extern crate … as farcall`); a path or a string |
///
/// # `#[rpc(…)]` on a method
/// | option | meaning |
/// | --- | --- |
/// | `name = "…"` | the method's name on the wire; the default is its identifier |
/// | `idempotent` | running it twice does no harm, so a layer may send it again when it is unknown whether it ran |
/// | `timeout = "2s"` | the deadline of calls that set none; a whole number of `ns`, `us`, `ms`, `s`, `m` or `h` |
/// | `requires = "stock.write"` | what a caller needs for it, in place of what the service says; rules of a server and layers look at it |
/// | `priority = "high"` | whether a server that is overloaded refuses it first (`low`) or last (`high`); see `farcall::layer::AdaptiveLimit` |
/// | `oneway` | the caller does not wait for the handler; for an `async fn` that returns nothing |
/// | `blocking` | the handler may block its thread; for a plain `fn` |
/// | `detached` | the handler finishes even when the caller goes away |
/// | `result`, `plain` | whether the return type is a `Result` whose error can hold a failure of the call |
///
/// A method's identity on the wire is a hash of the two names and nothing else: methods may be added, moved and, with
/// `name`, renamed. The names within a service must differ; the compiler checks that.
///
/// # What is refused
/// Generic methods, `&mut self` and `self`, patterns, `impl Trait` other than streams, trait objects, functions and
/// borrowed results are refused. The compiler shows all such errors at once, each at its place, and says what to write
/// instead. The trait and every method without a mistake exist nevertheless.
///
/// A service may contain constants that have a value; they are not called and stay with the trait. Docs, `deprecated`
/// and `cfg` of a method are repeated on the clients. Associated types cannot depend on a `cfg`.
///
/// # Names and lints
/// You may use any names, except those that start with `__farcall`: generated code does not collide with names in the
/// trait or around it. Lints that the trait and its methods `allow` or `expect` are allowed in generated code, too; a
/// lint that they deny is reported once, at the trait.
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
