//! A map from types to values: a trie over the hashes of the types. It only grows, and takes no lock. Values never
//! move.
//!
//! So a fork always copies a consistent map, and user code that runs while a value is made may use the map.

use alloc::boxed::Box;
use core::any::TypeId;
use core::hash::{BuildHasher, BuildHasherDefault, Hasher};

use once_cell::race::OnceBox;

/// The number of hash bits that each level uses.
const BITS: u32 = 2;

/// The values, by their types.
pub(crate) struct ByType<T>(OnceBox<Node<T>>);

impl<T> Default for ByType<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The value of one type, and the children for types whose hashes have the same beginning.
struct Node<T> {
    of: TypeId,
    value: T,
    /// Made when there is a child: most objects have one cache.
    children: OnceBox<[ByType<T>; 1 << BITS]>,
}

impl<T> ByType<T> {
    pub(crate) const fn new() -> Self {
        Self(OnceBox::new())
    }

    /// Returns the value of a type. The type that came first is found without a hash.
    #[inline]
    pub(crate) fn get(&self, of: TypeId) -> Option<&T> {
        let first = self.0.get()?;
        if first.of == of { Some(&first.value) } else { first.find(of) }
    }

    /// Returns the value of a type, and whether this call added it. If several threads make a value for one type at the
    /// same time, one of the values is kept.
    pub(crate) fn get_or_insert(&self, of: TypeId, make: impl FnOnce() -> T) -> (&T, bool) {
        if let Some(value) = self.get(of) {
            return (value, false);
        }
        let mut made = Some(Box::new(Node { of, value: make(), children: OnceBox::new() }));
        let mut path = Path::to(of);
        let mut place = self;
        loop {
            let is_new = match (place.0.get(), made.take()) {
                (None, Some(node)) => match place.0.set(node) {
                    Ok(()) => true,
                    Err(node) => {
                        made = Some(node);
                        false
                    }
                },
                (_, kept) => {
                    made = kept;
                    false
                }
            };
            let node = place.0.get().expect("it was set just now, if not before");
            if node.of == of {
                return (&node.value, is_new);
            }
            let children = node.children.get_or_init(|| Box::new([const { Self::new() }; 1 << BITS]));
            place = &children[path.turn()];
        }
    }

    /// Returns whether there is no value.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.get().is_none()
    }

    /// Calls this with each value.
    pub(crate) fn for_each<'t>(&'t self, act: &mut impl FnMut(&'t T)) {
        if let Some(node) = self.0.get() {
            act(&node.value);
            node.children.get().into_iter().flatten().for_each(|child| child.for_each(act));
        }
    }
}

impl<T> Node<T> {
    fn find(&self, of: TypeId) -> Option<&T> {
        let mut path = Path::to(of);
        let mut node = self;
        while node.of != of {
            node = node.children.get()?[path.turn()].0.get()?;
        }
        Some(&node.value)
    }
}

/// The path of children to a type.
struct Path(u64);

impl Path {
    fn to(of: TypeId) -> Self {
        Self(BuildHasherDefault::<Taken>::default().hash_one(of))
    }

    /// Returns the number of the next child. After the last bits, the first ones follow again: types with equal hashes
    /// form a chain.
    fn turn(&mut self) -> usize {
        let child = self.0 as usize % (1 << BITS);
        self.0 = self.0.rotate_right(BITS);
        child
    }
}

/// A hasher that returns the hash which a [`TypeId`] consists of.
#[derive(Default)]
struct Taken(u64);

impl Hasher for Taken {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, part: u64) {
        self.0 ^= part;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::any::TypeId;
    use std::thread;

    use super::ByType;

    struct Number<const N: usize>;

    macro_rules! types {
        ($($digit:literal)*) => {{
            let mut types = Vec::new();
            $( types.extend([
                TypeId::of::<Number<{ $digit * 4 }>>(), TypeId::of::<Number<{ $digit * 4 + 1 }>>(),
                TypeId::of::<Number<{ $digit * 4 + 2 }>>(), TypeId::of::<Number<{ $digit * 4 + 3 }>>(),
            ]); )*
            types
        }};
    }

    fn types() -> Vec<TypeId> {
        types!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24)
    }

    #[test]
    fn each_type_has_the_value_that_was_made_for_it_first() {
        let (map, types) = (ByType::new(), types());
        for (number, &of) in types.iter().enumerate() {
            assert_eq!(map.get(of), None);
            assert_eq!(map.get_or_insert(of, || number), (&number, true));
        }
        for (number, &of) in types.iter().enumerate() {
            assert_eq!(map.get(of), Some(&number));
            assert_eq!(map.get_or_insert(of, || unreachable!()), (&number, false));
        }
        let mut all = Vec::new();
        map.for_each(&mut |&number| all.push(number));
        all.sort_unstable();
        assert!(all.into_iter().eq(0..types.len()));
    }

    #[test]
    fn one_of_several_threads_adds_a_value() {
        let (map, types) = (ByType::new(), types());
        let added: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|thread| {
                    let (map, types) = (&map, &types);
                    scope
                        .spawn(move || types.iter().filter(|&&of| map.get_or_insert(of, || thread).1).count())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(added, types.len());
    }

    #[test]
    fn a_value_that_is_made_may_have_others_made() {
        let (map, types) = (ByType::new(), types());
        let outer = map.get_or_insert(types[0], || {
            let _ = map.get_or_insert(types[1], || 1);
            let _ = map.get_or_insert(types[0], || 2);
            3
        });
        assert_eq!(outer, (&2, false));
    }
}
