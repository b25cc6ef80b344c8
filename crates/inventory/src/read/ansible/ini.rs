//! The INI form: sections of hosts, `:children` and `:vars`.

use std::ops::Range;

use windlass_lang::Source;
use windlass_model::problem::Problem;
use windlass_model::{Value, code};

use super::{ALL, Estate, Rank, UNGROUPED, literal, range};
use crate::contents::{Place, Spot};
use crate::read::Gathered;

/// What the lines of a section are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Hosts,
    Children,
    Vars,
    /// Those of a section that is not understood.
    Unknown,
}

struct Reader<'a> {
    source: u32,
    estate: &'a mut Estate,
    out: &'a mut Gathered,
    group: String,
    lines: Lines,
}

/// Takes in a text of this form.
pub(in crate::read) fn ini(text: &Source, source: u32, estate: &mut Estate, out: &mut Gathered) {
    let group = UNGROUPED.to_owned();
    let mut reader = Reader { source, estate, out, group, lines: Lines::Hosts };
    let mut start = 0;
    for line in text.text().split_inclusive('\n') {
        let bare = line.trim();
        let from = start + (line.len() - line.trim_start().len());
        start += line.len();
        if !bare.is_empty() && !bare.starts_with(['#', ';']) {
            reader.line(bare, from..from + bare.len());
        }
    }
}

// === impl Reader ===

impl Reader<'_> {
    fn place(&self, bytes: &Range<usize>) -> Place {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Place {
            source: self.source,
            spot: Spot::Bytes { start: narrow(bytes.start), end: narrow(bytes.end) },
        }
    }

    fn wrong(&mut self, bytes: &Range<usize>, message: impl Into<String>, help: &str) {
        let problem = Problem::new(code::INI_SYNTAX, "", "", message);
        let place = self.place(bytes);
        self.out.wrong(if help.is_empty() { problem } else { problem.help(help) }, place);
    }

    fn line(&mut self, line: &str, bytes: Range<usize>) {
        if line.starts_with('[')
            && let Some(inner) = section(line)
        {
            return self.section(inner, &bytes);
        }
        match self.lines {
            Lines::Hosts => self.host(line, &bytes),
            Lines::Children => self.child(line, &bytes),
            Lines::Vars => self.var(line, &bytes),
            Lines::Unknown => {}
        }
    }

    fn section(&mut self, inner: &str, bytes: &Range<usize>) {
        let (name, kind) = match inner.split_once(':') {
            Some((name, kind)) => (name.trim(), Some(kind.trim())),
            None => (inner.trim(), None),
        };
        self.lines = match kind {
            None => Lines::Hosts,
            Some("children") => Lines::Children,
            Some("vars") => Lines::Vars,
            Some(kind) => {
                let help = "a section is [NAME] with hosts, [NAME:children] with groups or [NAME:vars] with variables";
                self.wrong(bytes, format!("a section of the kind `{kind}` is not known"), help);
                Lines::Unknown
            }
        };
        if name.is_empty() {
            self.wrong(bytes, "a section has no name", "");
            self.lines = Lines::Unknown;
        }
        name.clone_into(&mut self.group);
        let place = self.place(bytes);
        if self.lines != Lines::Unknown {
            self.estate.defined(name, place);
        }
    }

    fn host(&mut self, line: &str, bytes: &Range<usize>) {
        let words = match split(line) {
            Ok(words) => words,
            Err(why) => return self.wrong(bytes, why, ""),
        };
        let Some((written, rest)) = words.split_first() else { return };
        let (hosts, port) = match range::hosts(written) {
            Ok(hosts) => hosts,
            Err(why) => {
                let place = self.place(bytes);
                return self.out.wrong(Problem::new(code::BAD_PATTERN, "", "", why), place);
            }
        };
        let mut vars: Vec<(&str, Value)> = Vec::new();
        vars.extend(port.map(|port| ("ansible_port", port.into())));
        for word in rest {
            match word.split_once('=') {
                Some((key, value)) if !key.is_empty() => vars.push((key, literal::value(value))),
                _ => {
                    let help = "after a host stand its variables, each KEY=VALUE without spaces; a value with spaces stands in quotes";
                    return self.wrong(bytes, format!("`{word}` is no variable"), help);
                }
            }
        }
        let place = self.place(bytes);
        let group = if self.group == ALL { ALL.to_owned() } else { self.group.clone() };
        for host in hosts {
            for (key, value) in &vars {
                let known = self.estate.host(&host, &group, place);
                if let Err(first) = known.vars.set(key, value.clone(), place, Rank::Inventory) {
                    self.out.disagree(&format!("node {host}"), key, "", place, first);
                }
            }
            self.estate.host(&host, &group, place);
        }
    }

    fn child(&mut self, line: &str, bytes: &Range<usize>) {
        let name = line.split('#').next().unwrap_or(line).trim();
        if name.contains(char::is_whitespace) || name.contains('=') {
            return self.wrong(
                bytes,
                format!("`{name}` is no group"),
                "a line of [NAME:children] is the name of a group",
            );
        }
        let place = self.place(bytes);
        let group = self.group.clone();
        self.estate.child(&group, name, place);
    }

    fn var(&mut self, line: &str, bytes: &Range<usize>) {
        let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
            return self.wrong(
                bytes,
                format!("`{line}` is no variable"),
                "a line of [NAME:vars] is KEY=VALUE",
            );
        };
        let place = self.place(bytes);
        let group = self.group.clone();
        let known = self.estate.group(&group, place);
        if let Err(first) = known.vars.set(key, literal::value(value), place, Rank::Inventory) {
            self.out.disagree(&format!("group {group}"), key, "", place, first);
        }
    }
}

/// What stands in the brackets of a section; a host may begin with a bracket, too (`[::1]:22`).
fn section(line: &str) -> Option<&str> {
    let (inner, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim();
    let is_address = inner.contains("::") || inner.parse::<std::net::Ipv6Addr>().is_ok();
    ((rest.is_empty() || rest.starts_with(['#', ';'])) && !is_address).then_some(inner)
}

/// The words of a line as a shell divides them; what follows a `#` is left out.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '#' if word.is_none() => break,
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => word.extend(chars.next()),
                        Some(inner) => word.push(inner),
                        None => return Err(format!("a {c} is not closed")),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_divided_as_a_shell_does() {
        for (line, expect) in [
            ("web1 a=1  b='x y' # c", &["web1", "a=1", "b=x y"][..]),
            (r#"web1 a="x \"y\"" b=p#q"#, &["web1", "a=x \"y\"", "b=p#q"]),
            ("# nothing", &[]),
        ] {
            assert_eq!(split(line).unwrap(), expect, "{line}");
        }
        assert!(split("web1 a='x").is_err());
        assert_eq!(section("[web:vars] # those"), Some("web:vars"));
        assert_eq!(section("[::1]"), None);
        assert_eq!(section("[::1]:22"), None);
    }
}
