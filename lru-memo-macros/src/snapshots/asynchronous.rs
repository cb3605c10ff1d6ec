async fn fetch(id: u64) -> Result<Page, FetchError> {
    let __lru_memo_cache;
    let (mut __lru_memo_miss, id) = {
        let (id,) = (id,);
        let __lru_memo_result = {
            let __lru_memo_pending = {
                let __lru_memo_key = (part::<Leaf<_>, u64, u64, _>(&id), ());
                __lru_memo_cache = fetch_needs_lru_cache_on_its_impl_block();
                let __lru_memo_found = __lru_memo_cache
                    .get_or_join(
                        __lru_memo_key,
                        clone_value::<
                            Value<
                                Result<Page, FetchError>,
                                Is<
                                    {
                                        use NotResult as _;
                                        Probe::<Result<Page, FetchError>>::IS_RESULT
                                    },
                                >,
                            >,
                        >(),
                    );
                match __lru_memo_found {
                    ::core::result::Result::Ok(__lru_memo_value) => {
                        return <Result<
                            Page,
                            FetchError,
                        > as Returned<
                            Is<
                                {
                                    use NotResult as _;
                                    Probe::<Result<Page, FetchError>>::IS_RESULT
                                },
                            >,
                        >>::from_value(__lru_memo_value);
                    }
                    ::core::result::Result::Err(__lru_memo_missed) => __lru_memo_missed,
                }
            };
            match Box::pin(
                    __lru_memo_pending
                        .wait(
                            ::core::option::Option::None,
                            clone_value::<
                                Value<
                                    Result<Page, FetchError>,
                                    Is<
                                        {
                                            use NotResult as _;
                                            Probe::<Result<Page, FetchError>>::IS_RESULT
                                        },
                                    >,
                                >,
                            >(),
                        ),
                )
                .await
            {
                ::core::result::Result::Ok((__lru_memo_answer, _)) => {
                    return {
                        use UnsharedErrors as _;
                        ErrorProbe::<Result<Page, FetchError>>::errors()
                    }
                        .answer::<
                            Is<
                                {
                                    use NotResult as _;
                                    Probe::<Result<Page, FetchError>>::IS_RESULT
                                },
                            >,
                        >(__lru_memo_answer);
                }
                ::core::result::Result::Err(__lru_memo_missed) => {
                    Box::new(__lru_memo_missed)
                }
            }
        };
        (__lru_memo_result, id)
    };
    let __lru_memo_returned = __lru_memo_miss.inside(fetch_uncached(id)).await;
    __lru_memo_miss
        .share_error::<
            Is<
                {
                    use NotResult as _;
                    Probe::<Result<Page, FetchError>>::IS_RESULT
                },
            >,
            Result<Page, FetchError>,
        >(
            &__lru_memo_returned,
            {
                use UnsharedErrors as _;
                ErrorProbe::<Result<Page, FetchError>>::errors()
            },
        );
    __lru_memo_miss
        .complete_by_default::<
            Is<
                {
                    use NotResult as _;
                    Probe::<Result<Page, FetchError>>::IS_RESULT
                },
            >,
            Result<Page, FetchError>,
        >(
            __lru_memo_returned,
            clone_value::<
                Value<
                    Result<Page, FetchError>,
                    Is<
                        {
                            use NotResult as _;
                            Probe::<Result<Page, FetchError>>::IS_RESULT
                        },
                    >,
                >,
            >(),
        )
}
#[doc(hidden)]
fn fetch_lru_memo_site() -> Site {
    let __lru_memo_of = instantiation(|| ());
    Site {
        of: __lru_memo_of,
        name: || ::core::concat!(::core::module_path!(), "::", "fetch"),
        file: ::core::file!(),
        line: line!(),
        parameters: CacheParameters::new(
            ::core::option::Option::Some(const { 128 }),
            false,
            <Scope>::Process,
        ),
        is_tagged: false,
    }
}
#[doc(hidden)]
#[inline]
fn fetch_needs_lru_cache_on_its_impl_block() -> &'static Cache<
    AllThreads,
    Kept<
        {
            use NotPlain as _;
            Plainness::<
                (u64, ()),
                Value<
                    Result<Page, FetchError>,
                    Is<
                        {
                            use NotResult as _;
                            Probe::<Result<Page, FetchError>>::IS_RESULT
                        },
                    >,
                >,
            >::IS_PLAIN
        },
        false,
    >,
    (u64, ()),
    Value<
        Result<Page, FetchError>,
        Is<
            {
                use NotResult as _;
                Probe::<Result<Page, FetchError>>::IS_RESULT
            },
        >,
    >,
    DefaultHasher,
> {
    #[allow(unreachable_code)]
    if false {
        let _ = fetch(loop {});
    }
    static __LRU_MEMO_CACHE: Slot<
        Cache<
            AllThreads,
            Kept<
                {
                    use NotPlain as _;
                    Plainness::<
                        (u64, ()),
                        Value<
                            Result<Page, FetchError>,
                            Is<
                                {
                                    use NotResult as _;
                                    Probe::<Result<Page, FetchError>>::IS_RESULT
                                },
                            >,
                        >,
                    >::IS_PLAIN
                },
                false,
            >,
            (u64, ()),
            Value<
                Result<Page, FetchError>,
                Is<
                    {
                        use NotResult as _;
                        Probe::<Result<Page, FetchError>>::IS_RESULT
                    },
                >,
            >,
            DefaultHasher,
        >,
    > = Slot::new();
    __LRU_MEMO_CACHE
        .get(
            (shareable::<u64>(), ()),
            shareable::<
                Value<
                    Result<Page, FetchError>,
                    Is<
                        {
                            use NotResult as _;
                            Probe::<Result<Page, FetchError>>::IS_RESULT
                        },
                    >,
                >,
            >(),
            || fetch_lru_memo_site(),
        )
}
///Runs [`fetch`] itself: touches no cache and no counter, as Python's `__wrapped__`.
async fn fetch_uncached(id: u64) -> Result<Page, FetchError> {
    get(id).await
}
///The hits, misses and size of the cache of [`fetch`].
#[inline]
fn fetch_cache_info() -> ::lru_memo::CacheInfo {
    fetch_needs_lru_cache_on_its_impl_block().info()
}
///What the cache of [`fetch`] has done since it was made, and how long its runs took.
#[inline]
fn fetch_cache_totals() -> ::lru_memo::CacheTotals {
    fetch_needs_lru_cache_on_its_impl_block().totals()
}
///Drops every entry of the cache of [`fetch`] and zeroes its counters.
#[inline]
fn fetch_cache_clear() {
    fetch_needs_lru_cache_on_its_impl_block().clear();
}
///The configuration of the cache of [`fetch`].
#[inline]
fn fetch_cache_parameters() -> ::lru_memo::CacheParameters {
    present_at(fetch_lru_memo_site())
}
///Removes one entry from the cache of [`fetch`]; says whether it was there.
#[inline]
fn fetch_cache_invalidate(id: u64) -> ::core::primitive::bool {
    fetch_needs_lru_cache_on_its_impl_block()
        .invalidate((part::<Leaf<_>, u64, u64, _>(&id), ()))
}
///The value that the cache of [`fetch`] holds, if any; touches neither recency nor counters.
#[inline]
fn fetch_cache_peek(
    id: u64,
) -> ::core::option::Option<
    Value<
        Result<Page, FetchError>,
        Is<
            {
                use NotResult as _;
                Probe::<Result<Page, FetchError>>::IS_RESULT
            },
        >,
    >,
> {
    fetch_needs_lru_cache_on_its_impl_block()
        .peek(
            (part::<Leaf<_>, u64, u64, _>(&id), ()),
            clone_value::<
                Value<
                    Result<Page, FetchError>,
                    Is<
                        {
                            use NotResult as _;
                            Probe::<Result<Page, FetchError>>::IS_RESULT
                        },
                    >,
                >,
            >(),
        )
}
///Stores a value for [`fetch`] as its most recent, replacing an older one; touches no counter.
#[inline]
fn fetch_cache_put(
    id: u64,
    __lru_memo_value: Value<
        Result<Page, FetchError>,
        Is<
            {
                use NotResult as _;
                Probe::<Result<Page, FetchError>>::IS_RESULT
            },
        >,
    >,
) {
    fetch_needs_lru_cache_on_its_impl_block()
        .put_by_default((part::<Leaf<_>, u64, u64, _>(&id), ()), __lru_memo_value)
}
///Runs [`fetch`] and stores its value as the most recent; counts neither hit nor miss. Callers hit the old value meanwhile.
#[inline]
async fn fetch_cache_refresh(id: u64) -> Result<Page, FetchError> {
    let __lru_memo_cache;
    let (mut __lru_memo_miss, id) = {
        let (id,) = (id,);
        let __lru_memo_result = {
            let __lru_memo_key = (part::<Leaf<_>, u64, u64, _>(&id), ());
            __lru_memo_cache = fetch_needs_lru_cache_on_its_impl_block();
            let __lru_memo_found = __lru_memo_cache.refresh(__lru_memo_key);
            Box::new(__lru_memo_found)
        };
        (__lru_memo_result, id)
    };
    let __lru_memo_returned = fetch_uncached(id).await;
    __lru_memo_miss
        .complete_by_default::<
            Is<
                {
                    use NotResult as _;
                    Probe::<Result<Page, FetchError>>::IS_RESULT
                },
            >,
            Result<Page, FetchError>,
        >(
            __lru_memo_returned,
            clone_value::<
                Value<
                    Result<Page, FetchError>,
                    Is<
                        {
                            use NotResult as _;
                            Probe::<Result<Page, FetchError>>::IS_RESULT
                        },
                    >,
                >,
            >(),
        )
}
///Calls [`fetch`] and tells the outcome of the call as well.
#[inline]
async fn fetch_with_outcome(id: u64) -> (Result<Page, FetchError>, ::lru_memo::Outcome) {
    let __lru_memo_cache;
    let (mut __lru_memo_miss, id) = {
        let (id,) = (id,);
        let __lru_memo_result = {
            let __lru_memo_pending = {
                let __lru_memo_key = (part::<Leaf<_>, u64, u64, _>(&id), ());
                __lru_memo_cache = fetch_needs_lru_cache_on_its_impl_block();
                let __lru_memo_found = __lru_memo_cache
                    .get_or_join(
                        __lru_memo_key,
                        clone_value::<
                            Value<
                                Result<Page, FetchError>,
                                Is<
                                    {
                                        use NotResult as _;
                                        Probe::<Result<Page, FetchError>>::IS_RESULT
                                    },
                                >,
                            >,
                        >(),
                    );
                match __lru_memo_found {
                    ::core::result::Result::Ok(__lru_memo_value) => {
                        return (
                            <Result<
                                Page,
                                FetchError,
                            > as Returned<
                                Is<
                                    {
                                        use NotResult as _;
                                        Probe::<Result<Page, FetchError>>::IS_RESULT
                                    },
                                >,
                            >>::from_value(__lru_memo_value),
                            <Outcome>::Hit,
                        );
                    }
                    ::core::result::Result::Err(__lru_memo_missed) => __lru_memo_missed,
                }
            };
            match Box::pin(
                    __lru_memo_pending
                        .wait(
                            ::core::option::Option::None,
                            clone_value::<
                                Value<
                                    Result<Page, FetchError>,
                                    Is<
                                        {
                                            use NotResult as _;
                                            Probe::<Result<Page, FetchError>>::IS_RESULT
                                        },
                                    >,
                                >,
                            >(),
                        ),
                )
                .await
            {
                ::core::result::Result::Ok((__lru_memo_answer, __lru_memo_outcome)) => {
                    return (
                        {
                            use UnsharedErrors as _;
                            ErrorProbe::<Result<Page, FetchError>>::errors()
                        }
                            .answer::<
                                Is<
                                    {
                                        use NotResult as _;
                                        Probe::<Result<Page, FetchError>>::IS_RESULT
                                    },
                                >,
                            >(__lru_memo_answer),
                        __lru_memo_outcome,
                    );
                }
                ::core::result::Result::Err(__lru_memo_missed) => {
                    Box::new(__lru_memo_missed)
                }
            }
        };
        (__lru_memo_result, id)
    };
    let __lru_memo_returned = __lru_memo_miss.inside(fetch_uncached(id)).await;
    __lru_memo_miss
        .share_error::<
            Is<
                {
                    use NotResult as _;
                    Probe::<Result<Page, FetchError>>::IS_RESULT
                },
            >,
            Result<Page, FetchError>,
        >(
            &__lru_memo_returned,
            {
                use UnsharedErrors as _;
                ErrorProbe::<Result<Page, FetchError>>::errors()
            },
        );
    (
        __lru_memo_miss
            .complete_by_default::<
                Is<
                    {
                        use NotResult as _;
                        Probe::<Result<Page, FetchError>>::IS_RESULT
                    },
                >,
                Result<Page, FetchError>,
            >(
                __lru_memo_returned,
                clone_value::<
                    Value<
                        Result<Page, FetchError>,
                        Is<
                            {
                                use NotResult as _;
                                Probe::<Result<Page, FetchError>>::IS_RESULT
                            },
                        >,
                    >,
                >(),
            ),
        <Outcome>::Miss,
    )
}
///Removes the entries of the cache of [`fetch`] for which a predicate holds, and says how many. The predicate gets the key as `weigh` does: a reference, or a tuple of references.
#[inline]
fn fetch_cache_invalidate_if(
    __lru_memo_predicate: impl ::core::ops::FnMut(
        &u64,
        &Value<
            Result<Page, FetchError>,
            Is<
                {
                    use NotResult as _;
                    Probe::<Result<Page, FetchError>>::IS_RESULT
                },
            >,
        >,
    ) -> ::core::primitive::bool,
) -> ::core::primitive::usize {
    let __lru_memo_cache = fetch_needs_lru_cache_on_its_impl_block();
    {
        let mut __lru_memo_predicate = __lru_memo_predicate;
        __lru_memo_cache
            .invalidate_if(|__lru_memo_key, __lru_memo_value| {
                __lru_memo_predicate(&__lru_memo_key.0, __lru_memo_value)
            })
    }
}
///Changes how many entries the cache of [`fetch`] may hold; evicts the least recent ones if it holds more.
#[inline]
fn fetch_cache_resize(__lru_memo_maxsize: ::core::primitive::usize) {
    fetch_needs_lru_cache_on_its_impl_block().resize(__lru_memo_maxsize);
}
