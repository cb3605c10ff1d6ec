//! Types whose `Hash`, `Eq` and `Clone` are the standard library's and do nothing but compute: they may run
//! inside a lock, because they neither panic nor block nor call back.

use core::any::TypeId;

/// Whether `T` is known to be such a type. Costs nothing at run time: the compiler folds it to a constant.
#[inline(always)]
pub(crate) fn is_plain<T: ?Sized + 'static>() -> bool {
    type Unit = ();
    macro_rules! any_of {
        ($($plain:ty)*) => { $(TypeId::of::<T>() == TypeId::of::<$plain>())||* };
    }
    any_of! {
        u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char Unit
        str alloc::string::String &'static str [u8] alloc::vec::Vec<u8>
        std::path::Path std::path::PathBuf std::ffi::OsStr std::ffi::OsString core::time::Duration
    }
}

/// Whether cloning a `T` is a mere copy, too, and so may happen inside a lock without making others wait.
#[inline(always)]
pub(crate) fn is_plain_copy<T: 'static>() -> bool {
    is_plain::<T>() && !core::mem::needs_drop::<T>()
}
