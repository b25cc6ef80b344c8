//! The scripts that do on a node what an agent would, as texts.

use std::fmt::Write as _;

use windlass_model::event::Severity;
use windlass_plugin::CallError;
use windlass_plugin::bare::{BareFile, BareProgram};

use crate::exec::quoted;

/// Reads a script from one line and becomes it; what follows the line is the script's to read.
pub(super) const READ_ONE_LINE: &str = "IFS= read -r l && eval \"$(printf %b \"$l\")\"";

/// What a script says when its program is about to run.
const RUNS: &str = "windlass-runs";
/// What it says when it cannot.
const CANNOT: &str = "windlass-cannot";

/// A script as one line that `printf %b` turns back.
pub(super) fn as_one_line(script: &str) -> String {
    let mut line = String::with_capacity(script.len() + script.len() / 8);
    for byte in script.bytes() {
        match byte {
            b'\\' | b'\n' | b'\r' | 0 => {
                let _ = write!(line, "\\0{byte:03o}");
            }
            b' '..=b'~' | b'\t' => line.push(char::from(byte)),
            // What is no ASCII is written out, too: shells differ in what they take for a letter.
            other => {
                let _ = write!(line, "\\0{other:03o}");
            }
        }
    }
    line.push('\n');
    line
}

/// Becomes a program. Its group is said first, so that it can be signalled.
pub(super) fn program(program: &BareProgram) -> Result<String, String> {
    let mut script = String::new();
    let Some((first, args)) = program.argv.split_first() else {
        return Err("there is no program".to_owned());
    };
    if let Some(cwd) = &program.cwd {
        let _ = write!(
            script,
            "cd {} 2>/dev/null || {{ echo {CANNOT} cwd; exit 1; }}; ",
            quoted(&cwd.to_string_lossy())
        );
    }
    for (name, value) in &program.env {
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("`env`: without an agent there can be no variable `{name}`"));
        }
        let _ = match value {
            Some(value) => write!(script, "export {name}={}; ", quoted(value)),
            None => write!(script, "unset {name}; "),
        };
    }
    let own = quoted(first);
    // The group is the fifth field of what the kernel says of a process; the name in it is that of the shell.
    let _ = write!(
        script,
        "command -v {own} >/dev/null 2>&1 || {{ echo {CANNOT} start; exit 1; }}; \
         g=$$; [ -r /proc/$$/stat ] && read -r a b c d g e < /proc/$$/stat; echo {RUNS} $g; unset a b c d g e l; "
    );
    if program.stdin.is_none() {
        script.push_str("exec < /dev/null; ");
    }
    let _ = write!(script, "exec {own}");
    for arg in args {
        let _ = write!(script, " {}", quoted(arg));
    }
    Ok(script)
}

/// What the first line of [`program`] says: the group, or why there is none.
pub(super) fn outcome(line: &str, program: &BareProgram) -> Result<String, CallError> {
    let first = program.argv.first().map_or("", String::as_str);
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        [RUNS, group] if group.parse::<u32>().is_ok_and(|group| group > 1) => Ok((*group).to_owned()),
        [CANNOT, "cwd"] => {
            let cwd = program.cwd.as_deref().map(|cwd| cwd.display().to_string()).unwrap_or_default();
            Err(CallError::permanent("cwd", format!("the directory `{cwd}` does not exist")))
        }
        [CANNOT, "start"] => {
            let what =
                if first.contains('/') { "does not exist or may not be executed" } else { "is not in PATH" };
            Err(CallError::permanent("notFound", format!("the program `{first}` {what}")))
        }
        _ => Err(CallError::permanent(
            "shell",
            format!("the shell did not start the program; it said: {line}"),
        )),
    }
}

/// Signals a group.
pub(super) fn signal(group: &str, how: Severity) -> String {
    let signal = match how {
        Severity::Term => "TERM",
        Severity::Kill => "KILL",
    };
    format!("kill -{signal} -{group} 2>/dev/null; echo sent")
}

/// Ends when nothing of a group is left, or only what has ended and is not collected.
pub(super) fn until_gone(group: &str) -> String {
    // Dead processes that nobody collects keep the group there: a container may have nobody who does.
    format!(
        "alive() {{ kill -0 -{group} 2>/dev/null || return 1; [ -r /proc/self/stat ] || return 0; \
         for stat in /proc/[0-9]*/stat; do line=; read -r line 2>/dev/null <\"$stat\"; \
         case $line in '') continue;; *') '*) ;; *) return 0;; esac; \
         set -- ${{line##*) }}; [ \"$3\" = {group} ] || continue; case $1 in Z|X|x) ;; *) return 0;; esac; done; return 1; }}; \
         while alive; do sleep 0.1 2>/dev/null || sleep 1; done; echo gone"
    )
}

/// Writes a file from standard input.
pub(super) fn write(file: &BareFile) -> String {
    let BareFile { path, mode, bytes } = file;
    let path = quoted(&path.to_string_lossy());
    let len = bytes.len();
    format!(
        "umask 077; set -C; t={path}.windlass.$$; cat > \"$t\" && [ \"$(wc -c < \"$t\")\" -eq {len} ] && chmod {mode:o} \"$t\" && \
         mv -f \"$t\" {path} || {{ rm -f \"$t\"; exit 1; }}"
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// What the shell of this machine makes of a script, as a node would get it.
    fn by_the_shell(script: &str, stdin: &str) -> String {
        let mut child = Command::new("/bin/sh")
            .args(["-c", READ_ONE_LINE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut writer = child.stdin.take().unwrap();
        writer.write_all(format!("{}{stdin}", as_one_line(script)).as_bytes()).unwrap();
        drop(writer);
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    }

    fn of(argv: &[&str]) -> BareProgram {
        BareProgram { argv: argv.iter().map(|word| (*word).to_owned()).collect(), ..BareProgram::default() }
    }

    #[test]
    fn whatever_an_argument_holds_arrives_as_it_is() {
        for odd in [
            "",
            "a b",
            "it's",
            "$HOME `id` \"x\"",
            "back\\slash \\n \\0101",
            "line\nline",
            "ümlaut €",
            "%s %b",
            "-n",
            "\t*?[a]~",
        ] {
            let said = by_the_shell(&program(&of(&["printf", "%s|", odd, "end"])).unwrap(), "");
            let (first, rest) = said.split_once('\n').unwrap();
            assert!(first.starts_with(RUNS), "{first}");
            assert_eq!(rest, format!("{odd}|end|"));
        }
    }

    #[test]
    fn the_environment_the_directory_and_the_input_are_those_that_were_asked_for() {
        let job = BareProgram {
            env: [("A".to_owned(), Some("x 'y'".to_owned())), ("HOME".to_owned(), None)].into(),
            cwd: Some("/".into()),
            stdin: Some(b"".to_vec()),
            ..of(&["sh", "-c", "echo \"$A:$HOME:$PWD\"; cat"])
        };
        let said = by_the_shell(&program(&job).unwrap(), "in\n");
        assert!(said.ends_with("x 'y'::/\nin\n"), "{said}");
    }

    #[test]
    fn what_cannot_be_started_says_why() {
        let job = BareProgram { cwd: Some("/no/such".into()), ..of(&["true"]) };
        let said = by_the_shell(&program(&job).unwrap(), "");
        assert_eq!(outcome(said.trim(), &job).unwrap_err().code, "cwd");
        let job = of(&["no-such-program"]);
        let said = by_the_shell(&program(&job).unwrap(), "");
        let error = outcome(said.trim(), &job).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("notFound", "the program `no-such-program` is not in PATH")
        );
        let job = BareProgram { env: [("a.b".to_owned(), None)].into(), ..of(&["true"]) };
        assert!(program(&job).unwrap_err().contains("a.b"));
    }
}
