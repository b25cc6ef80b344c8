//! A selection in one line, as on a command line: `web*,@db,role:cache,label:rack in (r1,r2),!web07,where:facts.cpu.count > 8`.
//!
//! | Written | Means |
//! |---|---|
//! | `web01`, `web*`, `web[01-20]`, `/web[0-9]+/` | nodes by name |
//! | `@web` | a group |
//! | `role:db` | a role |
//! | `label:rack=r1`, `label:(rack=r1,env=prod)` | a label selector |
//! | `where:facts.os.name == 'debian'` | an expression |
//! | `!…` | leaves out what follows |
//! | `,` | and also |
//!
//! Commas in brackets, braces, parentheses and quotes do not divide. What cannot be written so stands
//! in quotes after its word: `node:"a,b"`.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::target::{NodeEntry, Targets};

/// Why a text is no selection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectionError(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Node,
    Group,
    Label,
    Role,
    Where,
}

const WORDS: [(&str, Kind); 5] = [
    ("node:", Kind::Node),
    ("label:", Kind::Label),
    ("role:", Kind::Role),
    ("where:", Kind::Where),
    ("@", Kind::Group),
];

impl FromStr for Targets {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        if text.trim().is_empty() {
            return Err(SelectionError("the selection is empty; `*` is everything".into()));
        }
        let (mut include, mut exclude) = (Lists::default(), Lists::default());
        let mut rest = text;
        loop {
            let (term, after) = split(rest)?;
            let (lists, term) = match term.strip_prefix('!') {
                Some(term) => (&mut exclude, term.trim_start()),
                None => (&mut include, term),
            };
            let (kind, content) = read(term)?;
            lists.push(kind, content);
            match after {
                Some(after) => rest = after,
                None => break,
            }
        }
        Ok(Self {
            nodes: include.nodes.into_iter().map(NodeEntry::Name).collect(),
            groups: include.groups.into(),
            labels: include.labels.into(),
            roles: include.roles.into(),
            where_: include.wheres.into(),
            exclude_nodes: exclude.nodes,
            exclude_groups: exclude.groups.into(),
            exclude_labels: exclude.labels.into(),
            exclude_roles: exclude.roles.into(),
            exclude_where: exclude.wheres.into(),
            allow_empty: false,
        })
    }
}

impl fmt::Display for Targets {
    /// Of nodes that are written out only the name; whether it may be empty is not said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        let mut write = |bang: &str, kind: Kind, text: &str| {
            if !std::mem::take(&mut first) {
                f.write_str(",")?;
            }
            f.write_str(bang)?;
            f.write_str(&written(kind, text))
        };
        for entry in &self.nodes {
            write(
                "",
                Kind::Node,
                match entry {
                    NodeEntry::Name(name) => name,
                    NodeEntry::Node(node) => &node.name,
                },
            )?;
        }
        let lists = [
            ("", Kind::Group, &*self.groups),
            ("", Kind::Role, &*self.roles),
            ("", Kind::Label, &*self.labels),
            ("", Kind::Where, &*self.where_),
            ("!", Kind::Node, &*self.exclude_nodes),
            ("!", Kind::Group, &*self.exclude_groups),
            ("!", Kind::Role, &*self.exclude_roles),
            ("!", Kind::Label, &*self.exclude_labels),
            ("!", Kind::Where, &*self.exclude_where),
        ];
        for (bang, kind, texts) in lists {
            for text in texts {
                write(bang, kind, text)?;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Lists {
    nodes: Vec<String>,
    groups: Vec<String>,
    labels: Vec<String>,
    roles: Vec<String>,
    wheres: Vec<String>,
}

// === impl Lists ===

impl Lists {
    fn push(&mut self, kind: Kind, text: String) {
        match kind {
            Kind::Node => self.nodes.push(text),
            Kind::Group => self.groups.push(text),
            Kind::Label => self.labels.push(text),
            Kind::Role => self.roles.push(text),
            Kind::Where => self.wheres.push(text),
        }
    }
}

/// The first term of a text, and what stands after the comma that ends it.
fn split(text: &str) -> Result<(&str, Option<&str>), SelectionError> {
    let begins = text.trim_start().trim_start_matches('!').trim_start();
    if let Some(inner) = begins.strip_prefix('/') {
        let start = text.len() - inner.len();
        return split_regex(text, start);
    }
    let mut open: Vec<char> = Vec::new();
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if std::mem::take(&mut escaped) => {}
            (Some(_), '\\') => escaped = true,
            (Some(end), c) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => open.push(')'),
            (None, '[') => open.push(']'),
            (None, '{') => open.push('}'),
            (None, ')' | ']' | '}') if open.pop() != Some(c) => {
                return Err(SelectionError(format!("`{text}` has a {c} that nothing opens")));
            }
            (None, ',') if open.is_empty() => return term(text, at),
            _ => {}
        }
    }
    match (quote, open.pop()) {
        (Some(quote), _) => Err(SelectionError(format!("`{text}` has a {quote} that is not closed"))),
        (None, Some(close)) => Err(SelectionError(format!("`{text}` lacks a {close}"))),
        (None, None) => term(text, text.len()),
    }
}

/// A regular expression ends at a slash with a comma or nothing behind it.
fn split_regex(text: &str, start: usize) -> Result<(&str, Option<&str>), SelectionError> {
    let mut escaped = false;
    for (at, c) in text.char_indices().filter(|(at, _)| *at >= start) {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            '/' => {
                let after = text.get(at + 1..).unwrap_or("");
                let spaces = after.len() - after.trim_start().len();
                if after.trim_start().is_empty() {
                    return term(text, text.len());
                }
                if after.trim_start().starts_with(',') {
                    return term(text, at + 1 + spaces);
                }
            }
            _ => {}
        }
    }
    Err(SelectionError(format!("`{text}` lacks the / that ends the regular expression")))
}

fn term(text: &str, end: usize) -> Result<(&str, Option<&str>), SelectionError> {
    let term = text.get(..end).unwrap_or(text).trim();
    if term.is_empty() {
        return Err(SelectionError("nothing stands before or after a comma".into()));
    }
    Ok((term, text.get(end + 1..)))
}

/// What a term selects by, and its text.
fn read(term: &str) -> Result<(Kind, String), SelectionError> {
    let word = WORDS.iter().find_map(|(word, kind)| Some((*kind, term.strip_prefix(word)?.trim())));
    let (kind, text) = word.unwrap_or((Kind::Node, term));
    let text = if text.starts_with('"') && (word.is_some() || kind != Kind::Node) {
        serde_json::from_str::<String>(text)
            .map_err(|_| SelectionError(format!("{text} is no text in quotes")))?
    } else if matches!(kind, Kind::Label | Kind::Where) {
        parenthesised(text).unwrap_or(text).trim().to_owned()
    } else {
        text.to_owned()
    };
    if text.is_empty() {
        let before = if term.is_empty() { "!" } else { term };
        return Err(SelectionError(format!("nothing stands after `{before}`")));
    }
    Ok((kind, text))
}

/// What stands in parentheses that enclose all of a text.
fn parenthesised(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0_i32;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for c in inner.chars() {
        match (quote, c) {
            _ if std::mem::take(&mut escaped) => {}
            (Some(_), '\\') => escaped = true,
            (Some(end), c) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    Some(inner)
}

/// A term that reads as this text: plain where that works, else in parentheses, else in quotes.
fn written(kind: Kind, text: &str) -> String {
    let word = WORDS.iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| word);
    let plain = match kind {
        Kind::Node => text.to_owned(),
        _ => format!("{word}{text}"),
    };
    let is_read_as = |term: &str| {
        !term.starts_with('!')
            && matches!(split(term), Ok((whole, None)) if whole == term)
            && read(term).is_ok_and(|(read, content)| read == kind && content == text)
    };
    if is_read_as(&plain) {
        return plain;
    }
    let enclosed = format!("{word}({text})");
    if matches!(kind, Kind::Label | Kind::Where) && is_read_as(&enclosed) {
        return enclosed;
    }
    let mut quoted = word.to_owned();
    // Writing into a text cannot fail.
    let _ = write!(quoted, "{}", serde_json::Value::from(text));
    quoted
}

#[cfg(test)]
mod tests;
