/// Stock of one warehouse.
pub trait Inventory<K>: Send {
    type Row: Clone;
    /// How many of `sku` are on the shelf.
    fn stock(
        &self,
        sku: &str,
    ) -> impl ::core::future::Future<
        Output = Result<u32, StockError>,
    > + ::core::marker::Send;
    fn put(
        &self,
        key: K,
        row: &Self::Row,
        blob: &[u8],
    ) -> impl ::core::future::Future<
        Output = farcall::Result<Vec<u8>>,
    > + ::core::marker::Send;
    #[cfg(unix)]
    fn version(&self) -> String;
    fn note(
        &self,
        text: Option<&Note>,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send
    where
        Self: ::core::marker::Sync,
    {
        async move {
            print(text);
        }
    }
}
#[allow(
    dead_code,
    deprecated,
    nonstandard_style,
    unused_braces,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::restriction,
)]
/// Calls the methods of a remote [`Inventory`].
pub struct InventoryClient<K, Row> {
    stub: ::farcall::macro_support::Stub,
    types: ::core::marker::PhantomData<
        fn() -> (::core::marker::PhantomData<K>, ::core::marker::PhantomData<Row>),
    >,
}
#[allow(
    dead_code,
    deprecated,
    nonstandard_style,
    unused_braces,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::restriction,
)]
///Calls the methods of a remote [`Inventory`] and waits for each answer.
pub struct InventoryBlockingClient<K, Row> {
    stub: ::farcall::macro_support::BlockingStub,
    types: ::core::marker::PhantomData<
        fn() -> (::core::marker::PhantomData<K>, ::core::marker::PhantomData<Row>),
    >,
}
#[allow(
    dead_code,
    deprecated,
    nonstandard_style,
    unused_braces,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::restriction,
)]
/// Lets a server answer calls with an implementation of [`Inventory`].
pub struct InventoryServer<T, K> {
    implementation: ::std::sync::Arc<T>,
    types: ::core::marker::PhantomData<fn() -> (::core::marker::PhantomData<K>,)>,
}
#[allow(
    dead_code,
    deprecated,
    nonstandard_style,
    unused_braces,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::restriction,
)]
const _: () = {
    use ::farcall::macro_support as __farcall;
    const _: () = {
        use __farcall::NoResult as _;
        fn Inventory() {
            {
                let __farcall_type0 = __farcall::Demand::<StockError>::new();
                {
                    enum stock {}
                    enum Err {}
                    __farcall_type0.error_output::<stock, Err>();
                    __farcall_type0.error::<stock, Err>();
                }
            }
            {
                let __farcall_type0 = __farcall::Demand::<Note>::new();
                {
                    enum note {}
                    enum text {}
                    __farcall_type0.argument::<note, text>();
                }
            }
        }
    };
    const __FARCALL_METHODS: &[__farcall::MethodDescriptor] = &[
        __farcall::MethodDescriptor::new("Inventory.stock").arguments(&["sku"]),
        __farcall::MethodDescriptor::new("Inventory.put")
            .arguments(&["key", "row", "blob"])
            .idempotent()
            .timeout(__farcall::std::time::Duration::new(2u64, 0u32)),
        #[cfg(unix)]
        __farcall::MethodDescriptor::new("Inventory.version"),
        __farcall::MethodDescriptor::new("Inventory.note").arguments(&["text"]).oneway(),
    ];
    static __FARCALL_DESCRIPTOR: __farcall::ServiceDescriptor = __farcall::ServiceDescriptor::new(
            "Inventory",
            __FARCALL_METHODS,
        )
        .client("farcall::Client of Inventory");
    const _: () = __farcall::std::assert!(
        __farcall::are_distinct(& __FARCALL_DESCRIPTOR),
        "two methods of this service have the same id on the wire: rename one with #[rpc(name = \"…\")]"
    );
    enum __FarcallPosition {
        Method0,
        Method1,
        #[cfg(unix)]
        Method2,
        Method3,
    }
    __farcall::client! {
        [K, Row] [InventoryClient < K, Row >] __FARCALL_DESCRIPTOR
    }
    impl<K, Row> InventoryClient<K, Row> {
        __farcall::provided! {
            pub Client : connect new channel with_timeout with_item_timeout with_metadata
            with_metadata_bin with_reply_metadata closed
        }
    }
    impl<K, Row: Clone> InventoryClient<K, Row> {
        /// A client of `implementation` in this process: calls pass through everything but a socket.
        pub fn loopback<T>(implementation: T) -> Self
        where
            T: Inventory<K, Row = Row> + ::core::marker::Send + ::core::marker::Sync
                + 'static,
            InventoryServer<T, K>: __farcall::Service,
        {
            let __farcall_server = InventoryServer::<T, K>::new(implementation);
            __farcall::Client::new(__farcall::Channel::loopback(__farcall_server))
        }
        /// A client of `implementation`, which lives as long as a client of it exists, here or in another process.
        pub fn local<T>(implementation: T) -> Self
        where
            T: Inventory<K, Row = Row> + ::core::marker::Send + ::core::marker::Sync
                + 'static,
            InventoryServer<T, K>: __farcall::Service,
        {
            let __farcall_server = InventoryServer::<T, K>::new(implementation);
            __farcall::Client::new(__farcall::Channel::local(__farcall_server))
        }
    }
    impl<K, Row: Clone> InventoryClient<K, Row>
    where
        K: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
        Row: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
    {
        /// How many of `sku` are on the shelf.
        #[inline]
        pub fn stock(&self, sku: &str) -> __farcall::Call<Result<u32, StockError>> {
            use __farcall::{Unreceivable as _, Unsendable as _};
            __farcall::Stub::call(
                __farcall::Stub::of::<InventoryClient<K, Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR
                    .methods[__FarcallPosition::Method0
                    as __farcall::std::primitive::usize],
                &(sku,),
                __farcall::Received::<Result<u32, StockError>>::new().fallible(),
            )
        }
        /// Calls `Inventory::put`.
        #[inline]
        pub fn put(
            &self,
            key: K,
            row: &Row,
            blob: &[u8],
        ) -> __farcall::Call<farcall::Result<Vec<u8>>> {
            __farcall::Stub::call(
                __farcall::Stub::of::<InventoryClient<K, Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR
                    .methods[__FarcallPosition::Method1
                    as __farcall::std::primitive::usize],
                &(key, row, __farcall::AsBytes(blob)),
                __farcall::fallible_bytes,
            )
        }
        #[cfg(unix)]
        /// Calls `Inventory::version`.
        #[inline]
        pub fn version(&self) -> __farcall::Call<::farcall::Result<String>> {
            __farcall::Stub::call(
                __farcall::Stub::of::<InventoryClient<K, Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR
                    .methods[__FarcallPosition::Method2
                    as __farcall::std::primitive::usize],
                &(),
                __farcall::plain,
            )
        }
        /// Calls `Inventory::note`.
        #[inline]
        pub fn note(
            &self,
            text: Option<&Note>,
        ) -> __farcall::Call<::farcall::Result<()>> {
            use __farcall::{Unreceivable as _, Unsendable as _};
            __farcall::Stub::call(
                __farcall::Stub::of::<InventoryClient<K, Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR
                    .methods[__FarcallPosition::Method3
                    as __farcall::std::primitive::usize],
                &(__farcall::Sent(text).value(),),
                __farcall::Received::<()>::new().plain(),
            )
        }
    }
    #[automatically_derived]
    impl<K, Row: Clone> __farcall::Typed for InventoryClient<K, Row>
    where
        K: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
        Row: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
    {
        fn described() -> &'static __farcall::ServiceDescriptor {
            &__FARCALL_DESCRIPTOR
        }
        fn types() -> __farcall::std::boxed::Box<[__farcall::MethodTypes]> {
            use __farcall::Untraceable as _;
            __farcall::std::boxed::Box::new([
                __farcall::MethodTypes::new(
                    &[__farcall::TypeOf::<&str>::new().value()],
                    __farcall::TypeOf::<Result<u32, StockError>>::new().fallible(),
                ),
                __farcall::MethodTypes::new(
                    &[
                        __farcall::TypeOf::<K>::new().value(),
                        __farcall::TypeOf::<Row>::new().value(),
                        __farcall::TypeOf::<__farcall::AsBytes<&[u8]>>::new().value(),
                    ],
                    __farcall::TypeOf::<farcall::Result<Vec<u8>>>::new().fallible_bytes(),
                ),
                #[cfg(unix)]
                __farcall::MethodTypes::new(
                    &[],
                    __farcall::TypeOf::<String>::new().plain(),
                ),
                __farcall::MethodTypes::new(
                    &[
                        __farcall::TypeOf::<__farcall::std::option::Option<Note>>::new()
                            .value(),
                    ],
                    __farcall::TypeOf::<()>::new().plain(),
                ),
            ])
        }
    }
    impl<K, Row: Clone> InventoryClient<K, Row>
    where
        K: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
        Row: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
    {
        /// What both sides of the calls have to agree on.
        pub fn contract() -> __farcall::Contract {
            __farcall::ServiceTypes::of::<Self>().contract()
        }
    }
    __farcall::blocking_client! {
        [K, Row] [InventoryBlockingClient < K, Row >]
    }
    impl<K, Row> InventoryBlockingClient<K, Row> {
        __farcall::provided! {
            pub BlockingClient : connect new channel with_timeout with_item_timeout
            with_metadata with_metadata_bin with_reply_metadata
        }
    }
    impl<K, Row: Clone> InventoryBlockingClient<K, Row>
    where
        K: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
        Row: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
    {
        /// How many of `sku` are on the shelf.
        #[inline]
        pub fn stock(&self, sku: &str) -> Result<u32, StockError> {
            use __farcall::{Unreceivable as _, Unsendable as _};
            __farcall::BlockingStub::call(
                __farcall::BlockingStub::of::<InventoryClient<K, Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR
                    .methods[__FarcallPosition::Method0
                    as __farcall::std::primitive::usize],
                &(sku,),
                __farcall::Received::<Result<u32, StockError>>::new().fallible(),
            )
        }
        /// Calls `Inventory::put`.
        #[inline]
        pub fn put(&self, key: K, row: &Row, blob: &[u8]) -> farcall::Result<Vec<u8>> {
            __farcall::BlockingStub::call(
                __farcall::BlockingStub::of::<InventoryClient<K, Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR
                    .methods[__FarcallPosition::Method1
                    as __farcall::std::primitive::usize],
                &(key, row, __farcall::AsBytes(blob)),
                __farcall::fallible_bytes,
            )
        }
        #[cfg(unix)]
        /// Calls `Inventory::version`.
        #[inline]
        pub fn version(&self) -> ::farcall::Result<String> {
            __farcall::BlockingStub::call(
                __farcall::BlockingStub::of::<InventoryClient<K, Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR
                    .methods[__FarcallPosition::Method2
                    as __farcall::std::primitive::usize],
                &(),
                __farcall::plain,
            )
        }
        /// Calls `Inventory::note`.
        #[inline]
        pub fn note(&self, text: Option<&Note>) -> ::farcall::Result<()> {
            use __farcall::{Unreceivable as _, Unsendable as _};
            __farcall::BlockingStub::call(
                __farcall::BlockingStub::of::<InventoryClient<K, Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR
                    .methods[__FarcallPosition::Method3
                    as __farcall::std::primitive::usize],
                &(__farcall::Sent(text).value(),),
                __farcall::Received::<()>::new().plain(),
            )
        }
    }
    __farcall::server! {
        pub [T, K] [InventoryServer < T, K >] T
    }
    #[automatically_derived]
    impl<T, K> __farcall::Service for InventoryServer<T, K>
    where
        T: Inventory<K> + ::core::marker::Send + ::core::marker::Sync + 'static,
        K: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
        <T as Inventory<
            K,
        >>::Row: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
        K: ::core::marker::Send + ::core::marker::Sync + 'static,
        <T as Inventory<K>>::Row: ::core::marker::Send + ::core::marker::Sync + 'static,
    {
        fn descriptor(&self) -> &'static __farcall::ServiceDescriptor {
            &__FARCALL_DESCRIPTOR
        }
        fn types(
            &self,
        ) -> __farcall::std::option::Option<&'static __farcall::ServiceTypes> {
            __farcall::std::option::Option::Some(
                __farcall::ServiceTypes::of::<
                    InventoryClient<K, <T as Inventory<K>>::Row>,
                >(),
            )
        }
        #[allow(unused_variables)]
        fn dispatch(
            &self,
            __farcall_index: __farcall::std::primitive::usize,
            __farcall_invocation: __farcall::Invocation,
        ) -> __farcall::Handler {
            let __farcall_service: __farcall::std::sync::Arc<T> = ::core::clone::Clone::clone(
                &self.implementation,
            );
            match __farcall_index {
                _ if __farcall_index
                    == __FarcallPosition::Method0 as __farcall::std::primitive::usize => {
                    __farcall::std::boxed::Box::pin(async move {
                        use __farcall::{Unanswerable as _, Undecodable as _};
                        let (__farcall_value0,) = __farcall::Arrived::<(&str,)>::new()
                            .arguments(&__farcall_invocation)?;
                        __farcall::Answered(
                                &<T as Inventory<
                                    K,
                                >>::stock(&__farcall_service, __farcall_value0)
                                    .await,
                            )
                            .fallible(&__farcall_invocation)
                    })
                }
                _ if __farcall_index
                    == __FarcallPosition::Method1 as __farcall::std::primitive::usize => {
                    __farcall::std::boxed::Box::pin(async move {
                        let (
                            __farcall_value0,
                            __farcall_value1,
                            __farcall_value2,
                        ): (K, <T as Inventory<K>>::Row, __farcall::AsBytes<&[u8]>) = __farcall::Invocation::arguments(
                            &__farcall_invocation,
                        )?;
                        __farcall::Invocation::fallible(
                            &__farcall_invocation,
                            &__farcall::std::result::Result::map(
                                <T as Inventory<
                                    K,
                                >>::put(
                                        &__farcall_service,
                                        __farcall_value0,
                                        &__farcall_value1,
                                        __farcall_value2.0,
                                    )
                                    .await,
                                __farcall::AsBytes,
                            ),
                        )
                    })
                }
                #[cfg(unix)]
                _ if __farcall_index
                    == __FarcallPosition::Method2 as __farcall::std::primitive::usize => {
                    __farcall::std::boxed::Box::pin(async move {
                        __farcall::blocking(move || {
                                let (): () = __farcall::Invocation::arguments(
                                    &__farcall_invocation,
                                )?;
                                __farcall::Invocation::plain(
                                    &__farcall_invocation,
                                    &<T as Inventory<K>>::version(&__farcall_service),
                                )
                            })
                            .await?
                    })
                }
                _ if __farcall_index
                    == __FarcallPosition::Method3 as __farcall::std::primitive::usize => {
                    __farcall::std::boxed::Box::pin(async move {
                        use __farcall::{Unanswerable as _, Undecodable as _};
                        let (__farcall_value0,) = __farcall::Arrived::<
                            (__farcall::std::option::Option<Note>,),
                        >::new()
                            .arguments(&__farcall_invocation)?;
                        __farcall::Answered(
                                &<T as Inventory<
                                    K,
                                >>::note(
                                        &__farcall_service,
                                        __farcall::std::option::Option::as_ref(&__farcall_value0),
                                    )
                                    .await,
                            )
                            .plain(&__farcall_invocation)
                    })
                }
                _ => __farcall::no_such_method(&__FARCALL_DESCRIPTOR),
            }
        }
    }
    #[automatically_derived]
    impl<'__farcall, K, T> Inventory<K> for &'__farcall T
    where
        T: ::core::marker::Sync,
        T: Inventory<K> + ?::core::marker::Sized,
        &'__farcall T: Send,
    {
        type Row = <T as Inventory<K>>::Row;
        #[inline]
        fn stock(
            &self,
            sku: &str,
        ) -> impl ::core::future::Future<
            Output = Result<u32, StockError>,
        > + ::core::marker::Send {
            <T as Inventory<K>>::stock(&**self, sku)
        }
        #[inline]
        fn put(
            &self,
            key: K,
            row: &Self::Row,
            blob: &[u8],
        ) -> impl ::core::future::Future<
            Output = farcall::Result<Vec<u8>>,
        > + ::core::marker::Send {
            <T as Inventory<K>>::put(&**self, key, row, blob)
        }
        #[cfg(unix)]
        #[inline]
        fn version(&self) -> String {
            <T as Inventory<K>>::version(&**self)
        }
        #[inline]
        fn note(
            &self,
            text: Option<&Note>,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send
        where
            Self: ::core::marker::Sync,
        {
            <T as Inventory<K>>::note(&**self, text)
        }
    }
    #[automatically_derived]
    impl<K, T> Inventory<K> for __farcall::std::boxed::Box<T>
    where
        T: ::core::marker::Sync,
        T: Inventory<K> + ?::core::marker::Sized,
        __farcall::std::boxed::Box<T>: Send,
    {
        type Row = <T as Inventory<K>>::Row;
        #[inline]
        fn stock(
            &self,
            sku: &str,
        ) -> impl ::core::future::Future<
            Output = Result<u32, StockError>,
        > + ::core::marker::Send {
            <T as Inventory<K>>::stock(&**self, sku)
        }
        #[inline]
        fn put(
            &self,
            key: K,
            row: &Self::Row,
            blob: &[u8],
        ) -> impl ::core::future::Future<
            Output = farcall::Result<Vec<u8>>,
        > + ::core::marker::Send {
            <T as Inventory<K>>::put(&**self, key, row, blob)
        }
        #[cfg(unix)]
        #[inline]
        fn version(&self) -> String {
            <T as Inventory<K>>::version(&**self)
        }
        #[inline]
        fn note(
            &self,
            text: Option<&Note>,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send
        where
            Self: ::core::marker::Sync,
        {
            <T as Inventory<K>>::note(&**self, text)
        }
    }
    #[automatically_derived]
    impl<K, T> Inventory<K> for __farcall::std::sync::Arc<T>
    where
        T: ::core::marker::Sync,
        T: Inventory<K> + ?::core::marker::Sized,
        __farcall::std::sync::Arc<T>: Send,
    {
        type Row = <T as Inventory<K>>::Row;
        #[inline]
        fn stock(
            &self,
            sku: &str,
        ) -> impl ::core::future::Future<
            Output = Result<u32, StockError>,
        > + ::core::marker::Send {
            <T as Inventory<K>>::stock(&**self, sku)
        }
        #[inline]
        fn put(
            &self,
            key: K,
            row: &Self::Row,
            blob: &[u8],
        ) -> impl ::core::future::Future<
            Output = farcall::Result<Vec<u8>>,
        > + ::core::marker::Send {
            <T as Inventory<K>>::put(&**self, key, row, blob)
        }
        #[cfg(unix)]
        #[inline]
        fn version(&self) -> String {
            <T as Inventory<K>>::version(&**self)
        }
        #[inline]
        fn note(
            &self,
            text: Option<&Note>,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send
        where
            Self: ::core::marker::Sync,
        {
            <T as Inventory<K>>::note(&**self, text)
        }
    }
};
