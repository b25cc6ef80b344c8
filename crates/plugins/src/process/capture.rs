//! Takes what a program prints: every line to the output, and a bounded text to keep.

use std::collections::VecDeque;

use memchr::memchr;
use regex::Regex;
use windlass_model::log_level::LogLevel;
use windlass_plugin::{Output, Printed, Stream};

use super::Kept;

/// The longest line that is passed on whole; longer ones come in pieces.
const LONGEST_LINE: usize = 64 * 1024;

/// How far a place between two words is looked for where something has to be cut.
const LONGEST_WORD: usize = 4096;

/// How many warnings are kept.
const MOST_WARNINGS: usize = 100;

/// What lines are looked at for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    pub(crate) errors: Vec<Regex>,
    pub(crate) warnings: Vec<Regex>,
}

/// What a stream came to.
#[derive(Debug, Default)]
pub(crate) struct Captured {
    /// Its text; where it was too long, with a line in the middle that says so.
    pub(crate) text: String,
    pub(crate) is_truncated: bool,
    pub(crate) last_line: Option<String>,
    pub(crate) first_error: Option<String>,
    pub(crate) warnings: Vec<String>,
}

/// Takes one stream.
pub(super) struct Capture<'a> {
    stream: Stream,
    output: &'a Output,
    watch: &'a Watch,
    kept: Kept,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
    line: Vec<u8>,
    captured: Captured,
}

// === impl Watch ===

impl Watch {
    fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.warnings.is_empty()
    }
}

// === impl Capture ===

impl<'a> Capture<'a> {
    pub(super) fn new(stream: Stream, output: &'a Output, watch: &'a Watch, kept: Kept) -> Self {
        Self {
            stream,
            output,
            watch,
            kept,
            head: Vec::new(),
            tail: VecDeque::new(),
            dropped: 0,
            line: Vec::new(),
            captured: Captured::default(),
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.keep(bytes);
        // What is whole is handed on as it is, all of it together: a program that prints a lot prints little beside that.
        let (mut rest, mut whole) = (bytes, Vec::new());
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            if self.line.is_empty() && line.len() <= LONGEST_LINE {
                let level = self.look(line);
                whole.push(Printed { level, ..Printed::new(self.stream, line) });
            } else {
                self.hand_on(&mut whole);
                self.extend_line(line);
                self.end_line(false);
            }
            rest = after.get(1..).unwrap_or_default();
        }
        self.hand_on(&mut whole);
        self.extend_line(rest);
    }

    /// Waits until the output takes more.
    pub(super) async fn room(&self) {
        self.output.room().await;
    }

    pub(super) fn finish(mut self) -> Captured {
        if !self.line.is_empty() {
            self.end_line(false);
        }
        let (head, tail) = (self.head, Vec::from(self.tail));
        self.captured.is_truncated = self.dropped > 0;
        self.captured.text = if self.dropped > 0 {
            let dropped = self.dropped + (head.len() + tail.len()) as u64;
            let (head, tail) = (without_torn_end(&head), without_torn_start(&tail));
            let dropped = dropped - (head.len() + tail.len()) as u64;
            format!(
                "{}\n[{dropped} bytes dropped]\n{}",
                String::from_utf8_lossy(head),
                String::from_utf8_lossy(tail)
            )
        } else {
            let mut whole = head;
            whole.extend(tail);
            String::from_utf8(whole)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
        };
        self.captured
    }

    fn keep(&mut self, bytes: &[u8]) {
        let half = self.kept.half;
        let (head, rest) = bytes.split_at(bytes.len().min(half - self.head.len().min(half)));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(half);
        self.tail.drain(..surplus);
        self.dropped += surplus as u64;
    }

    fn extend_line(&mut self, mut piece: &[u8]) {
        while self.line.len() + piece.len() > LONGEST_LINE {
            let (fits, rest) = piece.split_at(LONGEST_LINE - self.line.len());
            self.line.extend_from_slice(fits);
            let torn = self.line.split_off(without_torn_end(&self.line).len());
            self.end_line(true);
            self.line = torn;
            piece = rest;
        }
        self.line.extend_from_slice(piece);
    }

    fn hand_on(&self, lines: &mut Vec<Printed<'_>>) {
        if !lines.is_empty() {
            self.output.printed_together(lines);
            lines.clear();
        }
    }

    fn end_line(&mut self, goes_on: bool) {
        let mut line = std::mem::take(&mut self.line);
        let level = self.look(&line);
        self.output.printed(&Printed { level, goes_on, ..Printed::new(self.stream, &line) });
        line.clear();
        self.line = line;
    }

    /// How much a line matters, where a pattern says so.
    fn look(&mut self, line: &[u8]) -> Option<LogLevel> {
        if self.watch.is_empty() && self.stream != Stream::Stderr {
            return None;
        }
        let text = String::from_utf8_lossy(line);
        let hit = |patterns: &[Regex]| patterns.iter().any(|pattern| pattern.is_match(&text));
        let (is_error, is_warning) = (hit(&self.watch.errors), hit(&self.watch.warnings));
        if self.captured.first_error.is_none() && is_error {
            self.captured.first_error = Some(text.clone().into_owned());
        }
        if self.captured.warnings.len() < MOST_WARNINGS && is_warning {
            self.captured.warnings.push(text.clone().into_owned());
        }
        if self.stream == Stream::Stderr && !text.trim().is_empty() {
            self.captured.last_line = Some(text.trim().to_owned());
        }
        match (is_error, is_warning) {
            (true, _) => Some(LogLevel::Error),
            (false, true) => Some(LogLevel::Warn),
            (false, false) => None,
        }
    }
}

/// Without a word of which only the beginning is there: half of a secret would not be known as one.
/// Where there are no words, without a character of which only the beginning is there.
fn without_torn_end(bytes: &[u8]) -> &[u8] {
    let place = bytes.iter().rev().take(LONGEST_WORD).position(u8::is_ascii_whitespace);
    if let Some(place) = place {
        return bytes.get(..bytes.len() - place).unwrap_or(bytes);
    }
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.get(..error.valid_up_to()).unwrap_or(bytes),
        _ => bytes,
    }
}

/// The same for a word, or a character, of which only the end is there.
fn without_torn_start(bytes: &[u8]) -> &[u8] {
    if let Some(place) = bytes.iter().take(LONGEST_WORD).position(u8::is_ascii_whitespace) {
        return bytes.get(place..).unwrap_or(bytes);
    }
    let torn = bytes.iter().take(3).take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count();
    bytes.get(torn..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: usize = Kept::TO_READ.half;

    fn captured(pieces: &[&[u8]]) -> Captured {
        let (output, watch) = (Output::default(), Watch::default());
        let mut capture = Capture::new(Stream::Stdout, &output, &watch, Kept::TO_READ);
        pieces.iter().for_each(|piece| capture.take(piece));
        capture.finish()
    }

    #[test]
    fn keeps_short_output_as_it_is() {
        let captured = captured(&[b"a\n\xc3", b"\xa4\xff"]);
        assert_eq!(captured.text, "a\nä\u{fffd}");
        assert!(!captured.is_truncated);
    }

    #[test]
    fn what_is_cut_is_cut_between_words() {
        let long = "0123456789abcdef ".repeat(2 * HALF / 17 + 7);
        let captured = captured(&[long.as_bytes()]);
        let (head, tail) = captured.text.split_once("\n[").unwrap();
        let (dropped, tail) = tail.split_once(" bytes dropped]\n").unwrap();
        assert!(head.ends_with("abcdef ") && tail.starts_with(" 0123"));
        assert_eq!(head.len() + tail.len() + dropped.parse::<usize>().unwrap(), long.len());
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_on_in_whole_words() {
        let lines = std::sync::Arc::new(Lines::default());
        let (output, watch) = (Output::to(lines.clone()), Watch::default());
        let mut capture = Capture::new(Stream::Stdout, &output, &watch, Kept::TO_READ);
        let long = "0123456789abcdef ".repeat(LONGEST_LINE / 8);
        long.as_bytes().chunks(1000).for_each(|piece| capture.take(piece));
        capture.finish();
        let lines = lines.0.lock().unwrap();
        assert!(
            lines.len() > 1
                && lines.iter().all(|line| line.len() <= LONGEST_LINE && line.ends_with("abcdef "))
        );
        assert_eq!(lines.concat(), long);
    }

    #[derive(Debug, Default)]
    struct Lines(std::sync::Mutex<Vec<String>>);

    impl windlass_plugin::OutputSink for Lines {
        fn line(&self, _: Stream, bytes: &[u8]) {
            self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        }
    }

    #[test]
    fn keeps_both_ends_of_long_output_and_no_half_characters() {
        let long = format!("begin{}end", "ä".repeat(2 * HALF));
        let captured = captured(&[long.as_bytes()]);
        assert!(captured.is_truncated);
        assert!(captured.text.starts_with("beginä") && captured.text.ends_with("äend"));
        assert!(!captured.text.contains('\u{fffd}'));
        // With the two halves of characters.
        let dropped = long.len() - 2 * HALF + 2;
        assert!(captured.text.contains(&format!("\n[{dropped} bytes dropped]\n")));
    }

    #[test]
    fn lines_come_in_their_order_however_they_were_cut() {
        let long = "x".repeat(LONGEST_LINE + 5);
        let text = format!("one\n\ntwo\n{long}\nthree\nfour");
        for size in [1, 2, 7, 4096, text.len()] {
            let lines = std::sync::Arc::new(Lines::default());
            let (output, watch) = (Output::to(lines.clone()), Watch::default());
            let mut capture = Capture::new(Stream::Stdout, &output, &watch, Kept::TO_READ);
            text.as_bytes().chunks(size).for_each(|piece| capture.take(piece));
            capture.finish();
            let lines = lines.0.lock().unwrap();
            assert_eq!(lines.get(..3).unwrap(), ["one", "", "two"], "{size}");
            assert_eq!(lines.get(3..5).unwrap().concat(), long, "{size}");
            assert_eq!(lines.get(5..).unwrap(), ["three", "four"], "{size}");
        }
    }

    #[test]
    fn no_more_is_kept_than_is_asked_for() {
        let (output, watch) = (Output::default(), Watch::default());
        let mut capture = Capture::new(Stream::Stdout, &output, &watch, Kept::TO_ANSWER.at_most(8));
        capture.take(b"one two three four");
        assert_eq!(capture.finish().text, "one \n[10 bytes dropped]\nfour");
        let mut capture = Capture::new(Stream::Stdout, &output, &watch, Kept::TO_ANSWER.at_most(0));
        capture.take(b"one");
        assert!(capture.finish().is_truncated);
    }
}
