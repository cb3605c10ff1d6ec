#[lru_cache(single_flight = true, ttl = Duration::from_secs(60), skip(client))]
pub(crate) async fn fetch(client: &Client, url: &str) -> Result<String, Error> { client.get(url).await }
