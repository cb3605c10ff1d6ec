// mistakes: 5
//! A key part that cannot be hashed, inside other types; beside it are some that can.

use lru_memo::lru_cache;

struct Point {
    x: u32,
}

#[lru_cache]
fn in_tuple(pair: (Point, &str)) -> u32 {
    pair.0.x
}

#[lru_cache]
fn in_owned_tuple(pair: (Point, u32)) -> u32 {
    pair.0.x
}

#[lru_cache]
fn in_option(name: &str, point: Option<Point>) -> u32 {
    point.map_or(name.len() as u32, |point| point.x)
}

#[lru_cache]
fn in_option_behind_reference(point: Option<&Point>) -> u32 {
    point.map_or(0, |point| point.x)
}

#[lru_cache]
fn in_vec(points: Vec<Point>) -> u32 {
    points[0].x
}

fn main() {}
