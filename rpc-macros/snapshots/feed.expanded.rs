/// Streams in every place.
trait Feed {
    type Row;
    fn watch(
        &self,
        sku: &str,
    ) -> impl Stream<Item = Result<Vec<u8>, StockError>> + ::core::marker::Send;
    fn open(
        &self,
    ) -> impl ::core::future::Future<
        Output = StockResult<
            impl Stream<Item = Self::Row> + Unpin + ::core::marker::Send,
        >,
    > + ::core::marker::Send;
    fn import(
        &self,
        name: &str,
        rows: impl Stream<Item = Self::Row> + ::core::marker::Send + 'static,
        more: Streaming<u32>,
    ) -> impl ::core::future::Future<
        Output = farcall::Result<u64>,
    > + ::core::marker::Send;
    fn chat(
        &self,
        lines: impl Stream<Item = farcall::Result<String>> + Send + 'static,
    ) -> Streaming<Line> {
        echo(lines)
    }
    fn fallback(
        &self,
    ) -> impl ::core::future::Future<
        Output = farcall::Result<impl Stream<Item = u32> + ::core::marker::Send>,
    > + ::core::marker::Send
    where
        Self: ::core::marker::Sync,
    {
        async move {
            if let ::core::option::Option::Some(__farcall_value) = ::core::option::Option::None::<
                farcall::Result<_>,
            > {
                #[allow(unreachable_code)] return __farcall_value;
            }
            #[allow(
                unreachable_code,
                clippy::let_and_return,
                clippy::diverging_sub_expression
            )]
            {
                let __farcall_value: farcall::Result<_> = { Ok(numbers()) };
                __farcall_value
            }
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
/// Calls the methods of a remote [`Feed`].
struct FeedClient<Row> {
    stub: ::farcall::macro_support::Stub,
    types: ::core::marker::PhantomData<fn() -> (::core::marker::PhantomData<Row>,)>,
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
///Calls the methods of a remote [`Feed`] and waits for each answer.
struct FeedBlockingClient<Row> {
    stub: ::farcall::macro_support::BlockingStub,
    types: ::core::marker::PhantomData<fn() -> (::core::marker::PhantomData<Row>,)>,
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
/// Lets a server answer calls with an implementation of [`Feed`].
struct FeedServer<T> {
    implementation: ::std::sync::Arc<T>,
    types: ::core::marker::PhantomData<fn() -> ()>,
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
        fn Feed() {
            {
                let __farcall_type0 = __farcall::Demand::<StockError>::new();
                {
                    enum watch {}
                    enum items {}
                    __farcall_type0.returned_item::<watch, items>();
                    __farcall_type0.item_error::<watch, items>();
                }
            }
            {
                let __farcall_type0 = __farcall::Demand::<Line>::new();
                {
                    enum chat {}
                    enum items {}
                    __farcall_type0.returned_item::<chat, items>();
                }
            }
        }
    };
    const __FARCALL_METHODS: &[__farcall::MethodDescriptor] = &[
        __farcall::MethodDescriptor::new("Feed.watch").arguments(&["sku"]).streaming(),
        __farcall::MethodDescriptor::new("Feed.open").streaming(),
        __farcall::MethodDescriptor::new("Feed.import")
            .arguments(&["name", "rows", "more"])
            .streaming(),
        __farcall::MethodDescriptor::new("Feed.chat").arguments(&["lines"]).streaming(),
        __farcall::MethodDescriptor::new("Feed.fallback").streaming(),
    ];
    static __FARCALL_DESCRIPTOR: __farcall::ServiceDescriptor = __farcall::ServiceDescriptor::new(
            "Feed",
            __FARCALL_METHODS,
        )
        .client("farcall::Client of Feed");
    const _: () = __farcall::std::assert!(
        __farcall::are_distinct(& __FARCALL_DESCRIPTOR),
        "two methods of this service have the same id on the wire: rename one with #[rpc(name = \"…\")]"
    );
    __farcall::client! {
        [Row] [FeedClient < Row >] __FARCALL_DESCRIPTOR
    }
    impl<Row> FeedClient<Row> {
        __farcall::provided! {
            Client : connect new channel with_timeout with_item_timeout with_metadata
            with_metadata_bin with_reply_metadata closed
        }
    }
    impl<Row> FeedClient<Row> {
        /// A client of `implementation` in this process: calls pass through everything but a socket.
        fn loopback<T>(implementation: T) -> Self
        where
            T: Feed<Row = Row> + ::core::marker::Send + ::core::marker::Sync + 'static,
            FeedServer<T>: __farcall::Service,
        {
            let __farcall_server = FeedServer::<T>::new(implementation);
            __farcall::Client::new(__farcall::Channel::loopback(__farcall_server))
        }
        /// A client of `implementation`, which lives as long as a client of it exists, here or in another process.
        fn local<T>(implementation: T) -> Self
        where
            T: Feed<Row = Row> + ::core::marker::Send + ::core::marker::Sync + 'static,
            FeedServer<T>: __farcall::Service,
        {
            let __farcall_server = FeedServer::<T>::new(implementation);
            __farcall::Client::new(__farcall::Channel::local(__farcall_server))
        }
    }
    impl<Row> FeedClient<Row>
    where
        Row: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
        Row: ::core::marker::Send + 'static,
    {
        /// Calls `Feed::watch`.
        #[inline]
        fn watch(&self, sku: &str) -> __farcall::Streaming<Result<Vec<u8>, StockError>> {
            __farcall::Stub::stream::<
                Result<Vec<u8>, StockError>,
                __farcall::ByteResults,
                _,
            >(
                __farcall::Stub::of::<FeedClient<Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR.methods[0usize],
                &(sku,),
                __farcall::Feeds::none(),
            )
        }
        /// Calls `Feed::open`.
        #[inline]
        fn open(
            &self,
        ) -> __farcall::Call<StockResult<__farcall::Streaming<::farcall::Result<Row>>>> {
            __farcall::Stub::opening(
                __farcall::Stub::of::<FeedClient<Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR.methods[1usize],
                &(),
                __farcall::Feeds::none(),
                __farcall::fallible_stream::<Row, __farcall::Values, _>,
            )
        }
        /// Calls `Feed::import`.
        #[inline]
        fn import(
            &self,
            name: &str,
            rows: impl Stream<Item = Row> + ::core::marker::Send + 'static,
            more: Streaming<u32>,
        ) -> __farcall::Call<farcall::Result<u64>> {
            let mut __farcall_feeds = __farcall::Feeds::none();
            let rows = __farcall::Feeds::add::<
                __farcall::Values,
                _,
            >(&mut __farcall_feeds, rows);
            let more = __farcall::Feeds::add::<
                __farcall::Values,
                _,
            >(&mut __farcall_feeds, more);
            __farcall::Stub::feeding(
                __farcall::Stub::of::<FeedClient<Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR.methods[2usize],
                &(name, rows, more),
                __farcall_feeds,
                __farcall::fallible,
            )
        }
        /// Calls `Feed::chat`.
        #[inline]
        fn chat(
            &self,
            lines: impl Stream<Item = farcall::Result<String>> + Send + 'static,
        ) -> __farcall::Streaming<::farcall::Result<Line>> {
            let mut __farcall_feeds = __farcall::Feeds::none();
            let lines = __farcall::Feeds::add::<
                __farcall::Results,
                _,
            >(&mut __farcall_feeds, lines);
            __farcall::Stub::stream::<
                Line,
                __farcall::Values,
                _,
            >(
                __farcall::Stub::of::<FeedClient<Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR.methods[3usize],
                &(lines,),
                __farcall_feeds,
            )
        }
        /// Calls `Feed::fallback`.
        #[inline]
        fn fallback(
            &self,
        ) -> __farcall::Call<
            farcall::Result<__farcall::Streaming<::farcall::Result<u32>>>,
        > {
            __farcall::Stub::opening(
                __farcall::Stub::of::<FeedClient<Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR.methods[4usize],
                &(),
                __farcall::Feeds::none(),
                __farcall::fallible_stream::<u32, __farcall::Values, _>,
            )
        }
    }
    #[automatically_derived]
    impl<Row> __farcall::Typed for FeedClient<Row>
    where
        Row: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
        Row: ::core::marker::Send + 'static,
    {
        fn described() -> &'static __farcall::ServiceDescriptor {
            &__FARCALL_DESCRIPTOR
        }
        fn types() -> __farcall::std::boxed::Box<[__farcall::MethodTypes]> {
            use __farcall::Untraceable as _;
            __farcall::std::boxed::Box::new([
                __farcall::MethodTypes::new(
                    &[__farcall::TypeOf::<&str>::new().value()],
                    __farcall::TypeOf::<
                        __farcall::Receiver<
                            __farcall::Wire<
                                __farcall::ByteResults,
                                Result<Vec<u8>, StockError>,
                            >,
                        >,
                    >::new()
                        .plain(),
                ),
                __farcall::MethodTypes::new(
                    &[],
                    __farcall::TypeOf::<
                        StockResult<
                            __farcall::Receiver<__farcall::Wire<__farcall::Values, Row>>,
                        >,
                    >::new()
                        .fallible(),
                ),
                __farcall::MethodTypes::new(
                    &[
                        __farcall::TypeOf::<&str>::new().value(),
                        __farcall::TypeOf::<
                            __farcall::Receiver<__farcall::Wire<__farcall::Values, Row>>,
                        >::new()
                            .value(),
                        __farcall::TypeOf::<
                            __farcall::Receiver<__farcall::Wire<__farcall::Values, u32>>,
                        >::new()
                            .value(),
                    ],
                    __farcall::TypeOf::<farcall::Result<u64>>::new().fallible(),
                ),
                __farcall::MethodTypes::new(
                    &[
                        __farcall::TypeOf::<
                            __farcall::Receiver<
                                __farcall::Wire<__farcall::Results, farcall::Result<String>>,
                            >,
                        >::new()
                            .value(),
                    ],
                    __farcall::TypeOf::<
                        __farcall::Receiver<__farcall::Wire<__farcall::Values, Line>>,
                    >::new()
                        .plain(),
                ),
                __farcall::MethodTypes::new(
                    &[],
                    __farcall::TypeOf::<
                        farcall::Result<
                            __farcall::Receiver<__farcall::Wire<__farcall::Values, u32>>,
                        >,
                    >::new()
                        .fallible(),
                ),
            ])
        }
    }
    impl<Row> FeedClient<Row>
    where
        Row: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
        Row: ::core::marker::Send + 'static,
    {
        /// What both sides of the calls have to agree on.
        fn contract() -> __farcall::Contract {
            __farcall::ServiceTypes::of::<Self>().contract()
        }
    }
    __farcall::blocking_client! {
        [Row] [FeedBlockingClient < Row >]
    }
    impl<Row> FeedBlockingClient<Row> {
        __farcall::provided! {
            BlockingClient : connect new channel with_timeout with_item_timeout
            with_metadata with_metadata_bin with_reply_metadata
        }
    }
    impl<Row> FeedBlockingClient<Row>
    where
        Row: __farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned,
        Row: ::core::marker::Send + 'static,
    {
        /// Calls `Feed::watch`.
        #[inline]
        fn watch(
            &self,
            sku: &str,
        ) -> __farcall::BlockingStreaming<Result<Vec<u8>, StockError>> {
            __farcall::BlockingStub::stream::<
                Result<Vec<u8>, StockError>,
                __farcall::ByteResults,
                _,
            >(
                __farcall::BlockingStub::of::<FeedClient<Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR.methods[0usize],
                &(sku,),
                __farcall::Feeds::none(),
            )
        }
        /// Calls `Feed::open`.
        #[inline]
        fn open(
            &self,
        ) -> StockResult<__farcall::BlockingStreaming<::farcall::Result<Row>>> {
            __farcall::BlockingStub::opening(
                __farcall::BlockingStub::of::<FeedClient<Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR.methods[1usize],
                &(),
                __farcall::Feeds::none(),
                __farcall::fallible_iterator::<Row, __farcall::Values, _>,
            )
        }
        /// Calls `Feed::import`.
        #[inline]
        fn import(
            &self,
            name: &str,
            rows: impl Stream<Item = Row> + ::core::marker::Send + 'static,
            more: Streaming<u32>,
        ) -> farcall::Result<u64> {
            let mut __farcall_feeds = __farcall::Feeds::none();
            let rows = __farcall::Feeds::add::<
                __farcall::Values,
                _,
            >(&mut __farcall_feeds, rows);
            let more = __farcall::Feeds::add::<
                __farcall::Values,
                _,
            >(&mut __farcall_feeds, more);
            __farcall::BlockingStub::feeding(
                __farcall::BlockingStub::of::<FeedClient<Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR.methods[2usize],
                &(name, rows, more),
                __farcall_feeds,
                __farcall::fallible,
            )
        }
        /// Calls `Feed::chat`.
        #[inline]
        fn chat(
            &self,
            lines: impl Stream<Item = farcall::Result<String>> + Send + 'static,
        ) -> __farcall::BlockingStreaming<::farcall::Result<Line>> {
            let mut __farcall_feeds = __farcall::Feeds::none();
            let lines = __farcall::Feeds::add::<
                __farcall::Results,
                _,
            >(&mut __farcall_feeds, lines);
            __farcall::BlockingStub::stream::<
                Line,
                __farcall::Values,
                _,
            >(
                __farcall::BlockingStub::of::<FeedClient<Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR.methods[3usize],
                &(lines,),
                __farcall_feeds,
            )
        }
        /// Calls `Feed::fallback`.
        #[inline]
        fn fallback(
            &self,
        ) -> farcall::Result<__farcall::BlockingStreaming<::farcall::Result<u32>>> {
            __farcall::BlockingStub::opening(
                __farcall::BlockingStub::of::<FeedClient<Row>>(&self.stub),
                &__FARCALL_DESCRIPTOR.methods[4usize],
                &(),
                __farcall::Feeds::none(),
                __farcall::fallible_iterator::<u32, __farcall::Values, _>,
            )
        }
    }
    __farcall::server! {
        [T] [FeedServer < T >] T
    }
    #[automatically_derived]
    impl<T> __farcall::Service for FeedServer<T>
    where
        T: Feed + ::core::marker::Send + ::core::marker::Sync + 'static,
        <T as Feed>::Row: __farcall::serde::Serialize
            + __farcall::serde::de::DeserializeOwned,
        <T as Feed>::Row: ::core::marker::Send + ::core::marker::Sync + 'static,
    {
        fn descriptor(&self) -> &'static __farcall::ServiceDescriptor {
            &__FARCALL_DESCRIPTOR
        }
        fn types(
            &self,
        ) -> __farcall::std::option::Option<&'static __farcall::ServiceTypes> {
            __farcall::std::option::Option::Some(
                __farcall::ServiceTypes::of::<FeedClient<<T as Feed>::Row>>(),
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
                0usize => {
                    __farcall::streaming(move |__farcall_streams| __farcall::std::boxed::Box::pin(async move {
                        let (__farcall_value0,): (&str,) = __farcall::Invocation::arguments(
                            &__farcall_invocation,
                        )?;
                        __farcall::Streams::answer::<
                            __farcall::ByteResults,
                            _,
                        >(
                                &__farcall_streams,
                                &__farcall_invocation,
                                <T as Feed>::watch(&__farcall_service, __farcall_value0),
                            )
                            .await
                    }))
                }
                1usize => {
                    __farcall::streaming(move |__farcall_streams| __farcall::std::boxed::Box::pin(async move {
                        let (): () = __farcall::Invocation::arguments(
                            &__farcall_invocation,
                        )?;
                        __farcall::Streams::answer_fallible::<
                            __farcall::Values,
                            _,
                            _,
                        >(
                                &__farcall_streams,
                                &__farcall_invocation,
                                <T as Feed>::open(&__farcall_service).await,
                            )
                            .await
                    }))
                }
                2usize => {
                    __farcall::streaming(move |__farcall_streams| __farcall::std::boxed::Box::pin(async move {
                        let (
                            __farcall_value0,
                            __farcall_value1,
                            __farcall_value2,
                        ): (
                            &str,
                            __farcall::Receiver<
                                __farcall::Wire<__farcall::Values, <T as Feed>::Row>,
                            >,
                            __farcall::Receiver<__farcall::Wire<__farcall::Values, u32>>,
                        ) = __farcall::Invocation::arguments(&__farcall_invocation)?;
                        __farcall::Invocation::fallible(
                            &__farcall_invocation,
                            &<T as Feed>::import(
                                    &__farcall_service,
                                    __farcall_value0,
                                    __farcall::Streams::inbound::<
                                        __farcall::Values,
                                        <T as Feed>::Row,
                                    >(&__farcall_streams, __farcall_value1, "rows"),
                                    __farcall::Streaming::new(
                                        __farcall::Streams::inbound::<
                                            __farcall::Values,
                                            u32,
                                        >(&__farcall_streams, __farcall_value2, "more"),
                                    ),
                                )
                                .await,
                        )
                    }))
                }
                3usize => {
                    __farcall::streaming(move |__farcall_streams| __farcall::std::boxed::Box::pin(async move {
                        let (
                            __farcall_value0,
                        ): (
                            __farcall::Receiver<
                                __farcall::Wire<__farcall::Results, farcall::Result<String>>,
                            >,
                        ) = __farcall::Invocation::arguments(&__farcall_invocation)?;
                        __farcall::Streams::answer::<
                            __farcall::Values,
                            _,
                        >(
                                &__farcall_streams,
                                &__farcall_invocation,
                                <T as Feed>::chat(
                                    &__farcall_service,
                                    __farcall::Streams::inbound::<
                                        __farcall::Results,
                                        farcall::Result<String>,
                                    >(&__farcall_streams, __farcall_value0, "lines"),
                                ),
                            )
                            .await
                    }))
                }
                4usize => {
                    __farcall::streaming(move |__farcall_streams| __farcall::std::boxed::Box::pin(async move {
                        let (): () = __farcall::Invocation::arguments(
                            &__farcall_invocation,
                        )?;
                        __farcall::Streams::answer_fallible::<
                            __farcall::Values,
                            _,
                            _,
                        >(
                                &__farcall_streams,
                                &__farcall_invocation,
                                <T as Feed>::fallback(&__farcall_service).await,
                            )
                            .await
                    }))
                }
                _ => __farcall::no_such_method(&__FARCALL_DESCRIPTOR),
            }
        }
    }
    #[automatically_derived]
    impl<'__farcall, T> Feed for &'__farcall T
    where
        T: ::core::marker::Sync,
        T: Feed + ?::core::marker::Sized,
    {
        type Row = <T as Feed>::Row;
        #[inline]
        fn watch(
            &self,
            sku: &str,
        ) -> impl Stream<Item = Result<Vec<u8>, StockError>> + ::core::marker::Send {
            <T as Feed>::watch(&**self, sku)
        }
        #[inline]
        fn open(
            &self,
        ) -> impl ::core::future::Future<
            Output = StockResult<
                impl Stream<Item = Self::Row> + Unpin + ::core::marker::Send,
            >,
        > + ::core::marker::Send {
            <T as Feed>::open(&**self)
        }
        #[inline]
        fn import(
            &self,
            name: &str,
            rows: impl Stream<Item = Self::Row> + ::core::marker::Send + 'static,
            more: Streaming<u32>,
        ) -> impl ::core::future::Future<
            Output = farcall::Result<u64>,
        > + ::core::marker::Send {
            <T as Feed>::import(&**self, name, rows, more)
        }
        #[inline]
        fn chat(
            &self,
            lines: impl Stream<Item = farcall::Result<String>> + Send + 'static,
        ) -> Streaming<Line> {
            <T as Feed>::chat(&**self, lines)
        }
        #[inline]
        fn fallback(
            &self,
        ) -> impl ::core::future::Future<
            Output = farcall::Result<impl Stream<Item = u32> + ::core::marker::Send>,
        > + ::core::marker::Send
        where
            Self: ::core::marker::Sync,
        {
            <T as Feed>::fallback(&**self)
        }
    }
    #[automatically_derived]
    impl<T> Feed for __farcall::std::boxed::Box<T>
    where
        T: ::core::marker::Sync,
        T: Feed + ?::core::marker::Sized,
    {
        type Row = <T as Feed>::Row;
        #[inline]
        fn watch(
            &self,
            sku: &str,
        ) -> impl Stream<Item = Result<Vec<u8>, StockError>> + ::core::marker::Send {
            <T as Feed>::watch(&**self, sku)
        }
        #[inline]
        fn open(
            &self,
        ) -> impl ::core::future::Future<
            Output = StockResult<
                impl Stream<Item = Self::Row> + Unpin + ::core::marker::Send,
            >,
        > + ::core::marker::Send {
            <T as Feed>::open(&**self)
        }
        #[inline]
        fn import(
            &self,
            name: &str,
            rows: impl Stream<Item = Self::Row> + ::core::marker::Send + 'static,
            more: Streaming<u32>,
        ) -> impl ::core::future::Future<
            Output = farcall::Result<u64>,
        > + ::core::marker::Send {
            <T as Feed>::import(&**self, name, rows, more)
        }
        #[inline]
        fn chat(
            &self,
            lines: impl Stream<Item = farcall::Result<String>> + Send + 'static,
        ) -> Streaming<Line> {
            <T as Feed>::chat(&**self, lines)
        }
        #[inline]
        fn fallback(
            &self,
        ) -> impl ::core::future::Future<
            Output = farcall::Result<impl Stream<Item = u32> + ::core::marker::Send>,
        > + ::core::marker::Send
        where
            Self: ::core::marker::Sync,
        {
            <T as Feed>::fallback(&**self)
        }
    }
    #[automatically_derived]
    impl<T> Feed for __farcall::std::sync::Arc<T>
    where
        T: ::core::marker::Sync,
        T: Feed + ?::core::marker::Sized,
    {
        type Row = <T as Feed>::Row;
        #[inline]
        fn watch(
            &self,
            sku: &str,
        ) -> impl Stream<Item = Result<Vec<u8>, StockError>> + ::core::marker::Send {
            <T as Feed>::watch(&**self, sku)
        }
        #[inline]
        fn open(
            &self,
        ) -> impl ::core::future::Future<
            Output = StockResult<
                impl Stream<Item = Self::Row> + Unpin + ::core::marker::Send,
            >,
        > + ::core::marker::Send {
            <T as Feed>::open(&**self)
        }
        #[inline]
        fn import(
            &self,
            name: &str,
            rows: impl Stream<Item = Self::Row> + ::core::marker::Send + 'static,
            more: Streaming<u32>,
        ) -> impl ::core::future::Future<
            Output = farcall::Result<u64>,
        > + ::core::marker::Send {
            <T as Feed>::import(&**self, name, rows, more)
        }
        #[inline]
        fn chat(
            &self,
            lines: impl Stream<Item = farcall::Result<String>> + Send + 'static,
        ) -> Streaming<Line> {
            <T as Feed>::chat(&**self, lines)
        }
        #[inline]
        fn fallback(
            &self,
        ) -> impl ::core::future::Future<
            Output = farcall::Result<impl Stream<Item = u32> + ::core::marker::Send>,
        > + ::core::marker::Send
        where
            Self: ::core::marker::Sync,
        {
            <T as Feed>::fallback(&**self)
        }
    }
};
