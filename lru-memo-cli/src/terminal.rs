//! The screen of `top`: a page of its own, which is left as it was found.

use std::io::{self, IsTerminal, Stdout, Write};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{self, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, execute, queue, style};

use crate::failure::Failure;

/// The terminal, until it is dropped.
pub(crate) struct Screen(Stdout);

/// Why waiting has ended.
#[derive(PartialEq, Eq)]
pub(crate) enum Wake {
    /// It is time to look again.
    Time,
    /// The terminal has another size.
    Resized,
    /// The user has seen enough.
    Quit,
}

/// How wide the terminal is, if the answer goes to one.
pub(crate) fn screen_width() -> Option<usize> {
    let is_terminal = io::stdout().is_terminal();
    is_terminal.then(terminal::size)?.ok().map(|(width, _)| usize::from(width)).filter(|&width| width > 0)
}

impl Screen {
    pub(crate) fn open() -> Result<Self, Failure> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(Failure::usage("`top` needs a terminal: `top --once` prints the table once"));
        }
        terminal::enable_raw_mode().map_err(|error| Failure::output(&error))?;
        let mut screen = Self(io::stdout());
        execute!(screen.0, EnterAlternateScreen, cursor::Hide).map_err(|error| Failure::output(&error))?;
        Ok(screen)
    }

    /// Shows as much of these lines as fits.
    pub(crate) fn show(&mut self, text: &str) -> Result<(), Failure> {
        self.try_show(text).map_err(|error| Failure::output(&error))
    }

    fn try_show(&mut self, text: &str) -> io::Result<()> {
        let (width, height) = terminal::size()?;
        for (row, line) in (0..height).zip(text.lines().map(Some).chain(std::iter::repeat(None))) {
            let line: String = line.unwrap_or_default().chars().take(width.into()).collect();
            queue!(self.0, cursor::MoveTo(0, row), terminal::Clear(ClearType::CurrentLine))?;
            queue!(self.0, style::Print(line))?;
        }
        self.0.flush()
    }

    /// Waits for the user until this moment.
    pub(crate) fn wait(&mut self, until: Instant) -> Result<Wake, Failure> {
        self.try_wait(until).map_err(|error| Failure::output(&error))
    }

    fn try_wait(&mut self, until: Instant) -> io::Result<Wake> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !event::poll(left)? {
                return Ok(Wake::Time);
            }
            match event::read()? {
                Event::Resize(..) => return Ok(Wake::Resized),
                Event::Key(key) if key.kind == KeyEventKind::Press => {
                    let control = key.modifiers.contains(KeyModifiers::CONTROL);
                    match key.code {
                        KeyCode::Char('c') if control => return Ok(Wake::Quit),
                        KeyCode::Char('q') | KeyCode::Esc => return Ok(Wake::Quit),
                        _ => {}
                    }
                }
                _ => {}
            }
            if left == Duration::ZERO {
                return Ok(Wake::Time);
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = execute!(self.0, cursor::Show, LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
}
