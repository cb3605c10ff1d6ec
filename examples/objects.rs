//! A cache for each object, which is dropped with the object: `cargo run --example objects`.

use lru_memo::{Memo, lru_cache};

/// A tenant. Its plan decides how many entries its cache has.
struct Tenant {
    name: &'static str,
    rows: usize,
    memo: Memo,
}

impl Tenant {
    #[lru_cache(maxsize = self.rows, scope = self.memo)]
    fn row(&self, id: u32) -> String {
        println!("    ({} reads row {id})", self.name);
        format!("row {id} of {}", self.name)
    }
}

fn main() {
    let tenants = [("small", 1), ("large", 100)].map(|(name, rows)| Tenant { name, rows, memo: Memo::new() });
    for id in [1, 2, 1] {
        for tenant in &tenants {
            println!("{}", tenant.row(id));
        }
    }
    for tenant in &tenants {
        println!("{}: {}", tenant.name, tenant.row_cache_info());
    }
}
