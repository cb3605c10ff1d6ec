//! A connection to a server: sends commands and reads the answers.

use alloc::format;
use alloc::vec::Vec;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use super::wire::{Answer, Batch, Head, head};
use crate::shared::remote::socket::{Address, Timed};

pub(super) struct Connection<S = Timed> {
    socket: S,
    /// The received bytes. Those before `at` are consumed.
    received: Vec<u8>,
    at: usize,
}

/// The maximum length of a line in an answer.
const LONGEST_LINE: usize = 4096;

impl Connection {
    pub(super) fn open(address: &Address, until: Instant) -> io::Result<Self> {
        Ok(Self { socket: Timed::open(address, until)?, received: Vec::new(), at: 0 })
    }

    /// Sends commands, and waits for the answers to all of them.
    pub(super) fn exchange(&mut self, batch: &Batch, until: Instant) -> io::Result<Vec<Answer>> {
        self.socket.set_deadline(until);
        self.socket.write_all(&batch.bytes)?;
        let answers = (0..batch.commands).map(|_| self.answer()).collect::<io::Result<_>>()?;
        if self.at == self.received.len() {
            self.received.clear();
            self.received.shrink_to(1 << 16);
            self.at = 0;
            Ok(answers)
        } else {
            Err(garbage("more than was asked for"))
        }
    }
}

impl<S: Read> Connection<S> {
    #[cfg(any(test, fuzzing))]
    pub(super) fn of(socket: S) -> Self {
        Self { socket, received: Vec::new(), at: 0 }
    }

    /// Returns the capacity of the receive buffer.
    #[cfg(any(test, fuzzing))]
    pub(super) fn capacity(&self) -> usize {
        self.received.capacity()
    }

    pub(super) fn answer(&mut self) -> io::Result<Answer> {
        let line = self.line()?;
        match head(&line) {
            Some(Head::Whole(answer)) => Ok(answer),
            Some(Head::Value { length, number }) => {
                let mut value = self.take(length + 2)?;
                let end = value.split_off(length);
                if end == b"\r\n" {
                    Ok(Answer::Value(value, number))
                } else {
                    Err(garbage("a value without end"))
                }
            }
            // The error does not quote the line, because it may be another program's data.
            None => Err(garbage("a line of another kind")),
        }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut searched = self.at;
        loop {
            if let Some(found) = self.received[searched..].iter().position(|&byte| byte == b'\n') {
                let line = self.received[self.at..searched + found].to_vec();
                self.at = searched + found + 1;
                return line
                    .strip_suffix(b"\r")
                    .map(<[u8]>::to_vec)
                    .ok_or_else(|| garbage("a line without end"));
            }
            searched = self.received.len();
            if searched - self.at > LONGEST_LINE {
                return Err(garbage("a line without end"));
            }
            self.receive()?;
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.received.len() - self.at < length {
            self.receive()?;
        }
        let taken = self.received[self.at..self.at + length].to_vec();
        self.at += length;
        Ok(taken)
    }

    fn receive(&mut self) -> io::Result<()> {
        let length = self.received.len();
        // The buffer doubles, so that long values are not copied often.
        self.received.resize(length + length.clamp(1 << 12, 1 << 20), 0);
        let result = self.socket.read(&mut self.received[length..]);
        self.received.truncate(length + result.as_ref().map_or(0, |read| *read));
        match result {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether the server had closed the connection, for example because it was restarted.
pub(super) fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
    )
}

fn garbage(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("this is no answer of Memcached 1.6 or later: {what}"))
}
