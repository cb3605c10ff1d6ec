//! A check for `decoders`: URLs of stores, as an administrator or `LRU_MEMO_STORE` may give them.

use alloc::format;
use alloc::string::{String, ToString};

use super::{check, redacted};

/// No URL makes the parser panic. For any password, neither an error nor the redacted URL contains its beginning or its
/// end.
pub(in crate::shared) fn url(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let _ = (check(&text), redacted(&text));
    let before_host = format!("s3CR3T{text}T3RC3s");
    // In an option, `&` ends the password.
    let option = before_host.replace('&', "");
    for url in [
        before_host.clone(),
        format!("redis://me:{before_host}@h:6379/0?timeout=2s"),
        format!("rediss://:{before_host}@h"),
        format!("redis://h?pass={option}"),
        format!("unix:///run/r.sock?pass={option}&timeout=2s"),
    ] {
        let told = check(&url).err().map(|error| error.to_string()).unwrap_or_default();
        for shown in [redacted(&url), told] {
            assert!(!shown.contains("s3CR3T") && !shown.contains("T3RC3s"), "`{shown}` of `{url}`");
        }
    }
}
