//! Keys are equal when the arguments are, and not otherwise.

use lru_memo::lru_cache;
use serde::Serialize;

use super::{in_memory, info};

#[test]
fn texts_and_lists_of_every_length_are_keys_of_their_own() {
    #[lru_cache(scope = shared, maxsize = None)]
    fn lengths(one: &str, other: &[u8]) -> (usize, usize) {
        (one.len(), other.len())
    }
    in_memory();
    let some = [0, 1, 253, 254, 255, 256, 257, 65_536];
    for one in some {
        for other in some {
            assert_eq!(lengths(&"a".repeat(one), &vec![b'a'; other]), (one, other));
        }
    }
    assert_eq!(lengths_cache_info(), info(0, 64, None, 64));
}

/// What a deployed program stored is read by the next one, whose type has one variant more.
#[test]
fn a_variant_is_not_taken_for_the_one_that_stood_in_its_place() {
    in_memory();
    let before = {
        #[derive(Serialize, Debug)]
        enum Currency {
            Euro,
        }
        #[lru_cache(scope = shared, name = "currency")]
        fn shown(currency: Currency) -> String {
            format!("{currency:?}")
        }
        shown(Currency::Euro)
    };
    let after = {
        #[derive(Serialize, Debug)]
        enum Currency {
            Dollar,
            Euro,
        }
        #[lru_cache(scope = shared, name = "currency")]
        fn shown(currency: Currency) -> String {
            format!("{currency:?}")
        }
        [shown(Currency::Dollar), shown(Currency::Euro)]
    };
    assert_eq!((before.as_str(), after), ("Euro", ["Dollar".to_owned(), "Euro".to_owned()]));
}

#[test]
fn untagged_values_of_types_with_different_names_differ() {
    #[derive(Serialize, Debug)]
    struct Meters(u32);
    #[derive(Serialize, Debug)]
    struct Feet(u32);
    #[derive(Serialize, Debug)]
    #[serde(untagged)]
    enum Length {
        Meters(Meters),
        Feet(Feet),
    }
    #[lru_cache(scope = shared)]
    fn shown(length: Length) -> String {
        format!("{length:?}")
    }
    in_memory();
    assert_eq!(shown(Length::Meters(Meters(1))), "Meters(Meters(1))");
    assert_eq!(shown(Length::Feet(Feet(1))), "Feet(Feet(1))");
}

#[test]
fn a_variant_that_holds_something_differs_from_one_that_is_followed_by_it() {
    #[derive(Serialize, Debug, Clone)]
    enum Leaf {
        End,
    }
    #[derive(Serialize, Debug, Clone)]
    enum Node {
        Next(Box<Tree>),
    }
    #[derive(Serialize, Debug, Clone)]
    #[serde(untagged)]
    enum Tree {
        Leaf(Leaf),
        Node(Node),
    }
    #[lru_cache(scope = shared)]
    fn shown(trees: &[Tree]) -> String {
        format!("{trees:?}")
    }
    in_memory();
    let leaf = || Tree::Leaf(Leaf::End);
    let node = |tree| Tree::Node(Node::Next(Box::new(tree)));
    for trees in [[leaf(), node(leaf())], [node(leaf()), leaf()]] {
        assert_eq!(shown(&trees), format!("{trees:?}"));
    }
}
