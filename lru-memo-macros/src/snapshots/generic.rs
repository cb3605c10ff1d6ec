fn largest<T: Clone + Ord + Hash + Send + Sync + 'static>(values: Vec<T>) -> Option<T> {
    no_generic_alias::<
        _,
    >({
        use NotResult as _;
        Probe::<Option<T>>::kind()
    });
    let __lru_memo_key = (part::<Leaf<_>, Vec<T>, _, _>(&values), ());
    let __lru_memo_cache = largest_needs_lru_cache_on_its_impl_block::<T>()
        .cache::<
            Kept<false, true>,
            _,
            Option<T>,
            DefaultHasher,
        >(
            (shareable_part::<_, _, _>(&__lru_memo_key.0), ()),
            shareable::<Option<T>>(),
            || Site {
                of: largest_lru_memo_instantiation::<T>(),
                name: || name_of_instantiation(
                    ::core::module_path!(),
                    "largest",
                    &[&::core::any::type_name::<T>()],
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
        .get(__lru_memo_key, clone_value::<Option<T>>());
    match __lru_memo_found {
        ::core::result::Result::Ok(__lru_memo_value) => __lru_memo_value,
        ::core::result::Result::Err(__lru_memo_miss) => {
            largest_lru_memo_missed::<
                T,
            >(::core::option::Option::Some(__lru_memo_miss), values)
                .0
        }
    }
}
#[doc(hidden)]
fn largest_lru_memo_instantiation<T: Clone + Ord + Hash + Send + Sync + 'static>() -> TypeId {
    instantiation(|| ())
}
#[doc(hidden)]
#[inline]
fn largest_needs_lru_cache_on_its_impl_block<
    T: Clone + Ord + Hash + Send + Sync + 'static,
>() -> &'static Instance {
    #[allow(unreachable_code)]
    if false {
        let _ = largest::<T>(loop {});
    }
    static __LRU_MEMO_INSTANCES: Instances = Instances::new();
    __LRU_MEMO_INSTANCES.of(instantiation(|| ()))
}
#[doc(hidden)]
#[cold]
#[inline(never)]
fn largest_lru_memo_missed<T: Clone + Ord + Hash + Send + Sync + 'static>(
    __lru_memo_unseen: ::core::option::Option<Unseen>,
    values: Vec<T>,
) -> (Option<T>, ::lru_memo::Outcome) {
    let __lru_memo_key = (part::<Leaf<_>, Vec<T>, _, _>(&values), ());
    let __lru_memo_cache = largest_needs_lru_cache_on_its_impl_block::<T>()
        .cache::<
            Kept<false, true>,
            _,
            Option<T>,
            DefaultHasher,
        >(
            (shareable_part::<_, _, _>(&__lru_memo_key.0), ()),
            shareable::<Option<T>>(),
            || Site {
                of: largest_lru_memo_instantiation::<T>(),
                name: || name_of_instantiation(
                    ::core::module_path!(),
                    "largest",
                    &[&::core::any::type_name::<T>()],
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
        .look_on(&__lru_memo_unseen, __lru_memo_key, clone_value::<Option<T>>())
    {
        ::core::result::Result::Ok(__lru_memo_value) => {
            (__lru_memo_value, <Outcome>::Hit)
        }
        ::core::result::Result::Err(ref mut __lru_memo_miss) => {
            let __lru_memo_returned = largest_uncached::<T>(values);
            (
                __lru_memo_miss
                    .complete_by_default::<
                        Is<false>,
                        Option<T>,
                    >(__lru_memo_returned, clone_value::<Option<T>>()),
                <Outcome>::Miss,
            )
        }
    }
}
///Runs [`largest`] itself: touches no cache and no counter, as Python's `__wrapped__`.
fn largest_uncached<T: Clone + Ord + Hash + Send + Sync + 'static>(
    values: Vec<T>,
) -> Option<T> {
    values.into_iter().max()
}
///The hits, misses and size of the cache of [`largest`].
#[inline]
fn largest_cache_info<T: Clone + Ord + Hash + Send + Sync + 'static>() -> ::lru_memo::CacheInfo {
    largest_needs_lru_cache_on_its_impl_block::<T>()
        .info(|| {
            present(
                    largest_lru_memo_instantiation::<T>(),
                    || name_of_instantiation(
                        ::core::module_path!(),
                        "largest",
                        &[&::core::any::type_name::<T>()],
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
///What the cache of [`largest`] has done since it was made, and how long its runs took.
#[inline]
fn largest_cache_totals<T: Clone + Ord + Hash + Send + Sync + 'static>() -> ::lru_memo::CacheTotals {
    largest_needs_lru_cache_on_its_impl_block::<T>().totals()
}
///Drops every entry of the cache of [`largest`] and zeroes its counters.
#[inline]
fn largest_cache_clear<T: Clone + Ord + Hash + Send + Sync + 'static>() {
    largest_needs_lru_cache_on_its_impl_block::<T>().clear();
}
///The configuration of the cache of [`largest`].
#[inline]
fn largest_cache_parameters<T: Clone + Ord + Hash + Send + Sync + 'static>() -> ::lru_memo::CacheParameters {
    present(
        largest_lru_memo_instantiation::<T>(),
        || name_of_instantiation(
            ::core::module_path!(),
            "largest",
            &[&::core::any::type_name::<T>()],
        ),
        CacheParameters::new(
            ::core::option::Option::Some(const { 128 }),
            false,
            <Scope>::Process,
        ),
    )
}
///Removes one entry from the cache of [`largest`]; says whether it was there.
#[inline]
fn largest_cache_invalidate<T: Clone + Ord + Hash + Send + Sync + 'static>(
    values: Vec<T>,
) -> ::core::primitive::bool {
    let __lru_memo_key = (part::<Leaf<_>, Vec<T>, _, _>(&values), ());
    let __lru_memo_cache = largest_needs_lru_cache_on_its_impl_block::<T>()
        .cache::<
            Kept<false, true>,
            _,
            Option<T>,
            DefaultHasher,
        >(
            (shareable_part::<_, _, _>(&__lru_memo_key.0), ()),
            shareable::<Option<T>>(),
            || Site {
                of: largest_lru_memo_instantiation::<T>(),
                name: || name_of_instantiation(
                    ::core::module_path!(),
                    "largest",
                    &[&::core::any::type_name::<T>()],
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
///The value that the cache of [`largest`] holds, if any; touches neither recency nor counters.
#[inline]
fn largest_cache_peek<T: Clone + Ord + Hash + Send + Sync + 'static>(
    values: Vec<T>,
) -> ::core::option::Option<Option<T>> {
    let __lru_memo_key = (part::<Leaf<_>, Vec<T>, _, _>(&values), ());
    let __lru_memo_cache = largest_needs_lru_cache_on_its_impl_block::<T>()
        .cache::<
            Kept<false, true>,
            _,
            Option<T>,
            DefaultHasher,
        >(
            (shareable_part::<_, _, _>(&__lru_memo_key.0), ()),
            shareable::<Option<T>>(),
            || Site {
                of: largest_lru_memo_instantiation::<T>(),
                name: || name_of_instantiation(
                    ::core::module_path!(),
                    "largest",
                    &[&::core::any::type_name::<T>()],
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
        .peek(__lru_memo_key, clone_value::<Option<T>>());
    __lru_memo_found
}
///Stores a value for [`largest`] as its most recent, replacing an older one; touches no counter.
#[inline]
fn largest_cache_put<T: Clone + Ord + Hash + Send + Sync + 'static>(
    values: Vec<T>,
    __lru_memo_value: Option<T>,
) {
    let __lru_memo_key = (part::<Leaf<_>, Vec<T>, _, _>(&values), ());
    let __lru_memo_cache = largest_needs_lru_cache_on_its_impl_block::<T>()
        .cache::<
            Kept<false, true>,
            _,
            Option<T>,
            DefaultHasher,
        >(
            (shareable_part::<_, _, _>(&__lru_memo_key.0), ()),
            shareable::<Option<T>>(),
            || Site {
                of: largest_lru_memo_instantiation::<T>(),
                name: || name_of_instantiation(
                    ::core::module_path!(),
                    "largest",
                    &[&::core::any::type_name::<T>()],
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
///Runs [`largest`] and stores its value as the most recent; counts neither hit nor miss. Callers hit the old value meanwhile.
#[inline]
fn largest_cache_refresh<T: Clone + Ord + Hash + Send + Sync + 'static>(
    values: Vec<T>,
) -> Option<T> {
    let __lru_memo_key = (part::<Leaf<_>, Vec<T>, _, _>(&values), ());
    let __lru_memo_cache = largest_needs_lru_cache_on_its_impl_block::<T>()
        .cache::<
            Kept<false, true>,
            _,
            Option<T>,
            DefaultHasher,
        >(
            (shareable_part::<_, _, _>(&__lru_memo_key.0), ()),
            shareable::<Option<T>>(),
            || Site {
                of: largest_lru_memo_instantiation::<T>(),
                name: || name_of_instantiation(
                    ::core::module_path!(),
                    "largest",
                    &[&::core::any::type_name::<T>()],
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
    let __lru_memo_returned = largest_uncached::<T>(values);
    __lru_memo_miss
        .complete_by_default::<
            Is<false>,
            Option<T>,
        >(__lru_memo_returned, clone_value::<Option<T>>())
}
///Calls [`largest`] and tells the outcome of the call as well.
#[inline]
fn largest_with_outcome<T: Clone + Ord + Hash + Send + Sync + 'static>(
    values: Vec<T>,
) -> (Option<T>, ::lru_memo::Outcome) {
    largest_lru_memo_missed::<T>(::core::option::Option::None, values)
}
///Removes the entries of the cache of [`largest`] for which a predicate holds, and says how many. The predicate gets the key as `weigh` does: a reference, or a tuple of references.
#[inline]
fn largest_cache_invalidate_if<T: Clone + Ord + Hash + Send + Sync + 'static>(
    __lru_memo_predicate: impl ::core::ops::FnMut(
        &Vec<T>,
        &Option<T>,
    ) -> ::core::primitive::bool,
) -> ::core::primitive::usize {
    match largest_needs_lru_cache_on_its_impl_block::<T>()
        .used::<Kept<false, true>, (Vec<T>, ()), Option<T>, DefaultHasher>()
    {
        ::core::option::Option::Some(__lru_memo_cache) => {
            let mut __lru_memo_predicate = __lru_memo_predicate;
            __lru_memo_cache
                .invalidate_if(|__lru_memo_key, __lru_memo_value| {
                    __lru_memo_predicate(&__lru_memo_key.0, __lru_memo_value)
                })
        }
        ::core::option::Option::None => 0,
    }
}
///Changes how many entries the cache of [`largest`] may hold; evicts the least recent ones if it holds more.
#[inline]
fn largest_cache_resize<T: Clone + Ord + Hash + Send + Sync + 'static>(
    __lru_memo_maxsize: ::core::primitive::usize,
) {
    largest_needs_lru_cache_on_its_impl_block::<T>()
        .resize(largest_lru_memo_instantiation::<T>(), __lru_memo_maxsize);
}
