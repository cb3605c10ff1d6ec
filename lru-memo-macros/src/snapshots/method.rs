impl Engine {
    fn score(&self, position: &str) -> i32 {
        let __lru_memo_key = (
            part::<Ref<Leaf<_>>, &'_ Self, _, _>(&self),
            (part::<Ref<Leaf<_>>, &'_ str, _, _>(&position), ()),
        );
        let __lru_memo_cache = Self::score_needs_lru_cache_on_its_impl_block()
            .cache::<
                Kept<false, true>,
                _,
                i32,
                DefaultHasher,
            >(
                (
                    shareable_part::<_, _, _>(&__lru_memo_key.0),
                    (shareable_part::<_, _, _>(&__lru_memo_key.1.0), ()),
                ),
                shareable::<i32>(),
                || Site {
                    of: instantiation_of(Self::score_needs_lru_cache_on_its_impl_block),
                    name: || name_of_instantiation(
                        ::core::any::type_name::<Self>(),
                        "score",
                        &[],
                    ),
                    file: ::core::file!(),
                    line: line!(),
                    parameters: CacheParameters::new(
                        ::core::option::Option::Some(const { 128 }),
                        false,
                        <Scope>::Process,
                    ),
                    is_tagged: false,
                },
            );
        let __lru_memo_found = __lru_memo_cache
            .get(__lru_memo_key, clone_value::<i32>());
        match __lru_memo_found {
            ::core::result::Result::Ok(__lru_memo_value) => __lru_memo_value,
            ::core::result::Result::Err(__lru_memo_miss) => {
                Self::score_lru_memo_missed(
                        self,
                        ::core::option::Option::Some(__lru_memo_miss),
                        position,
                    )
                    .0
            }
        }
    }
    #[doc(hidden)]
    #[inline]
    fn score_needs_lru_cache_on_its_impl_block() -> &'static Instance {
        static __LRU_MEMO_INSTANCES: Instances = Instances::new();
        __LRU_MEMO_INSTANCES.of(instantiation(|| ()))
    }
    #[doc(hidden)]
    #[cold]
    #[inline(never)]
    fn score_lru_memo_missed(
        &self,
        __lru_memo_unseen: ::core::option::Option<Unseen>,
        position: &str,
    ) -> (i32, ::lru_memo::Outcome) {
        let __lru_memo_key = (
            part::<Ref<Leaf<_>>, &'_ Self, _, _>(&self),
            (part::<Ref<Leaf<_>>, &'_ str, _, _>(&position), ()),
        );
        let __lru_memo_cache = Self::score_needs_lru_cache_on_its_impl_block()
            .cache::<
                Kept<false, true>,
                _,
                i32,
                DefaultHasher,
            >(
                (
                    shareable_part::<_, _, _>(&__lru_memo_key.0),
                    (shareable_part::<_, _, _>(&__lru_memo_key.1.0), ()),
                ),
                shareable::<i32>(),
                || Site {
                    of: instantiation_of(Self::score_needs_lru_cache_on_its_impl_block),
                    name: || name_of_instantiation(
                        ::core::any::type_name::<Self>(),
                        "score",
                        &[],
                    ),
                    file: ::core::file!(),
                    line: line!(),
                    parameters: CacheParameters::new(
                        ::core::option::Option::Some(const { 128 }),
                        false,
                        <Scope>::Process,
                    ),
                    is_tagged: false,
                },
            );
        match __lru_memo_cache
            .look_on(&__lru_memo_unseen, __lru_memo_key, clone_value::<i32>())
        {
            ::core::result::Result::Ok(__lru_memo_value) => {
                (__lru_memo_value, <Outcome>::Hit)
            }
            ::core::result::Result::Err(ref mut __lru_memo_miss) => {
                let __lru_memo_returned = Self::score_uncached(self, position);
                (
                    __lru_memo_miss
                        .complete_by_default::<
                            Is<false>,
                            i32,
                        >(__lru_memo_returned, clone_value::<i32>()),
                    <Outcome>::Miss,
                )
            }
        }
    }
    ///Runs [`Self::score`] itself: touches no cache and no counter, as Python's `__wrapped__`.
    fn score_uncached(&self, position: &str) -> i32 {
        self.search(position)
    }
    ///The hits, misses and size of the cache of [`Self::score`].
    #[inline]
    fn score_cache_info() -> ::lru_memo::CacheInfo {
        Self::score_needs_lru_cache_on_its_impl_block()
            .info(|| {
                present(
                        instantiation_of(Self::score_needs_lru_cache_on_its_impl_block),
                        || name_of_instantiation(
                            ::core::any::type_name::<Self>(),
                            "score",
                            &[],
                        ),
                        CacheParameters::new(
                            ::core::option::Option::Some(const { 128 }),
                            false,
                            <Scope>::Process,
                        ),
                    )
                    .maxsize
            })
    }
    ///What the cache of [`Self::score`] has done since it was made, and how long its runs took.
    #[inline]
    fn score_cache_totals() -> ::lru_memo::CacheTotals {
        Self::score_needs_lru_cache_on_its_impl_block().totals()
    }
    ///Drops every entry of the cache of [`Self::score`] and zeroes its counters.
    #[inline]
    fn score_cache_clear() {
        Self::score_needs_lru_cache_on_its_impl_block().clear();
    }
    ///The configuration of the cache of [`Self::score`].
    #[inline]
    fn score_cache_parameters() -> ::lru_memo::CacheParameters {
        present(
            instantiation_of(Self::score_needs_lru_cache_on_its_impl_block),
            || name_of_instantiation(::core::any::type_name::<Self>(), "score", &[]),
            CacheParameters::new(
                ::core::option::Option::Some(const { 128 }),
                false,
                <Scope>::Process,
            ),
        )
    }
    ///Removes one entry from the cache of [`Self::score`]; says whether it was there.
    #[inline]
    fn score_cache_invalidate(&self, position: &str) -> ::core::primitive::bool {
        let __lru_memo_key = (
            part::<Ref<Leaf<_>>, &'_ Self, _, _>(&self),
            (part::<Ref<Leaf<_>>, &'_ str, _, _>(&position), ()),
        );
        let __lru_memo_cache = Self::score_needs_lru_cache_on_its_impl_block()
            .cache::<
                Kept<false, true>,
                _,
                i32,
                DefaultHasher,
            >(
                (
                    shareable_part::<_, _, _>(&__lru_memo_key.0),
                    (shareable_part::<_, _, _>(&__lru_memo_key.1.0), ()),
                ),
                shareable::<i32>(),
                || Site {
                    of: instantiation_of(Self::score_needs_lru_cache_on_its_impl_block),
                    name: || name_of_instantiation(
                        ::core::any::type_name::<Self>(),
                        "score",
                        &[],
                    ),
                    file: ::core::file!(),
                    line: line!(),
                    parameters: CacheParameters::new(
                        ::core::option::Option::Some(const { 128 }),
                        false,
                        <Scope>::Process,
                    ),
                    is_tagged: false,
                },
            );
        let __lru_memo_found = __lru_memo_cache.invalidate(__lru_memo_key);
        __lru_memo_found
    }
    ///The value that the cache of [`Self::score`] holds, if any; touches neither recency nor counters.
    #[inline]
    fn score_cache_peek(&self, position: &str) -> ::core::option::Option<i32> {
        let __lru_memo_key = (
            part::<Ref<Leaf<_>>, &'_ Self, _, _>(&self),
            (part::<Ref<Leaf<_>>, &'_ str, _, _>(&position), ()),
        );
        let __lru_memo_cache = Self::score_needs_lru_cache_on_its_impl_block()
            .cache::<
                Kept<false, true>,
                _,
                i32,
                DefaultHasher,
            >(
                (
                    shareable_part::<_, _, _>(&__lru_memo_key.0),
                    (shareable_part::<_, _, _>(&__lru_memo_key.1.0), ()),
                ),
                shareable::<i32>(),
                || Site {
                    of: instantiation_of(Self::score_needs_lru_cache_on_its_impl_block),
                    name: || name_of_instantiation(
                        ::core::any::type_name::<Self>(),
                        "score",
                        &[],
                    ),
                    file: ::core::file!(),
                    line: line!(),
                    parameters: CacheParameters::new(
                        ::core::option::Option::Some(const { 128 }),
                        false,
                        <Scope>::Process,
                    ),
                    is_tagged: false,
                },
            );
        let __lru_memo_found = __lru_memo_cache
            .peek(__lru_memo_key, clone_value::<i32>());
        __lru_memo_found
    }
    ///Stores a value for [`Self::score`] as its most recent, replacing an older one; touches no counter.
    #[inline]
    fn score_cache_put(&self, position: &str, __lru_memo_value: i32) {
        let __lru_memo_key = (
            part::<Ref<Leaf<_>>, &'_ Self, _, _>(&self),
            (part::<Ref<Leaf<_>>, &'_ str, _, _>(&position), ()),
        );
        let __lru_memo_cache = Self::score_needs_lru_cache_on_its_impl_block()
            .cache::<
                Kept<false, true>,
                _,
                i32,
                DefaultHasher,
            >(
                (
                    shareable_part::<_, _, _>(&__lru_memo_key.0),
                    (shareable_part::<_, _, _>(&__lru_memo_key.1.0), ()),
                ),
                shareable::<i32>(),
                || Site {
                    of: instantiation_of(Self::score_needs_lru_cache_on_its_impl_block),
                    name: || name_of_instantiation(
                        ::core::any::type_name::<Self>(),
                        "score",
                        &[],
                    ),
                    file: ::core::file!(),
                    line: line!(),
                    parameters: CacheParameters::new(
                        ::core::option::Option::Some(const { 128 }),
                        false,
                        <Scope>::Process,
                    ),
                    is_tagged: false,
                },
            );
        let __lru_memo_found = __lru_memo_cache
            .put_by_default(__lru_memo_key, __lru_memo_value);
        __lru_memo_found
    }
    ///Runs [`Self::score`] and stores its value as the most recent; counts neither hit nor miss. Callers hit the old value meanwhile.
    #[inline]
    fn score_cache_refresh(&self, position: &str) -> i32 {
        let __lru_memo_key = (
            part::<Ref<Leaf<_>>, &'_ Self, _, _>(&self),
            (part::<Ref<Leaf<_>>, &'_ str, _, _>(&position), ()),
        );
        let __lru_memo_cache = Self::score_needs_lru_cache_on_its_impl_block()
            .cache::<
                Kept<false, true>,
                _,
                i32,
                DefaultHasher,
            >(
                (
                    shareable_part::<_, _, _>(&__lru_memo_key.0),
                    (shareable_part::<_, _, _>(&__lru_memo_key.1.0), ()),
                ),
                shareable::<i32>(),
                || Site {
                    of: instantiation_of(Self::score_needs_lru_cache_on_its_impl_block),
                    name: || name_of_instantiation(
                        ::core::any::type_name::<Self>(),
                        "score",
                        &[],
                    ),
                    file: ::core::file!(),
                    line: line!(),
                    parameters: CacheParameters::new(
                        ::core::option::Option::Some(const { 128 }),
                        false,
                        <Scope>::Process,
                    ),
                    is_tagged: false,
                },
            );
        let __lru_memo_found = __lru_memo_cache.refresh(__lru_memo_key);
        let mut __lru_memo_miss = __lru_memo_found;
        let __lru_memo_returned = Self::score_uncached(self, position);
        __lru_memo_miss
            .complete_by_default::<
                Is<false>,
                i32,
            >(__lru_memo_returned, clone_value::<i32>())
    }
    ///Calls [`Self::score`] and tells the outcome of the call as well.
    #[inline]
    fn score_with_outcome(&self, position: &str) -> (i32, ::lru_memo::Outcome) {
        Self::score_lru_memo_missed(self, ::core::option::Option::None, position)
    }
    ///Removes the entries of the cache of [`Self::score`] for which a predicate holds, and says how many. The predicate gets the key as `weigh` does: a reference, or a tuple of references.
    #[inline]
    fn score_cache_invalidate_if(
        __lru_memo_predicate: impl ::core::ops::FnMut(
            (
                &Owned<
                    Self,
                    Is<
                        {
                            use NotOwnable as _;
                            Ownable::<Self>::IS_OWNABLE
                        },
                    >,
                >,
                &Owned<str, Is<true>>,
            ),
            &i32,
        ) -> ::core::primitive::bool,
    ) -> ::core::primitive::usize {
        match Self::score_needs_lru_cache_on_its_impl_block()
            .used::<
                Kept<false, true>,
                (
                    Owned<
                        Self,
                        Is<
                            {
                                use NotOwnable as _;
                                Ownable::<Self>::IS_OWNABLE
                            },
                        >,
                    >,
                    (Owned<str, Is<true>>, ()),
                ),
                i32,
                DefaultHasher,
            >()
        {
            ::core::option::Option::Some(__lru_memo_cache) => {
                let mut __lru_memo_predicate = __lru_memo_predicate;
                __lru_memo_cache
                    .invalidate_if(|__lru_memo_key, __lru_memo_value| {
                        __lru_memo_predicate(
                            (&__lru_memo_key.0, &__lru_memo_key.1.0),
                            __lru_memo_value,
                        )
                    })
            }
            ::core::option::Option::None => 0,
        }
    }
    ///Changes how many entries the cache of [`Self::score`] may hold; evicts the least recent ones if it holds more.
    #[inline]
    fn score_cache_resize(__lru_memo_maxsize: ::core::primitive::usize) {
        Self::score_needs_lru_cache_on_its_impl_block()
            .resize(
                instantiation_of(Self::score_needs_lru_cache_on_its_impl_block),
                __lru_memo_maxsize,
            );
    }
}
