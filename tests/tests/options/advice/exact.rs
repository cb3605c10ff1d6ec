//! Stack distances by definition, and by a tree where there are many; and sequences of keys.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The hits of every size, counted naively.
#[derive(Default)]
pub struct Exact {
    /// The most recent first.
    stack: Vec<u64>,
    calls: u64,
    /// By the size that a cache needs for a hit, less one.
    hits: Vec<u64>,
}

impl Exact {
    /// Of a long sequence. A key's depth is the number of keys whose latest call is not before its own; a Fenwick tree
    /// counts them.
    pub fn of(keys: &[u64]) -> Self {
        let (mut exact, mut latest) = (Self::default(), HashMap::new());
        let mut tree = vec![0_u64; keys.len() + 1];
        let add = |tree: &mut Vec<u64>, mut at: usize, count: u64| {
            while at < tree.len() {
                tree[at] = tree[at].wrapping_add(count);
                at += at & at.wrapping_neg();
            }
        };
        let before = |tree: &Vec<u64>, mut at: usize| {
            let mut sum = 0_u64;
            while at > 0 {
                sum = sum.wrapping_add(tree[at]);
                at &= at - 1;
            }
            sum
        };
        for (call, &key) in (1..).zip(keys) {
            if let Some(last) = latest.insert(key, call) {
                let depth = latest.len() - before(&tree, last - 1) as usize;
                exact.hits.resize(exact.hits.len().max(depth), 0);
                exact.hits[depth - 1] += 1;
                add(&mut tree, last, u64::MAX);
            }
            add(&mut tree, call, 1);
        }
        exact.calls = keys.len() as u64;
        exact
    }

    pub fn call(&mut self, key: u64) {
        self.calls += 1;
        if let Some(position) = self.stack.iter().position(|&other| other == key) {
            self.hits.resize(self.hits.len().max(position + 1), 0);
            self.hits[position] += 1;
            self.stack.remove(position);
        }
        self.stack.insert(0, key);
    }

    /// All keys leave.
    pub fn clear(&mut self) {
        self.stack.clear();
    }

    pub fn hit_ratio(&self, maxsize: usize) -> f64 {
        let hits: u64 = self.hits.iter().take(maxsize).sum();
        hits as f64 / self.calls as f64
    }

    #[allow(dead_code, reason = "not every test needs it")]
    /// The smallest size that is at most so much worse than an unbounded cache.
    pub fn smallest(&self, within: f64) -> usize {
        let unbounded = self.hit_ratio(usize::MAX);
        (0..).find(|&size| unbounded - self.hit_ratio(size) <= within).expect("some size is as good")
    }
}

/// Pseudo-random numbers: xorshift64*.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// From 0 to 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A few keys are frequent: about as in Zipf's law.
    pub fn skewed(&mut self, keys: u64) -> u64 {
        ((keys as f64).powf(self.fraction()) as u64).min(keys - 1)
    }
}

/// Sequences that differ in what they ask of the advice.
pub fn generated() -> Vec<(&'static str, Vec<u64>)> {
    let mut numbers = Numbers(7);
    let skewed: Vec<u64> = (0..30_000).map(|_| numbers.skewed(20_000)).collect();
    let uniform: Vec<u64> = (0..30_000).map(|_| numbers.below(3_000)).collect();
    let looping: Vec<u64> = (0..30_000).map(|call| call % 1_500).collect();
    // Scans of keys that never come again, between frequent keys.
    let scans: Vec<u64> = (0..30_000_u64)
        .map(|call| if call / 500 % 4 == 3 { 1_000_000 + call } else { numbers.skewed(5_000) })
        .collect();
    vec![("skewed", skewed), ("uniform", uniform), ("looping", looping), ("scans", scans)]
}

/// The recorded sequences, one key a line, where there are some: in the directory that `LRU_MEMO_TRACES` names, or
/// beside the repository. All of each with optimization, which takes seconds; else how it begins.
pub fn recorded() -> Vec<(String, Vec<u64>)> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces");
    let directory = env::var_os("LRU_MEMO_TRACES").map_or_else(beside, PathBuf::from);
    let Ok(files) = fs::read_dir(&directory) else {
        eprintln!("no recorded sequences in {}: generated ones alone are tested", directory.display());
        return Vec::new();
    };
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let traces = paths.filter(|path| path.extension().is_some_and(|extension| extension == "gz"));
    let read = |path: &Path| {
        let output = Command::new("gzip").arg("-dc").arg(path).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let most = if cfg!(debug_assertions) { 20_000 } else { usize::MAX };
        text.lines().take(most).map(|line| line.trim().parse().ok()).collect::<Option<Vec<u64>>>()
    };
    traces
        .map(|path| {
            let keys = read(&path).unwrap_or_else(|| panic!("{} cannot be read", path.display()));
            (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), keys)
        })
        .collect()
}
