// mistakes: 2
//! `#[async_trait]` above the attribute: what it makes of an `async fn` is no function to memoize. Written out here.

use std::future::Future;
use std::pin::Pin;

use lru_memo::lru_cache;

struct Shop(u32);

impl Shop {
    #[lru_cache]
    fn price<'life0, 'async_trait>(
        &'life0 self,
        id: u32,
    ) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move { self.0 + id })
    }
}

#[lru_cache]
impl Shop {
    #[lru_cache(maxsize = 2)]
    fn name<'async_trait>(id: u32) -> Pin<Box<dyn Future<Output = String> + Send + 'async_trait>> {
        Box::pin(async move { id.to_string() })
    }
}

fn main() {}
