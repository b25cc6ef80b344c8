//! Paths to texts: what is a folder, a program or a file, what of a folder counts, and how a file is written.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use windlass_inventory::{Form, Text};
use windlass_lang::{Findings, Found, Source};
use windlass_model::code;
use windlass_model::problem::Problem;

use crate::load::Options;
use crate::program;

/// What is gathered from paths.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) texts: Vec<Text>,
    /// What could not be read.
    pub(crate) refused: Vec<Findings>,
}

/// How deep folders may lie in each other.
const DEEPEST: usize = 16;

/// The most files of an inventory.
const MOST_FILES: usize = 10_000;

/// What names end with that are no part of an inventory: copies that editors and packages keep, and texts for people.
const PASSED_OVER: &[&str] = &[
    "~",
    ".bak",
    ".orig",
    ".old",
    ".swp",
    ".swo",
    ".tmp",
    ".rpmsave",
    ".rpmnew",
    ".rpmorig",
    ".dpkg-old",
    ".dpkg-dist",
    ".dpkg-new",
    ".ucf-old",
    ".ucf-dist",
    ".retry",
    ".pyc",
    ".pyo",
    ".md",
    ".rst",
    ".txt",
    ".cfg",
    ".gitignore",
];

/// What names end with that are read even where they may be executed: on some file systems everything may.
const READ: &[&str] = &["yaml", "yml", "json", "ini"];

/// Folders of variables beside an inventory of Ansible, and what each file in them is named after.
type Named = fn(String) -> Form;

const VARS: [(&str, Named); 2] = [("group_vars", Form::GroupVars), ("host_vars", Form::HostVars)];

pub(crate) fn gather(paths: &[PathBuf], options: Options) -> Gathered {
    let mut gathered = Gathered::default();
    for path in paths {
        gathered.path(path, options);
    }
    gathered
}

/// Whether all that is wrong is that something is not there.
pub(crate) fn only_lacks(findings: &Findings) -> bool {
    let lacks = [code::UNKNOWN_NODE, code::UNKNOWN_GROUP];
    findings.found().iter().all(|found| lacks.contains(&found.problem.code))
}

/// One thing that is wrong with something that has no text.
pub(crate) fn refusal(name: &str, problem: Problem) -> Findings {
    Findings::of(&Source::new(name, ""), vec![Found { problem, span: None, given: None }])
}

fn unreadable(path: &Path, why: &io::Error) -> Findings {
    let name = path.display().to_string();
    let help = match why.kind() {
        io::ErrorKind::NotFound => "check the path; it is relative to the current directory",
        io::ErrorKind::PermissionDenied => "check the permissions of the file and its directory",
        _ => "check the file, then try again",
    };
    let message = format!("cannot read the inventory {name}: {why}");
    refusal(&name, Problem::new(code::FILE_UNREADABLE, "", "", message).help(help))
}

// === impl Gathered ===

impl Gathered {
    /// A path that was given.
    fn path(&mut self, path: &Path, options: Options) {
        if path.as_os_str() == "-" {
            let read = bounded(io::stdin().lock(), options.most);
            return self.bytes(Path::new("<stdin>"), read, None);
        }
        match fs::metadata(path) {
            Err(why) => self.refused.push(unreadable(path, &why)),
            Ok(about) if about.is_dir() => {
                let before = self.texts.len() + self.refused.len();
                self.folder(path, DEEPEST, options);
                if self.texts.len() + self.refused.len() == before {
                    let name = path.display().to_string();
                    let message = format!("there is no inventory file in the folder {name}");
                    let problem = Problem::new(code::FILE_UNREADABLE, "", "", message)
                        .help("hidden files, backup copies and texts such as README.md are passed over");
                    self.refused.push(refusal(&name, problem));
                }
            }
            Ok(about) => {
                self.file(path, &about, options);
                if let Some(folder) = path.parent() {
                    self.vars_of(folder, options);
                }
            }
        }
    }

    fn folder(&mut self, path: &Path, depth: usize, options: Options) {
        let entries = match sorted(path) {
            Ok(entries) => entries,
            Err(why) => return self.refused.push(unreadable(path, &why)),
        };
        for entry in entries.iter().filter(|entry| counts(entry) && !holds_vars(entry)) {
            if self.texts.len() >= MOST_FILES {
                let name = path.display().to_string();
                let message = format!("an inventory of more than {MOST_FILES} files");
                return self.refused.push(refusal(&name, Problem::new(code::TOO_LARGE, "", "", message)));
            }
            match fs::metadata(entry) {
                Err(why) => self.refused.push(unreadable(entry, &why)),
                Ok(about) if about.is_dir() && depth == 0 => {
                    let name = entry.display().to_string();
                    let message = format!("folders lie deeper than {DEEPEST} in each other");
                    self.refused.push(refusal(&name, Problem::new(code::TOO_LARGE, "", "", message)));
                }
                Ok(about) if about.is_dir() => self.folder(entry, depth - 1, options),
                Ok(about) if about.is_file() => self.file(entry, &about, options),
                Ok(_) => {}
            }
        }
        self.vars_of(path, options);
    }

    /// The variables that lie in folders beside an inventory of Ansible; no other inventory has them.
    fn vars_of(&mut self, folder: &Path, options: Options) {
        if !self.texts.iter().any(|text| text.is_of_ansible()) {
            return;
        }
        for (name, form) in VARS {
            let Ok(entries) = sorted(&folder.join(name)) else { continue };
            for entry in entries.iter().filter(|entry| counts(entry)) {
                let Some(owner) = owner(entry) else { continue };
                if entry.is_dir() {
                    for file in sorted(entry).unwrap_or_default().iter().filter(|file| counts(file)) {
                        self.vars_file(file, form(owner.clone()), options);
                    }
                } else {
                    self.vars_file(entry, form(owner), options);
                }
            }
        }
    }

    fn vars_file(&mut self, path: &Path, form: Form, options: Options) {
        // Several inventories of one folder have the same variables.
        let name = path.display().to_string();
        if self.texts.iter().any(|text| text.source.name() == name) {
            return;
        }
        let read = fs::File::open(path).and_then(|file| bounded(file, options.most));
        self.bytes(path, read, Some(form));
    }

    fn file(&mut self, path: &Path, about: &fs::Metadata, options: Options) {
        let may_be_run = about.permissions().mode() & 0o111 != 0 && !is_one_of(path, READ);
        if may_be_run {
            return match program::run(path, options) {
                Ok(text) => self.texts.push(text),
                Err(findings) => self.refused.push(findings),
            };
        }
        let read = fs::File::open(path).and_then(|file| bounded(file, options.most));
        self.bytes(path, read, None);
    }

    fn bytes(&mut self, path: &Path, read: io::Result<Vec<u8>>, form: Option<Form>) {
        let name = path.display().to_string();
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(why) => return self.refused.push(unreadable(path, &why)),
        };
        match windlass_lang::decode(&name, bytes) {
            Ok(text) => {
                let form = form.unwrap_or_else(|| match is_one_of(path, &["ini"]) {
                    true => Form::Ini,
                    false if is_one_of(path, READ) => Form::Yaml,
                    false => Form::guess(&text),
                });
                self.texts.push(Text { source: Source::new(&name, &text), form });
            }
            Err(findings) => self.refused.push(findings),
        }
    }
}

/// What is read, one byte more than is accepted at most: that is enough to know that it is too much.
fn bounded(from: impl io::Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

/// Whether a file of a folder is meant to be read.
fn counts(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    !name.starts_with('.') && !name.starts_with('#') && !PASSED_OVER.iter().any(|end| name.ends_with(end))
}

fn holds_vars(path: &Path) -> bool {
    VARS.iter().any(|(name, _)| path.file_name().is_some_and(|own| own == *name)) && path.is_dir()
}

/// Whom a file of variables is about.
fn owner(path: &Path) -> Option<String> {
    let name = if is_one_of(path, READ) && !path.is_dir() { path.file_stem() } else { path.file_name() };
    name.map(|name| name.to_string_lossy().into_owned())
}

fn is_one_of(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|own| extensions.iter().any(|extension| own.eq_ignore_ascii_case(extension)))
}
