//! The Lua scripts that run in the server. Each is atomic, and one round trip.

use alloc::format;
use core::time::Duration;

use redis::Script;

/// All scripts. The client sends a script's text only if the server does not know the script.
pub(super) struct Scripts {
    pub(super) create: Script,
    pub(super) clear: Script,
    pub(super) count: Script,
    pub(super) count_hit: Script,
    pub(super) current: Script,
    pub(super) extend: Script,
    pub(super) get: Script,
    pub(super) hit: Script,
    pub(super) hit_to_miss: Script,
    pub(super) info: Script,
    pub(super) invalidate: Script,
    pub(super) lease: Script,
    pub(super) list: Script,
    pub(super) peek: Script,
    pub(super) recent: Script,
    pub(super) reject: Script,
    pub(super) resize: Script,
    pub(super) store: Script,
    pub(super) ticket: Script,
    pub(super) release: Script,
}

impl Scripts {
    /// Makes the scripts, for namespaces that expire after this time without use.
    pub(super) fn new(unused: Duration) -> Self {
        let (whole, due) = (unused.as_millis(), (unused - noted_every(unused)).as_millis());
        let periods = format!("local UNUSED, DUE = {whole}, {due}\n");
        let whole = |body: &str| {
            Script::new(&format!("{periods}{}", body.replace("-- settle\n", include_str!("settle.lua"))))
        };
        let (prelude, is_current) = (include_str!("prelude.lua"), include_str!("is_current.lua"));
        let hit_to_miss = include_str!("hit_to_miss.lua");
        let evict = include_str!("evict.lua");
        let look = |body: &str| whole(&format!("{prelude}{body}"));
        // A script that also notes the use of the namespace.
        let script = |body: &str| {
            let body =
                format!("local function act()\n{body}end\nlocal answer = act()\nkeep()\nreturn answer\n");
            whole(&format!("{prelude}{body}"))
        };
        Self {
            create: script(include_str!("create.lua")),
            clear: script(include_str!("clear.lua")),
            count: whole(include_str!("count.lua")),
            count_hit: whole(include_str!("count_hit.lua")),
            current: look(&format!("{is_current}return is_current(ARGV[4], tonumber(ARGV[5])) and 1 or 0\n")),
            extend: Script::new(include_str!("extend.lua")),
            get: script(include_str!("get.lua")),
            hit: whole(include_str!("hit.lua")),
            hit_to_miss: script(hit_to_miss),
            info: Script::new(include_str!("info.lua")),
            invalidate: script(include_str!("invalidate.lua")),
            lease: Script::new(include_str!("lease.lua")),
            list: Script::new(include_str!("list.lua")),
            peek: look(include_str!("peek.lua")),
            recent: look(include_str!("recent.lua")),
            reject: script(&format!("remove(key)\n{hit_to_miss}")),
            resize: script(&format!("{evict}{}", include_str!("resize.lua"))),
            store: script(&format!("{is_current}{evict}{}", include_str!("store.lua"))),
            ticket: look(include_str!("ticket.lua")),
            release: Script::new(include_str!("release.lua")),
        }
    }
}

/// Returns the interval at which the use of a namespace is noted.
pub(super) fn noted_every(unused: Duration) -> Duration {
    unused / 30
}
