//! What programs see by way of the facades `metrics` and `tracing`.

use std::fmt::{Debug, Write as _};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use lru_memo::{cache, lru_cache};
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// What a collector gets that asks once for all metrics.
fn scrape(metrics: impl FnOnce() -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        let mut request = [0; 1024];
        let _ = client.read(&mut request).expect("a request");
        let body = metrics();
        write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .expect("the client reads");
    });
    let mut client = TcpStream::connect(address).expect("the server listens");
    client
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("text");
    server.join().expect("no panic");
    answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}

#[test]
fn a_scrape_shows_the_totals_of_every_cache() {
    #[lru_cache(maxsize = 2, name = "scraped::double")]
    fn double(x: u32) -> Result<u32, String> {
        x.checked_mul(2).ok_or_else(|| "too large".to_owned())
    }
    #[cache(name = "scraped::\"unbounded\"")]
    fn unbounded(x: u32) -> u32 {
        x
    }
    let exporter = PrometheusBuilder::new().install_recorder().expect("the first one");
    for x in [1, 2, 1, 3] {
        assert!(double(x).is_ok());
    }
    assert!(double(u32::MAX).is_err());
    unbounded(1);
    let handle = exporter.clone();
    let all = scrape(move || {
        lru_memo::metrics::publish();
        handle.render()
    });
    for line in [
        "cache_gets_total{cache=\"scraped::double\",result=\"hit\"} 1",
        "cache_gets_total{cache=\"scraped::double\",result=\"miss\"} 4",
        "cache_evictions_total{cache=\"scraped::double\"} 1",
        "cache_errors_total{cache=\"scraped::double\"} 1",
        "cache_size{cache=\"scraped::double\"} 2",
        "cache_max_size{cache=\"scraped::double\"} 2",
        "cache_size{cache=\"scraped::\\\"unbounded\\\"\"} 1",
        "# TYPE cache_gets_total counter",
        "# TYPE cache_size gauge",
    ] {
        assert!(all.lines().any(|other| other == line), "{line} is not in\n{all}");
    }
    assert!(!all.lines().any(|line| line.starts_with("cache_max_size") && line.contains("unbounded")));
    double_cache_clear();
    assert!(double(1).is_ok());
    let again = scrape(move || {
        lru_memo::metrics::publish();
        exporter.render()
    });
    let line = "cache_gets_total{cache=\"scraped::double\",result=\"miss\"} 5";
    assert!(again.lines().any(|other| other == line), "a counter is never reset: {again}");
}

/// Writes down all events of this crate.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<String>>>);

impl Subscriber for Written {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("lru_memo")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        struct Fields(String);
        impl Visit for Fields {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                let value = if field.name() == "duration" { "..".to_owned() } else { format!("{value:?}") };
                write!(self.0, " {}={value}", field.name()).expect("it is text");
            }
        }
        assert_eq!(*event.metadata().level(), Level::DEBUG);
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.lock().expect("no panic").push(fields.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn each_miss_is_an_event_without_its_key_and_hits_are_none() {
    #[lru_cache(name = "traced")]
    fn secret(x: &str) -> Result<usize, String> {
        if x.is_empty() { Err("empty".to_owned()) } else { Ok(x.len()) }
    }
    #[lru_cache(scope = thread, name = "traced_in_thread")]
    fn in_thread(x: u32) -> u32 {
        x
    }
    let written = Written::default();
    tracing::subscriber::with_default(written.clone(), || {
        assert_eq!((secret("password"), secret("password")), (Ok(8), Ok(8)));
        assert!(secret("").is_err());
        (0..100).for_each(|x| _ = in_thread(x));
        in_thread(0);
    });
    let events = written.0.lock().expect("no panic").clone();
    let event = |cache: &str, ok| format!(" message=miss cache=\"{cache}\" duration=.. ok={ok}");
    assert_eq!(events[..2], [event("traced", true), event("traced", false)]);
    assert_eq!(events[2..], vec![event("traced_in_thread", true); 100], "however short the runs are");
}
