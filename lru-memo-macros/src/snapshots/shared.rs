fn report(customer: u64, month: &str) -> String {
    let __lru_memo_found = {
        let __lru_memo_key = (
            shared_part::<u64>(&customer),
            (shared_part::<&'_ str>(&month), ()),
        );
        let __lru_memo_cache = report_needs_lru_cache_on_its_impl_block();
        let __lru_memo_found = __lru_memo_cache.by_thread(__lru_memo_key);
        __lru_memo_found
    };
    let __lru_memo_found = at_once(__lru_memo_found.get(codec::<String>()));
    match __lru_memo_found {
        ::core::result::Result::Ok(__lru_memo_value) => __lru_memo_value,
        ::core::result::Result::Err(mut __lru_memo_miss) => {
            let __lru_memo_returned = report_uncached(customer, month);
            at_once(
                __lru_memo_miss
                    .complete::<
                        Is<false>,
                        String,
                    >(__lru_memo_returned, codec::<String>(), |_| true, no_own_ttl),
            )
        }
    }
}
#[doc(hidden)]
fn report_lru_memo_instantiation() -> TypeId {
    instantiation(|| ())
}
#[doc(hidden)]
#[inline]
fn report_needs_lru_cache_on_its_impl_block() -> &'static SharedCache {
    #[allow(unreachable_code)]
    if false {
        let _ = report(loop {}, loop {});
    }
    static __LRU_MEMO_CACHES: SharedCaches = SharedCaches::new();
    __LRU_MEMO_CACHES
        .of(
            instantiation(|| ()),
            || Site {
                of: report_lru_memo_instantiation(),
                name: || ::core::concat!(::core::module_path!(), "::", "report"),
                file: ::core::file!(),
                line: line!(),
                parameters: CacheParameters::new(
                        ::core::option::Option::Some(const { 128 }),
                        false,
                        <Scope>::Shared,
                    )
                    .with_ttl(::core::time::Duration::from_nanos(600000000000u64)),
                is_tagged: false,
            },
            || Identity {
                tokens: 177911170595235414052918718881592267191u128,
                is_named: false,
                is_free: true,
                module: ::core::module_path!(),
                hidden: "report_needs_lru_cache_on_its_impl_block",
                within: ::core::any::type_name_of_val(&|| ()),
                package: [
                    ::core::option_env!("CARGO_PKG_NAME"),
                    ::core::option_env!("CARGO_PKG_VERSION"),
                ],
                types: names(
                    &[
                        &::core::any::type_name::<String>(),
                        &::core::any::type_name::<&'_ str>(),
                        &::core::any::type_name::<u64>(),
                    ],
                ),
                arguments: names(&[]),
                own: ::core::option::Option::None,
                code: || (),
            },
        )
}
///Runs [`report`] itself: touches no cache and no counter, as Python's `__wrapped__`.
fn report_uncached(customer: u64, month: &str) -> String {
    render(customer, month)
}
///The hits, misses and size of the cache of [`report`].
#[inline]
fn report_cache_info() -> ::lru_memo::CacheInfo {
    at_once(report_needs_lru_cache_on_its_impl_block().by_thread(()).info())
}
///What the cache of [`report`] has done since it was made, and how long its runs took.
#[inline]
fn report_cache_totals() -> ::lru_memo::CacheTotals {
    at_once(report_needs_lru_cache_on_its_impl_block().by_thread(()).totals())
}
///Drops every entry of the cache of [`report`] and zeroes its counters.
#[inline]
fn report_cache_clear() {
    at_once(report_needs_lru_cache_on_its_impl_block().by_thread(()).clear());
}
///The configuration of the cache of [`report`].
#[inline]
fn report_cache_parameters() -> ::lru_memo::CacheParameters {
    at_once(
        report_needs_lru_cache_on_its_impl_block()
            .by_thread(())
            .parameters(
                CacheParameters::new(
                        ::core::option::Option::Some(const { 128 }),
                        false,
                        <Scope>::Shared,
                    )
                    .with_ttl(::core::time::Duration::from_nanos(600000000000u64)),
            ),
    )
}
///Removes one entry from the cache of [`report`]; says whether it was there.
#[inline]
fn report_cache_invalidate(customer: u64, month: &str) -> ::core::primitive::bool {
    let __lru_memo_found = {
        let __lru_memo_key = (
            shared_part::<u64>(&customer),
            (shared_part::<&'_ str>(&month), ()),
        );
        let __lru_memo_cache = report_needs_lru_cache_on_its_impl_block();
        let __lru_memo_found = __lru_memo_cache.by_thread(__lru_memo_key);
        __lru_memo_found
    };
    let __lru_memo_found = at_once(__lru_memo_found.invalidate());
    __lru_memo_found
}
///The value that the cache of [`report`] holds, if any; touches neither recency nor counters.
#[inline]
fn report_cache_peek(customer: u64, month: &str) -> ::core::option::Option<String> {
    let __lru_memo_found = {
        let __lru_memo_key = (
            shared_part::<u64>(&customer),
            (shared_part::<&'_ str>(&month), ()),
        );
        let __lru_memo_cache = report_needs_lru_cache_on_its_impl_block();
        let __lru_memo_found = __lru_memo_cache.by_thread(__lru_memo_key);
        __lru_memo_found
    };
    let __lru_memo_found = at_once(__lru_memo_found.peek(codec::<String>()));
    __lru_memo_found
}
///Stores a value for [`report`] as its most recent, replacing an older one; touches no counter.
#[inline]
fn report_cache_put(customer: u64, month: &str, __lru_memo_value: String) {
    let __lru_memo_found = {
        let __lru_memo_key = (
            shared_part::<u64>(&customer),
            (shared_part::<&'_ str>(&month), ()),
        );
        let __lru_memo_cache = report_needs_lru_cache_on_its_impl_block();
        let __lru_memo_found = __lru_memo_cache.by_thread(__lru_memo_key);
        __lru_memo_found
    };
    let __lru_memo_found = at_once(
        __lru_memo_found.put(__lru_memo_value, codec::<String>(), no_own_ttl),
    );
    __lru_memo_found
}
///Runs [`report`] and stores its value as the most recent; counts neither hit nor miss. Callers hit the old value meanwhile.
#[inline]
fn report_cache_refresh(customer: u64, month: &str) -> String {
    let __lru_memo_found = {
        let __lru_memo_key = (
            shared_part::<u64>(&customer),
            (shared_part::<&'_ str>(&month), ()),
        );
        let __lru_memo_cache = report_needs_lru_cache_on_its_impl_block();
        let __lru_memo_found = __lru_memo_cache.by_thread(__lru_memo_key);
        __lru_memo_found
    };
    let __lru_memo_found = at_once(__lru_memo_found.refresh());
    let mut __lru_memo_miss = __lru_memo_found;
    let __lru_memo_returned = report_uncached(customer, month);
    at_once(
        __lru_memo_miss
            .complete::<
                Is<false>,
                String,
            >(__lru_memo_returned, codec::<String>(), |_| true, no_own_ttl),
    )
}
///Calls [`report`] and tells the outcome of the call as well.
#[inline]
fn report_with_outcome(customer: u64, month: &str) -> (String, ::lru_memo::Outcome) {
    let __lru_memo_found = {
        let __lru_memo_key = (
            shared_part::<u64>(&customer),
            (shared_part::<&'_ str>(&month), ()),
        );
        let __lru_memo_cache = report_needs_lru_cache_on_its_impl_block();
        let __lru_memo_found = __lru_memo_cache.by_thread(__lru_memo_key);
        __lru_memo_found
    };
    let __lru_memo_found = at_once(__lru_memo_found.get(codec::<String>()));
    match __lru_memo_found {
        ::core::result::Result::Ok(__lru_memo_value) => {
            (__lru_memo_value, <Outcome>::Hit)
        }
        ::core::result::Result::Err(mut __lru_memo_miss) => {
            let __lru_memo_returned = report_uncached(customer, month);
            (
                at_once(
                    __lru_memo_miss
                        .complete::<
                            Is<false>,
                            String,
                        >(__lru_memo_returned, codec::<String>(), |_| true, no_own_ttl),
                ),
                <Outcome>::Miss,
            )
        }
    }
}
///Changes how many entries the cache of [`report`] may hold; evicts the least recent ones if it holds more.
#[inline]
fn report_cache_resize(__lru_memo_maxsize: ::core::primitive::usize) {
    at_once(
        report_needs_lru_cache_on_its_impl_block()
            .by_thread(())
            .resize(__lru_memo_maxsize),
    );
}
