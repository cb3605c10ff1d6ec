//! One cache for each thread, for values that cannot leave it: `cargo run --example thread_scope`.

use std::rc::Rc;
use std::thread;

use lru_memo::lru_cache;

// Without `scope = thread` this would not compile: an `Rc` is not `Send`.
#[lru_cache(maxsize = 2, scope = thread)]
fn greeting(name: &str) -> Rc<str> {
    println!("    ({}: making a greeting for {name})", thread::current().name().unwrap_or("?"));
    format!("Hello, {name}!").into()
}

fn main() {
    let first = greeting("Ferris");
    let second = greeting("Ferris");
    println!("main: {first} The same allocation both times: {}.", Rc::ptr_eq(&first, &second));

    thread::scope(|scope| {
        let other = thread::Builder::new().name("other".to_owned()).spawn_scoped(scope, || {
            println!("other: {}", greeting_cache_info());
            println!("other: {}", greeting("Ferris"));
            println!("other: {}", greeting_cache_info());
        });
        other.expect("a thread can be started").join().expect("it does not panic");
    });

    println!("main: {}", greeting_cache_info());
}
