//! The default size of a store. The kernel charges its pages to the container, so the container's memory limit bounds
//! it.

use std::fs;
use std::path::{Path, PathBuf};

/// The largest default size.
const MOST: u64 = 1 << 30;
/// The smallest size with which a store still works.
const LEAST: u64 = 1 << 20;

/// The smallest of 1 GiB, a quarter of the container's memory limit, and half of the free memory, in bytes.
pub(super) fn default_size() -> usize {
    let quarter = limit().map_or(MOST, |limit| limit / 4);
    let half = available().map_or(MOST, |available| available / 2);
    MOST.min(quarter).min(half).max(LEAST) as usize
}

/// The lowest memory limit of this process's control groups and their ancestors, in bytes.
pub(super) fn limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    limit_of(&groups, Path::new("/sys/fs/cgroup"))
}

fn limit_of(groups: &str, mounted: &Path) -> Option<u64> {
    let places = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?.trim_start_matches('/'));
        // Control groups of version 2 have no controllers in the line; those of version 1 name them.
        match controllers {
            "" => Some((mounted.to_owned(), group, "memory.max")),
            _ if controllers.split(',').any(|name| name == "memory") => {
                Some((mounted.join("memory"), group, "memory.limit_in_bytes"))
            }
            _ => None,
        }
    });
    let limits = places.flat_map(|(root, group, file)| {
        let directory = root.join(group);
        let within: Vec<PathBuf> = directory
            .ancestors()
            .take_while(|above| above.starts_with(&root))
            .map(|above| above.join(file))
            .collect();
        within.into_iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok())
    });
    limits.min()
}

/// The memory that the system can give without swapping, in bytes.
fn available() -> Option<u64> {
    let told = fs::read_to_string("/proc/meminfo").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn written(root: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
    }

    #[test]
    fn the_least_limit_of_a_group_and_of_those_above_it_counts() {
        let root = std::env::temp_dir().join(format!("lru-memo-groups-{}", std::process::id()));
        let files = [
            ("memory.max", "max\n"),
            ("pod/memory.max", "209715200\n"),
            ("pod/app/memory.max", "max\n"),
            ("memory/pod/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/pod/app/memory.limit_in_bytes", "104857600\n"),
        ];
        written(&root, &files);
        let limits =
            ["0::/pod/app\n", "5:cpu,memory:/pod/app\n4:cpu:/\n", "0::/\n", "5:memory:/pod\n0::/pod\n", ""]
                .map(|groups| limit_of(groups, &root));
        fs::remove_dir_all(&root).expect("it is ours");
        assert_eq!(limits, [Some(200 << 20), Some(100 << 20), None, Some(200 << 20), None]);
    }

    #[test]
    fn the_default_is_no_more_than_a_gibibyte_and_than_half_of_what_is_free() {
        let free = available().expect("the system tells");
        assert!((LEAST..=MOST.min(free)).contains(&(default_size() as u64)));
    }
}
