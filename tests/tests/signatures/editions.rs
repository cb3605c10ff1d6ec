//! Editions other than that of the macro.

#[test]
fn functions_of_edition_2015_are_memoized() {
    crate::prepare();
    let infos = edition_2015::infos();
    assert!(infos.iter().all(|info| (info.hits, info.misses) == (1, 1)), "{infos:?}");
}
