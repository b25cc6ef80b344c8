//! What documents, error pages, help and hints tell people to type exists.

use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// Flags of other programs that the documents mention by themselves.
const OF_OTHERS: &[&str] = &["--release", "--check", "--list"];

/// A command line that somebody is told to type, or a flag alone.
struct Mention {
    place: String,
    text: String,
}

#[test]
fn every_command_and_flag_that_is_mentioned_exists() {
    let mut root = Cli::command();
    root.build();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        for Mention { place, text } in mentions(&file, &text) {
            seen += 1;
            let found = match text.strip_prefix("windlass") {
                Some(words) => check(&root, words),
                None => flag_alone(&root, &text),
            };
            if let Err(what) = found {
                wrong.push(format!("{place}: {what}: {text}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 300, "{seen} mentions: the search is wrong");
}

#[test]
fn what_does_not_exist_is_found() {
    let mut root = Cli::command();
    root.build();
    let wrong = |text: &str| check(&root, text).is_err();
    assert!(
        wrong("clone last")
            && wrong("runs clone")
            && wrong("runs stop|clone")
            && wrong("run plan.yaml --yes")
    );
    assert!(wrong("run plan.yaml -x") && wrong("runs report --output pdf") && wrong("--quiet run"));
    assert!(!wrong("run plan.yaml -p release=1.4 --output json") && !wrong("COMMAND --help"));
    assert!(!wrong("exec '@web' --noop -- ls --all") && wrong("exec '@web' --all -- ls"));
    assert!(flag_alone(&root, "--from-nowhere").is_err() && flag_alone(&root, "--from-scratch").is_ok());
    let place =
        |line: &str| mentions(Path::new("x.md"), line).into_iter().map(|it| it.text).collect::<Vec<_>>();
    assert_eq!(
        place("say `windlass runs show` or `--done ADDRESS`"),
        ["windlass runs show", "--done ADDRESS"]
    );
    assert_eq!(place("$ windlass validate plan.yaml   # look"), ["windlass validate plan.yaml"]);
    assert_eq!(place("how windlass runs are kept"), Vec::<String>::new());
}

/// Everything that people read.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(|name| root.join(name))
        .into();
    for dir in ["docs", "examples", "crates"] {
        collect(&root.join(dir), &mut files);
    }
    // This one mentions on purpose what there is not.
    files.retain(|file| !file.ends_with("cli/src/args/mentions.rs"));
    files
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "md" || kind == "yaml" || kind == "rs") {
            files.push(path);
        }
    }
}

fn mentions(file: &Path, text: &str) -> Vec<Mention> {
    let is_prose = file.extension().is_some_and(|kind| kind == "md");
    let mut mentions = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let place = format!("{}:{number}", file.display());
        for (at, _) in line.match_indices("windlass ") {
            let (before, after) = line.split_at(at);
            // A zero is in formats only, and so is a hole behind a name.
            if is_typed(before) && !after.contains("\\0") && !after.contains("={") {
                mentions.push(Mention { place: place.clone(), text: command_line(after).to_owned() });
            }
        }
        if is_prose {
            let flags = line.split('`').skip(1).step_by(2).filter(|code| is_flag(code));
            mentions.extend(flags.map(|flag| Mention { place: place.clone(), text: flag.to_owned() }));
        }
    }
    mentions
}

/// Whether code is a flag, and not the end of a comment or the head of a key.
fn is_flag(code: &str) -> bool {
    code.strip_prefix("--").is_some_and(|rest| rest.starts_with(|sign: char| sign.is_ascii_lowercase()))
}

/// Whether what stands before `windlass` on a line makes it a command: code, a prompt, the beginning of the line.
fn is_typed(before: &str) -> bool {
    let start = before.trim_start_matches([' ', '#', '/', '!', '*', '|', '\\', 'n']);
    before.ends_with('`') || before.ends_with("$ ") || before.ends_with('"') || start.is_empty()
}

/// The command as far as it goes.
fn command_line(text: &str) -> &str {
    let ends =
        ["`", "\"", "   ", "  ", " #", " && ", " || ", " | ", " > ", " < ", ";", "\\n", " \\", ")", "}}"];
    let end = ends.iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
    text.get(..end).unwrap_or(text).trim_end_matches(['.', ':', ',', ' '])
}

fn check(root: &Command, words: &str) -> Result<(), String> {
    let (mut command, mut is_open) = (root, true);
    let mut words = words.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let word = word.trim_matches(['[', ']', '\'', ',']);
        if word == "--" {
            // What follows is somebody else's.
            break;
        }
        if let Some(flag) = word.strip_prefix("--").map(|flag| flag.split('=').next().unwrap_or(flag)) {
            // One of several flags, as in `--done|--failed`, stands for all.
            let flags: Vec<&str> = flag.split("|--").collect();
            if let Some(flag) =
                flags.iter().find(|flag| flag_of(root, command, |arg| arg.get_long() == Some(flag)).is_none())
            {
                return Err(format!("there is no --{flag}"));
            }
            let arg =
                flags.first().and_then(|flag| flag_of(root, command, |arg| arg.get_long() == Some(flag)));
            let arg = arg.ok_or_else(|| format!("there is no --{flag}"))?;
            let value = words.peek().map(|value| value.trim_matches(['[', ']', '\'']));
            let known = arg.get_possible_values();
            if let Some(value) = value.filter(|value| arg.get_action().takes_values() && is_word(value))
                && !known.is_empty()
                && !value.split('|').all(|value| known.iter().any(|known| known.get_name() == value))
            {
                return Err(format!("--{flag} cannot be {value}"));
            }
        } else if let Some(flag) =
            word.strip_prefix('-').and_then(|rest| rest.chars().next()).filter(char::is_ascii_alphabetic)
        {
            flag_of(root, command, |arg| arg.get_short() == Some(flag))
                .ok_or_else(|| format!("there is no -{flag}"))?;
        } else if is_open && command.has_subcommands() && is_word(word) {
            for name in word.split('|') {
                command.find_subcommand(name).ok_or_else(|| format!("there is no command {name}"))?;
            }
            command =
                word.split('|').next().and_then(|name| command.find_subcommand(name)).unwrap_or(command);
        } else {
            is_open = false;
        }
    }
    Ok(())
}

/// A word that means itself, where others stand for something.
fn is_word(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|char| char.is_ascii_lowercase() || char == '-' || char == '|')
}

fn flag_of<'a>(root: &'a Command, command: &'a Command, is_it: impl Fn(&Arg) -> bool) -> Option<&'a Arg> {
    command.get_arguments().chain(root.get_arguments()).find(|arg| is_it(arg))
}

fn flag_alone(root: &Command, text: &str) -> Result<(), String> {
    let flag = text.split([' ', '=']).next().unwrap_or(text);
    let name = flag.trim_start_matches('-');
    fn has(command: &Command, name: &str) -> bool {
        command.get_arguments().any(|arg| arg.get_long() == Some(name))
            || command.get_subcommands().any(|command| has(command, name))
    }
    match OF_OTHERS.contains(&flag) || has(root, name) {
        true => Ok(()),
        false => Err(format!("no command has {flag}")),
    }
}
