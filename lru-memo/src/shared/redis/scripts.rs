//! What is done in the server, as scripts: each is atomic, and one round trip.

use alloc::format;

use redis::Script;

/// All scripts. The server is told one when it does not know it: once, and after it has forgotten them.
pub(super) struct Scripts {
    pub(super) begin: Script,
    pub(super) clear: Script,
    pub(super) extend: Script,
    pub(super) get: Script,
    pub(super) hit: Script,
    pub(super) info: Script,
    pub(super) invalidate: Script,
    pub(super) peek: Script,
    pub(super) recent: Script,
    pub(super) reject: Script,
    pub(super) store: Script,
    pub(super) ticket: Script,
    pub(super) release: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let whole = |body: &str| body.replace("-- settle\n", include_str!("settle.lua"));
        let prelude = whole(include_str!("prelude.lua"));
        let script = |body| Script::new(&format!("{prelude}{body}"));
        Self {
            begin: script(include_str!("begin.lua")),
            clear: script(include_str!("clear.lua")),
            extend: Script::new(include_str!("extend.lua")),
            get: script(include_str!("get.lua")),
            hit: Script::new(&whole(include_str!("hit.lua"))),
            info: Script::new(include_str!("info.lua")),
            invalidate: script(include_str!("invalidate.lua")),
            peek: script(include_str!("peek.lua")),
            recent: script(include_str!("recent.lua")),
            reject: script(include_str!("reject.lua")),
            store: script(include_str!("store.lua")),
            ticket: script(include_str!("ticket.lua")),
            release: Script::new(include_str!("release.lua")),
        }
    }
}
