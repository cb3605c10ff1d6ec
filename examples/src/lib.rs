//! The programs are in this folder, one file or folder each: `cargo run --example fibonacci`.
