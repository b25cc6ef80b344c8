//! Runs the binary in an environment of its own and waits for what it says, never for a while.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A directory of its own with a data directory in it.
pub(crate) struct Place {
    dir: TempDir,
}

/// What a command that ended left behind.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A command that goes on.
pub(crate) struct Running {
    child: Held,
    out: BufReader<ChildStdout>,
    err: Option<BufReader<ChildStderr>>,
}

/// A process that ends at the latest with the test that began it: what is over leaves nothing running.
struct Held(Child);

// === impl Held ===

impl Drop for Held {
    fn drop(&mut self) {
        // It has ended, where somebody waited for that.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// === impl Place ===

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a plan of these blocks and gives back its path.
    pub(crate) fn plan(&self, name: &str, spec: &str) -> PathBuf {
        let text =
            format!("apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {{name: {name}}}\nspec:\n{spec}");
        self.file(&format!("{name}.yaml"), &text)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The command with arguments, in an environment that has nothing of ours.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(args).current_dir(self.dir.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path());
        command.env("WINDLASS_DATA_DIR", self.data()).env("WINDLASS_USER", "ada").env("LANG", "C.UTF-8");
        command
    }

    /// The same for a terminal.
    pub(crate) fn terminal(&self, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.env("TERM", "xterm-256color");
        command
    }

    /// A script that goes on until there is a file of this name in the directory, or no directory.
    pub(crate) fn until(&self, gate: &str) -> String {
        let dir = self.dir.path().display();
        format!("while [ ! -e {dir}/{gate} ] && [ -d {dir} ]; do sleep 0.02; done")
    }

    /// Waits for a line in a file that something here writes.
    pub(crate) fn wait_for_line(&self, name: &str, line: &str) {
        let has_line = |text: String| text.lines().any(|one| one == line);
        while !std::fs::read_to_string(self.path(name)).is_ok_and(has_line) {
            // tidy-allow: sleep: a script gives no other sign
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        ended(self.command(args))
    }

    /// Starts the command.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        running(self.command(args))
    }

    /// Starts the command by another program, which has it in its place.
    pub(crate) fn start_by(&self, program: &str, args: &[&str]) -> Running {
        let own = self.command(args);
        let mut command = Command::new(program);
        command.arg(own.get_program()).args(own.get_args()).current_dir(self.dir.path()).env_clear();
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        running(command)
    }

    /// The address of a run of the command as JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let ended = self.run(args);
        serde_json::from_str(&ended.out).unwrap_or_else(|why| panic!("{why}: {}\n{}", ended.out, ended.err))
    }
}

/// Starts a command.
pub(crate) fn running(mut command: Command) -> Running {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let err = Some(BufReader::new(child.stderr.take().unwrap()));
    Running { child: Held(child), out, err }
}

/// Whether hang-ups are ignored here, as below `nohup`, and so by everything that is started.
pub(crate) fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1
}

/// Says that a test cannot do its work here.
pub(crate) fn skip(name: &str, why: &str) {
    println!("SKIPPED: {name}: {why}");
    if let Some(path) = std::env::var_os("WINDLASS_SKIP_LOG") {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{name}: {why}").unwrap();
    }
}

/// Runs a command to its end.
pub(crate) fn ended(mut command: Command) -> Ended {
    ended_reading(command.stdin(Stdio::null()))
}

/// The same for a command that reads what it was given.
pub(crate) fn ended_reading(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

// === impl Ended ===

impl Ended {
    /// The same, if it exited like this.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The same, if standard error says all of this.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.err.contains(text), "`{text}` is not in:\n{}", self.err);
        }
        self
    }

    /// The same, if standard output shows all of this.
    #[track_caller]
    pub(crate) fn shows(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.out.contains(text), "`{text}` is not in:\n{}", self.out);
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {}\n{}", self.out, self.err))
    }
}

// === impl Running ===

impl Running {
    /// Waits for an event of this kind at this address on standard output (`--output events`).
    #[track_caller]
    pub(crate) fn wait_for(&mut self, kind: &str, address: &str) -> Value {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            if self.out.read_line(&mut line).unwrap() == 0 {
                let mut err = String::new();
                if let Some(stream) = &mut self.err {
                    let _ = stream.read_to_string(&mut err);
                }
                panic!("it ended before {kind} {address}:\n{seen}\n{err}");
            }
            seen.push_str(&line);
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["kind"] == kind && event["address"] == address {
                return event;
            }
        }
    }

    /// Waits for a line on standard output that holds this. What was read before it is not in what is read later.
    #[track_caller]
    pub(crate) fn wait_for_line(&mut self, words: &str) {
        self.line_with(words);
    }

    /// The same; the line.
    #[track_caller]
    pub(crate) fn line_with(&mut self, words: &str) -> String {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert!(self.out.read_line(&mut line).unwrap() > 0, "it ended without `{words}`");
        }
        line
    }

    /// Waits for a line on standard error that holds this.
    #[track_caller]
    pub(crate) fn wait_for_words(&mut self, words: &str) {
        self.words_with(words);
    }

    /// The same; the line.
    #[track_caller]
    pub(crate) fn words_with(&mut self, words: &str) -> String {
        let mut seen = String::new();
        let err = self.err.as_mut().unwrap();
        loop {
            let mut line = String::new();
            assert!(err.read_line(&mut line).unwrap() > 0, "it ended without `{words}`:\n{seen}");
            if line.contains(words) {
                return line;
            }
            seen.push_str(&line);
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends a signal to it alone.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.0.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Goes away as a reader of standard output, and waits for its end.
    pub(crate) fn hang_up(self) -> Option<i32> {
        let Self { mut child, out, err } = self;
        drop(out);
        let mut text = String::new();
        let _ = err.unwrap().read_to_string(&mut text);
        assert!(!text.contains("panicked") && !text.contains("bug"), "{text}");
        child.0.wait().unwrap().code()
    }

    /// Reads the rest and waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let mut err = self.err.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).unwrap();
            text
        });
        let mut out = String::new();
        self.out.read_to_string(&mut out).unwrap();
        Ended { code: self.child.0.wait().unwrap().code(), out, err: reader.join().unwrap() }
    }
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
