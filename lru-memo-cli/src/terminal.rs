//! The screen of `top`: the terminal's alternate screen. The original screen is restored at the end.

use std::io::{self, IsTerminal, Stdout, Write};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{self, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, execute, queue};

use crate::failure::Failure;

/// The terminal. Dropping it restores the original screen.
pub(crate) struct Screen(Stdout);

/// The end of a wait.
#[derive(PartialEq, Eq)]
pub(crate) enum Wake {
    /// The time for the next update has come.
    Time,
    /// The terminal has another size.
    Resized,
    /// The user has pressed a key.
    Key(KeyCode),
    /// The user quits.
    Quit,
}

/// A line of the screen.
pub(crate) struct Line {
    pub(crate) look: Look,
    pub(crate) text: String,
}

/// The style of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Plain,
    Bold,
    Reversed,
}

/// Writes the lines over the old ones, so that the screen never flickers.
pub(crate) fn paint(out: &mut impl Write, lines: &[Line]) -> io::Result<()> {
    for (row, Line { look, text }) in (0..).zip(lines) {
        let attribute = match look {
            Look::Plain => Attribute::Reset,
            Look::Bold => Attribute::Bold,
            Look::Reversed => Attribute::Reverse,
        };
        queue!(out, cursor::MoveTo(0, row), terminal::Clear(ClearType::CurrentLine))?;
        queue!(out, SetAttribute(attribute), Print(text), SetAttribute(Attribute::Reset))?;
    }
    Ok(())
}

/// Returns the width of the terminal, if the output goes to one.
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

    /// Shows lines, which are made for the screen's width and height.
    pub(crate) fn show(&mut self, lines: impl FnOnce(usize, usize) -> Vec<Line>) -> Result<(), Failure> {
        let shown = terminal::size().and_then(|(width, height)| {
            paint(&mut self.0, &lines(width.into(), height.into()))?;
            self.0.flush()
        });
        shown.map_err(|error| Failure::output(&error))
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
                        _ if control => {}
                        key => return Ok(Wake::Key(key)),
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
