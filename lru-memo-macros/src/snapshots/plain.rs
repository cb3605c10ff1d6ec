fn area(width: u32, height: u32) -> u32 {
    let __lru_memo_key = (
        part::<Leaf<_>, u32, u32, _>(&width),
        (part::<Leaf<_>, u32, u32, _>(&height), ()),
    );
    let __lru_memo_cache = area_needs_lru_cache_on_its_impl_block();
    let __lru_memo_found = __lru_memo_cache.get(__lru_memo_key, clone_value::<u32>());
    match __lru_memo_found {
        ::core::result::Result::Ok(__lru_memo_value) => __lru_memo_value,
        ::core::result::Result::Err(__lru_memo_miss) => {
            area_lru_memo_missed(
                    ::core::option::Option::Some(__lru_memo_miss),
                    width,
                    height,
                )
                .0
        }
    }
}
#[doc(hidden)]
fn area_lru_memo_site() -> Site {
    let __lru_memo_of = instantiation(|| ());
    Site {
        of: __lru_memo_of,
        name: || ::core::concat!(::core::module_path!(), "::", "area"),
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
fn area_needs_lru_cache_on_its_impl_block() -> &'static Cache<
    AllThreads,
    Kept<true, false>,
    (u32, (u32, ())),
    u32,
    DefaultHasher,
> {
    #[allow(unreachable_code)]
    if false {
        let _ = area(loop {}, loop {});
    }
    plain::<(u32, (u32, ())), u32>();
    static __LRU_MEMO_CACHE: Slot<
        Cache<AllThreads, Kept<true, false>, (u32, (u32, ())), u32, DefaultHasher>,
    > = Slot::new();
    __LRU_MEMO_CACHE
        .get(
            (shareable::<u32>(), (shareable::<u32>(), ())),
            shareable::<u32>(),
            || area_lru_memo_site(),
        )
}
#[doc(hidden)]
#[cold]
#[inline(never)]
fn area_lru_memo_missed(
    __lru_memo_unseen: ::core::option::Option<Unseen>,
    width: u32,
    height: u32,
) -> (u32, ::lru_memo::Outcome) {
    let __lru_memo_key = (
        part::<Leaf<_>, u32, u32, _>(&width),
        (part::<Leaf<_>, u32, u32, _>(&height), ()),
    );
    let __lru_memo_cache = area_needs_lru_cache_on_its_impl_block();
    match __lru_memo_cache
        .look_on(&__lru_memo_unseen, __lru_memo_key, clone_value::<u32>())
    {
        ::core::result::Result::Ok(__lru_memo_value) => {
            (__lru_memo_value, <Outcome>::Hit)
        }
        ::core::result::Result::Err(ref mut __lru_memo_miss) => {
            let __lru_memo_returned = area_uncached(width, height);
            (
                __lru_memo_miss
                    .complete_by_default::<
                        Is<false>,
                        u32,
                    >(__lru_memo_returned, clone_value::<u32>()),
                <Outcome>::Miss,
            )
        }
    }
}
///Runs [`area`] itself: touches no cache and no counter, as Python's `__wrapped__`.
fn area_uncached(width: u32, height: u32) -> u32 {
    width * height
}
///The hits, misses and size of the cache of [`area`].
#[inline]
fn area_cache_info() -> ::lru_memo::CacheInfo {
    area_needs_lru_cache_on_its_impl_block().info()
}
///What the cache of [`area`] has done since it was made, and how long its runs took.
#[inline]
fn area_cache_totals() -> ::lru_memo::CacheTotals {
    area_needs_lru_cache_on_its_impl_block().totals()
}
///Drops every entry of the cache of [`area`] and zeroes its counters.
#[inline]
fn area_cache_clear() {
    area_needs_lru_cache_on_its_impl_block().clear();
}
///The configuration of the cache of [`area`].
#[inline]
fn area_cache_parameters() -> ::lru_memo::CacheParameters {
    present_at(area_lru_memo_site())
}
///Removes one entry from the cache of [`area`]; says whether it was there.
#[inline]
fn area_cache_invalidate(width: u32, height: u32) -> ::core::primitive::bool {
    area_needs_lru_cache_on_its_impl_block()
        .invalidate((
            part::<Leaf<_>, u32, u32, _>(&width),
            (part::<Leaf<_>, u32, u32, _>(&height), ()),
        ))
}
///The value that the cache of [`area`] holds, if any; touches neither recency nor counters.
#[inline]
fn area_cache_peek(width: u32, height: u32) -> ::core::option::Option<u32> {
    area_needs_lru_cache_on_its_impl_block()
        .peek(
            (
                part::<Leaf<_>, u32, u32, _>(&width),
                (part::<Leaf<_>, u32, u32, _>(&height), ()),
            ),
            clone_value::<u32>(),
        )
}
///Stores a value for [`area`] as its most recent, replacing an older one; touches no counter.
#[inline]
fn area_cache_put(width: u32, height: u32, __lru_memo_value: u32) {
    area_needs_lru_cache_on_its_impl_block()
        .put_by_default(
            (
                part::<Leaf<_>, u32, u32, _>(&width),
                (part::<Leaf<_>, u32, u32, _>(&height), ()),
            ),
            __lru_memo_value,
        )
}
///Runs [`area`] and stores its value as the most recent; counts neither hit nor miss. Callers hit the old value meanwhile.
#[inline]
fn area_cache_refresh(width: u32, height: u32) -> u32 {
    let __lru_memo_key = (
        part::<Leaf<_>, u32, u32, _>(&width),
        (part::<Leaf<_>, u32, u32, _>(&height), ()),
    );
    let __lru_memo_cache = area_needs_lru_cache_on_its_impl_block();
    let __lru_memo_found = __lru_memo_cache.refresh(__lru_memo_key);
    let mut __lru_memo_miss = __lru_memo_found;
    let __lru_memo_returned = area_uncached(width, height);
    __lru_memo_miss
        .complete_by_default::<Is<false>, u32>(__lru_memo_returned, clone_value::<u32>())
}
///Calls [`area`] and tells the outcome of the call as well.
#[inline]
fn area_with_outcome(width: u32, height: u32) -> (u32, ::lru_memo::Outcome) {
    area_lru_memo_missed(::core::option::Option::None, width, height)
}
///Removes the entries of the cache of [`area`] for which a predicate holds, and says how many. The predicate gets the key as `weigh` does: a reference, or a tuple of references.
#[inline]
fn area_cache_invalidate_if(
    __lru_memo_predicate: impl ::core::ops::FnMut(
        (&u32, &u32),
        &u32,
    ) -> ::core::primitive::bool,
) -> ::core::primitive::usize {
    let __lru_memo_cache = area_needs_lru_cache_on_its_impl_block();
    {
        let mut __lru_memo_predicate = __lru_memo_predicate;
        __lru_memo_cache
            .invalidate_if(|__lru_memo_key, __lru_memo_value| {
                __lru_memo_predicate(
                    (&__lru_memo_key.0, &__lru_memo_key.1.0),
                    __lru_memo_value,
                )
            })
    }
}
///Changes how many entries the cache of [`area`] may hold; evicts the least recent ones if it holds more.
#[inline]
fn area_cache_resize(__lru_memo_maxsize: ::core::primitive::usize) {
    area_needs_lru_cache_on_its_impl_block().resize(__lru_memo_maxsize);
}
