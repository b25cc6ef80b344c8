//! What is written, line by line: a strict part of YAML that cannot be misread. Everything else is given up.

/// A value as it is written, pointing into the text.
#[derive(Debug, PartialEq)]
pub(super) enum Raw<'a> {
    /// Without quotes.
    Plain(&'a str),
    /// In quotes, so that it is a text whatever it looks like.
    Quoted(&'a str),
    List(Vec<Raw<'a>>),
    Map(Vec<(&'a str, Raw<'a>)>),
}

/// How deep values may lie in each other; deeper ones are left to the long way, which knows the limit.
const DEEPEST: usize = 16;

/// The lines of a list.
pub(super) struct Lines<'a> {
    rest: &'a str,
}

/// A line that is no comment: how far it is indented, and what stands there.
#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    text: &'a str,
    /// What follows it.
    rest: &'a str,
}

struct Flow<'a> {
    text: &'a str,
    at: usize,
}

// === impl Lines ===

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// The next entry of the list; the inner nothing is one that is not of the plain sort.
    #[expect(clippy::option_option, reason = "the end of the list, and an entry that cannot be read")]
    pub(super) fn entry(&mut self, indent: usize) -> Option<Option<Raw<'a>>> {
        let line = self.peek()?;
        if line.indent != indent {
            return Some(None);
        }
        Some(self.item(line, 0))
    }

    fn peek(&self) -> Option<Line<'a>> {
        let mut rest = self.rest;
        loop {
            if rest.is_empty() {
                return None;
            }
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            let bare = line.trim_start_matches(' ');
            let text = bare.trim_end_matches([' ', '\r']);
            if !text.is_empty() && !text.starts_with('#') {
                return Some(Line { indent: line.len() - bare.len(), text, rest: after });
            }
            rest = after;
        }
    }

    /// An item of a block list: what stands behind its dash, and the lines that belong to it.
    fn item(&mut self, line: Line<'a>, depth: usize) -> Option<Raw<'a>> {
        let behind = line.text.strip_prefix("- ")?;
        let text = behind.trim_start_matches(' ');
        let indent = line.indent + (line.text.len() - text.len());
        self.rest = line.rest;
        if text.starts_with(['{', '[', '"', '\'']) || key(text).is_none() {
            return Flow::whole(text);
        }
        self.map(Line { indent, text, rest: line.rest }, depth + 1)
    }

    /// A block map whose first line is known; its lines are all indented as that one is.
    fn map(&mut self, first: Line<'a>, depth: usize) -> Option<Raw<'a>> {
        if depth > DEEPEST {
            return None;
        }
        let mut map = Vec::new();
        let mut line = first;
        loop {
            let (name, behind) = key(line.text)?;
            self.rest = line.rest;
            let value = match behind.is_empty() {
                false => Flow::whole(behind)?,
                true => {
                    let next = self.peek()?;
                    if next.text.starts_with("- ") && next.indent >= line.indent {
                        self.list(next, depth + 1)?
                    } else if next.indent > line.indent {
                        self.map(next, depth + 1)?
                    } else {
                        return None;
                    }
                }
            };
            map.push((name, value));
            match self.peek() {
                Some(next) if next.indent == first.indent && !next.text.starts_with("- ") => line = next,
                Some(next) if next.indent > first.indent => return None,
                _ => return Some(Raw::Map(map)),
            }
        }
    }

    fn list(&mut self, first: Line<'a>, depth: usize) -> Option<Raw<'a>> {
        if depth > DEEPEST {
            return None;
        }
        let mut items = Vec::new();
        let mut line = first;
        loop {
            items.push(self.item(line, depth)?);
            match self.peek() {
                Some(next) if next.indent == first.indent && next.text.starts_with("- ") => line = next,
                Some(next) if next.indent > first.indent => return None,
                _ => return Some(Raw::List(items)),
            }
        }
    }
}

/// `name: value`, `name:`
fn key(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !is_of_key(byte))?;
    let (name, rest) = text.split_at_checked(end)?;
    let behind = rest.strip_prefix(':')?;
    let is_key = is_name(name) && (behind.is_empty() || behind.starts_with(' '));
    is_key.then(|| (name, behind.trim_start_matches(' ')))
}

fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/')
}

/// Whether a plain key is a text as it stands.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

// === impl Flow ===

impl<'a> Flow<'a> {
    /// A value that is all of a line, but for a comment.
    fn whole(text: &'a str) -> Option<Raw<'a>> {
        let mut flow = Self { text, at: 0 };
        let value = if text.starts_with(['{', '[', '"', '\'']) { flow.value(0)? } else { flow.plain(false)? };
        let left = text.get(flow.at..)?;
        let bare = left.trim_start_matches(' ');
        (bare.is_empty() || left.len() > bare.len() && bare.starts_with('#')).then_some(value)
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn value(&mut self, depth: usize) -> Option<Raw<'a>> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            b'{' => self.map(depth),
            b'[' => self.list(depth),
            quote @ (b'"' | b'\'') => self.quoted(quote),
            _ => self.plain(true),
        }
    }

    fn map(&mut self, depth: usize) -> Option<Raw<'a>> {
        self.at += 1;
        let mut map = Vec::new();
        while !self.eat(b'}') {
            self.peek()?;
            let (name, _) = key(self.text.get(self.at..)?)?;
            self.at += name.len() + 1;
            // `{a:1}` is something else, and `{a: }` has no value.
            if self.text.as_bytes().get(self.at) != Some(&b' ') {
                return None;
            }
            map.push((name, self.value(depth + 1)?));
            if !self.eat(b',') && self.peek() != Some(b'}') {
                return None;
            }
        }
        Some(Raw::Map(map))
    }

    fn list(&mut self, depth: usize) -> Option<Raw<'a>> {
        self.at += 1;
        let mut items = Vec::new();
        while !self.eat(b']') {
            items.push(self.value(depth + 1)?);
            if !self.eat(b',') && self.peek() != Some(b']') {
                return None;
            }
        }
        Some(Raw::List(items))
    }

    /// A text in quotes without any escapes.
    fn quoted(&mut self, quote: u8) -> Option<Raw<'a>> {
        let inner = self.text.get(self.at + 1..)?;
        let end =
            inner.bytes().position(|byte| byte == quote || byte == b'\\' && quote == b'"' || byte < b' ')?;
        if inner.as_bytes().get(end) != Some(&quote) || inner.as_bytes().get(end + 1) == Some(&quote) {
            return None;
        }
        self.at += end + 2;
        // What follows at once is none of ours: `"a"b`, `"a": 1`.
        let next = self.text.as_bytes().get(self.at);
        matches!(next, None | Some(b' ' | b',' | b'}' | b']')).then_some(Raw::Quoted(inner.get(..end)?))
    }

    /// A scalar without quotes, of characters that mean nothing to YAML where they stand.
    fn plain(&mut self, is_in_flow: bool) -> Option<Raw<'a>> {
        let rest = self.text.get(self.at..)?;
        let bytes = rest.as_bytes();
        let first = *bytes.first()?;
        let second = bytes.get(1).copied().unwrap_or(b' ');
        let begins = first.is_ascii_alphanumeric()
            || matches!(first, b'_' | b'/' | b'.')
            || matches!(first, b'-' | b'+') && second.is_ascii_alphanumeric();
        if !begins {
            return None;
        }
        let mut end = 0;
        while let Some(byte) = bytes.get(end).copied() {
            let next = bytes.get(end + 1).copied().unwrap_or(b' ');
            let goes_on = byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'/' | b'.' | b'-' | b'+' | b'@' | b'%' | b'=')
                || byte == b':' && (next.is_ascii_alphanumeric() || next == b'/')
                || byte == b' ' && (next.is_ascii_alphanumeric() || next == b' ');
            if !goes_on {
                break;
            }
            end += 1;
        }
        let text = rest.get(..end)?.trim_end_matches(' ');
        self.at += text.len();
        let behind = self.text.get(self.at..)?;
        let bare = behind.trim_start_matches(' ');
        let ends = match bare.bytes().next() {
            None => true,
            Some(b',' | b'}' | b']') => is_in_flow,
            Some(b'#') => !is_in_flow && bare.len() < behind.len(),
            Some(_) => false,
        };
        (ends && !text.is_empty()).then_some(Raw::Plain(text))
    }
}
