//! `top` in a terminal: a real one for the command, and an emulator for what the user sees of it.
#![cfg(target_os = "linux")]

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::AsFd;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use common::{Scratch, call, space};
use lru_memo::shared::Store;
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

/// What is written last when the screen is.
const LAST: &str = "c clear\n";

/// The command in a terminal, which is killed in the end.
struct Terminal {
    keyboard: Pty,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    process: Child,
}

impl Terminal {
    fn start(scratch: &Scratch, height: u16, width: u16) -> Self {
        let (keyboard, inside) = open().expect("a terminal");
        keyboard.resize(Size::new(height, width)).expect("it has a size");
        let command = Command::new(env!("CARGO_BIN_EXE_lru-memo"));
        // So that nothing changes but by keys.
        let command = command.args(["top", "--interval", "3600", "--store", &scratch.url()]);
        let process = command.env("TERM", "xterm").spawn(inside).expect("the command starts");
        let (send, output) = channel();
        let mut written = output_of(&keyboard);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It fails when the command has ended.
            while let Ok(length @ 1..) = written.read(&mut bytes) {
                if send.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let size = |length| NonZero::new(length).expect("not zero");
        let screen = vt100::Parser::new(size(height), size(width), 0);
        Self { keyboard, output, screen, process }
    }

    fn contents(&self) -> String {
        let width = self.screen.screen().size().1;
        let rows = self.screen.screen().rows(0, width.get());
        rows.map(|row| row.trim_end().to_owned() + "\n").collect()
    }

    /// Waits until the screen shows this.
    fn wait_for(&mut self, text: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.contents().contains(text) {
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) => panic!("no `{text}` in:\n{}", self.contents()),
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("it is open");
    }

    /// Waits until the command has ended, and returns its exit code.
    fn end(&mut self) -> Option<i32> {
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_secs(60)) {
            self.screen.process(&bytes);
        }
        self.process.wait().expect("it has ended").code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is written in the terminal is read from here.
fn output_of(keyboard: &Pty) -> File {
    keyboard.as_fd().try_clone_to_owned().expect("a descriptor").into()
}

fn filled() -> Scratch {
    let scratch = Scratch::new();
    let store = scratch.store();
    for key in [b"A", b"B", b"A", b"A"] {
        call(&store, &space("app::page", 0, Some(2)), key, 1000);
    }
    call(&store, &space("app::user", 0, None), b"A", 10);
    scratch
}

#[test]
fn a_namespace_is_selected_and_cleared_on_the_screen() {
    let scratch = filled();
    let mut terminal = Terminal::start(&scratch, 24, 80);
    terminal.wait_for(LAST);
    let expected = include_str!("snapshots/top_80x24.txt");
    assert!(terminal.contents() == expected, "{}", terminal.contents());
    terminal.press("\x1b[B");
    terminal.press("c");
    let place = scratch.0.file_name().and_then(|name| name.to_str()).expect("a name");
    terminal.wait_for(&format!("clear app::page in {}", &place[..10]));
    terminal.press("y");
    terminal.wait_for("cleared app::page (");
    let counts = scratch.store().info(&space("app::page", 0, Some(2))).expect("the store works");
    assert_eq!((counts.hits, counts.currsize), (0, 0));
    let counts = scratch.store().info(&space("app::user", 0, None)).expect("the store works");
    assert_eq!((counts.misses, counts.currsize), (1, 1));
    terminal.press("q");
    assert_eq!(terminal.end(), Some(0));
    assert!(!terminal.screen.screen().alternate_screen(), "the screen is left as it was");
    assert!(!terminal.screen.screen().hide_cursor());
}

#[test]
fn a_filter_is_written_and_a_wider_terminal_shows_more() {
    let scratch = filled();
    let mut terminal = Terminal::start(&scratch, 24, 80);
    terminal.wait_for(LAST);
    terminal.press("/user");
    terminal.wait_for("filter: user_");
    terminal.press("\r");
    terminal.wait_for(LAST);
    assert!(terminal.contents().starts_with("1 of 2 namespaces with `user`"));
    assert!(!terminal.contents().contains("app::page") && !terminal.contents().contains("IDLE"));
    terminal.keyboard.resize(Size::new(24, 160)).expect("it has a size");
    let size = |length| NonZero::new(length).expect("not zero");
    terminal.screen.screen_mut().set_size(size(24), size(160));
    terminal.wait_for("IDLE");
    // Ctrl-C.
    terminal.press("\x03");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn tables_are_as_wide_as_the_terminal() {
    let scratch = filled();
    let store = scratch.store();
    call(&store, &space("app::user", 0, None), &[b'x'; 300], 400);
    for (arguments, heading) in [
        (&["ls"][..], "NAMESPACE  HITS"),
        (&["top", "--once"], "NAMESPACE  HITS"),
        (&["show", "app::user", "--values"], "KEY  "),
    ] {
        let (keyboard, inside) = open().expect("a terminal");
        keyboard.resize(Size::new(24, 60)).expect("it has a size");
        let command = Command::new(env!("CARGO_BIN_EXE_lru-memo"));
        let mut process =
            command.args(arguments).args(["--store", &scratch.url()]).spawn(inside).expect("it starts");
        let (mut printed, mut bytes) = (Vec::new(), [0; 4096]);
        let mut output = output_of(&keyboard);
        while let Ok(length @ 1..) = output.read(&mut bytes) {
            printed.extend_from_slice(&bytes[..length]);
        }
        assert!(process.wait().expect("it has ended").success());
        let printed = String::from_utf8(printed).expect("text");
        let table: Vec<_> = printed.lines().skip_while(|line| !line.starts_with(heading)).collect();
        assert!(table.len() >= 2, "{printed}");
        assert!(table.iter().all(|line| line.trim_end().chars().count() <= 60), "{printed}");
    }
}
