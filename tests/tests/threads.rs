//! One cache that several threads use, in a known order and in none.

#[path = "threads/in_turn.rs"]
mod in_turn;
#[path = "threads/stage.rs"]
mod stage;
