//! The command in a real pseudo-terminal, and a model of what its screen shows.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Pts, Pty};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long something may take to show up before it is not coming.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal.
pub(crate) struct Terminal {
    pty: Pty,
    /// The command that runs in it.
    pub(crate) child: Child,
    pub(crate) screen: avt::Terminal,
    /// Everything that was written to it.
    pub(crate) bytes: Vec<u8>,
    /// How much of it is on the screen.
    shown: usize,
}

// === impl Terminal ===

impl Terminal {
    /// Starts a command in a terminal of so many columns and rows.
    pub(crate) fn start(command: Command, size: (u16, u16)) -> Self {
        Self::with(size, |pts| pty_process::blocking::Command::from(command).spawn(pts).unwrap())
    }

    /// The same, where something of the command is to go elsewhere.
    pub(crate) fn with((columns, rows): (u16, u16), start: impl FnOnce(Pts) -> Child) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let child = start(pts);
        let mut screen = avt::Terminal::with_scrollback(columns.into(), rows.into(), None).unwrap();
        // Whoever has typed for a while is at the bottom of the screen.
        screen.feed("\n".repeat(rows.into()));
        Self { pty, child, screen, bytes: Vec::new(), shown: 0 }
    }

    /// Presses keys.
    pub(crate) fn press(&self, keys: &str) {
        (&self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Gives the terminal another size, as dragging its corner does, in a moment in which nothing is being drawn.
    pub(crate) fn resize(&mut self, (columns, rows): (u16, u16)) {
        self.signal("STOP");
        while self.child_state() != 'T' {
            std::thread::yield_now();
        }
        while poll(&mut [PollFd::new(&self.pty, PollFlags::IN)], Some(&Timespec::default())).unwrap() > 0 {
            assert!(self.read(Instant::now()));
        }
        self.screen.resize(columns.into(), rows.into());
        self.pty.resize(Size::new(rows, columns)).unwrap();
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// How the command stands: a stopped one is `T`.
    fn child_state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap()
    }

    /// Waits until the screen shows all of this.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, texts: &[&str]) -> String {
        self.wait_until(&texts.join("` and `"), |screen| texts.iter().all(|text| screen.contains(text)))
    }

    /// Waits until the screen is as it should be, and gives it back.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if !self.is_half_drawn() && is_so(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "`{what}` is not to be seen:\n{screen}");
            assert!(self.read(deadline), "it ended before `{what}`:\n{}", self.text().join("\n"));
        }
    }

    /// Waits for the end of the command and of everything that it started in the terminal; gives its exit code.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        while self.read(deadline) {
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.screen());
        }
        self.child.wait().unwrap().code()
    }

    /// Takes the terminal away from the command, as a lost connection does.
    pub(crate) fn hang_up(self) -> Child {
        self.child
    }

    /// The screen as it is now, row by row.
    pub(crate) fn screen(&self) -> String {
        self.screen.screen().visible_lines().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{}", line.text().trim_end());
            text
        })
    }

    /// Everything that can be read, what was scrolled away included; lines that were wrapped are one.
    pub(crate) fn text(&self) -> Vec<String> {
        self.screen.screen().text()
    }

    /// Everything that can be read holds this so many times.
    #[track_caller]
    pub(crate) fn reads(&self, text: &str, times: usize) {
        let all = self.text().join("\n");
        assert_eq!(all.matches(text).count(), times, "`{text}` in\n{all}");
    }

    /// Whether an update has begun of which the rest is on its way.
    fn is_half_drawn(&self) -> bool {
        let rest = &self.bytes[self.bytes.len().saturating_sub(64 * 1024)..];
        let last = |mark: &[u8]| rest.windows(mark.len()).rposition(|window| window == mark);
        last(b"\x1b[?2026h") > last(b"\x1b[?2026l")
    }

    /// Shows what was written meanwhile; `false` after the last process in the terminal has ended.
    fn read(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let left =
            Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap(), tv_nsec: left.subsec_nanos().into() };
        if poll(&mut [PollFd::new(&self.pty, PollFlags::IN)], Some(&left)).unwrap() == 0 {
            return true;
        }
        let mut chunk = [0; 64 * 1024];
        match (&self.pty).read(&mut chunk) {
            Ok(read @ 1..) => self.feed(&chunk[..read]),
            _ => return false,
        }
        true
    }

    fn feed(&mut self, chunk: &[u8]) {
        self.bytes.extend(chunk);
        // A character may come in two pieces.
        let rest = &self.bytes[self.shown..];
        let whole = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => {
                assert!(error.error_len().is_none(), "no UTF-8: {rest:?}");
                std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap()
            }
        };
        self.shown += whole.len();
        self.screen.feed(whole);
    }
}
