//! Patterns of node names: `web[01-20]`, `db[abc]`, `n{1..12}`, `{red,blue}-1`, and `*` and `?` to match with.
//!
//! A series stands for names that can be written out; a glob can only be matched against names that there are.

/// Why a pattern cannot be written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has `*` or `?`, or is a regular expression.
    NeedsInventory,
    /// It stands for too many names.
    TooMany,
    /// It is not well-formed.
    Malformed(&'static str),
}

/// One part of a pattern: the texts that may stand there.
enum Part {
    Text(String),
    /// From, to, digits to pad to.
    Numbers(Vec<(u64, u64)>, usize),
    Words(Vec<String>),
}

/// Whether a text is a pattern rather than a name.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    text.contains(['[', ']', '{', '}', '*', '?', '/'])
}

/// Whether a text is a pattern that cannot be written out, only matched.
#[must_use]
pub fn needs_inventory(text: &str) -> bool {
    text.contains(['*', '?']) || regex(text).is_some()
}

/// The regular expression in a text such as `/web[0-9]+/`.
#[must_use]
pub fn regex(text: &str) -> Option<&str> {
    text.strip_prefix('/')?.strip_suffix('/')
}

/// Writes a pattern out, if that gives at most `most` names. The names are made one by one.
///
/// # Errors
///
/// When it cannot be written out, or stands for too many names.
pub fn expand(text: &str, most: usize) -> Result<impl Iterator<Item = String>, Refused> {
    if needs_inventory(text) {
        return Err(Refused::NeedsInventory);
    }
    let parts = parse(text)?;
    let total = parts
        .iter()
        .try_fold(1_u64, |total, part| total.checked_mul(part.len()))
        .filter(|total| usize::try_from(*total).is_ok_and(|total| total <= most))
        .ok_or(Refused::TooMany)?;
    Ok((0..total).map(move |number| {
        let mut name = String::new();
        let mut scale = total;
        let mut rest = number;
        for part in &parts {
            scale /= part.len().max(1);
            part.write(rest / scale.max(1), &mut name);
            rest %= scale.max(1);
        }
        name
    }))
}

fn parse(text: &str) -> Result<Vec<Part>, Refused> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '[' => ']',
            '{' => '}',
            '}' => return Err(Refused::Malformed("a } has no { before it")),
            ']' => return Err(Refused::Malformed("a ] has no [ before it")),
            _ => {
                plain.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or("");
                continue;
            }
        };
        let end = rest.find(close).ok_or(match first {
            '[' => Refused::Malformed("a [ has no ] after it"),
            _ => Refused::Malformed("a { has no } after it"),
        })?;
        let inner = rest.get(1..end).unwrap_or("");
        // The brackets of an IPv6 address are part of the name.
        if first == '[' && inner.contains(':') {
            plain.push_str(rest.get(..=end).unwrap_or(""));
        } else {
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(if first == '[' { class(inner)? } else { braces(inner)? });
        }
        rest = rest.get(end + 1..).unwrap_or("");
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// What stands in `[...]`: ranges of numbers, or letters and ranges of letters.
fn class(inner: &str) -> Result<Part, Refused> {
    if inner.is_empty() {
        return Err(Refused::Malformed("nothing stands between [ and ]"));
    }
    if inner.starts_with(['!', '^']) {
        return Err(Refused::Malformed("what is not in a set cannot be written out"));
    }
    let numeric = inner.contains(['-', ',']) && inner.split(',').all(|item| range_of(item, "-").is_some());
    if numeric {
        return numbers(inner.split(','), "-");
    }
    // What looks like numbers and cannot be taken for them must not be taken for single signs: `[1-10,x]`, `[10,x]`.
    let is_letter_or_range = |item: &str| {
        let chars: Vec<char> = item.chars().collect();
        matches!(chars.as_slice(), [_] | [_, '-', _])
    };
    if inner.contains('-') && (inner.starts_with('-') || inner.ends_with('-')) {
        return Err(Refused::Malformed("a range has two ends"));
    }
    let is_number =
        inner.bytes().filter(|byte| *byte != b',' && *byte != b'-').all(|byte| byte.is_ascii_digit());
    if is_number && inner.contains('-') {
        return Err(Refused::Malformed("the numbers are too large, or it has too many dashes"));
    }
    if inner.contains(',') && !inner.split(',').all(is_letter_or_range) {
        return Err(Refused::Malformed(
            "between commas stand numbers or ranges of numbers, or single letters",
        ));
    }
    let chars: Vec<char> = inner.chars().filter(|c| *c != ',').collect();
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(first) = chars.get(at) {
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(last))
                if last.is_ascii_digit() && chars.get(at + 3).is_some_and(char::is_ascii_digit) =>
            {
                return Err(Refused::Malformed("a range of numbers stands alone or between commas"));
            }
            (Some('-'), Some(last)) if first <= last => {
                words.extend((*first..=*last).map(String::from));
                at += 3;
            }
            (Some('-'), Some(_)) => return Err(Refused::Malformed("a range goes from low to high")),
            _ => {
                words.push(first.to_string());
                at += 1;
            }
        }
        if words.len() > 1000 {
            return Err(Refused::TooMany);
        }
    }
    Ok(Part::Words(words))
}

/// What stands in `{...}`: a range of numbers, or alternatives.
fn braces(inner: &str) -> Result<Part, Refused> {
    if inner.contains(['{', '[']) {
        return Err(Refused::Malformed("braces cannot hold other braces or brackets"));
    }
    if inner.contains("..") {
        if range_of(inner, "..").is_none() {
            return Err(Refused::Malformed("a range is two whole numbers, such as {1..12}"));
        }
        return numbers(std::iter::once(inner), "..");
    }
    if !inner.contains(',') {
        return Err(Refused::Malformed("braces hold a range {1..12} or alternatives {red,blue}"));
    }
    Ok(Part::Words(inner.split(',').map(|word| word.trim().to_owned()).collect()))
}

fn numbers<'a>(items: impl Iterator<Item = &'a str>, dash: &str) -> Result<Part, Refused> {
    let mut width = 0;
    let mut ranges = Vec::new();
    for item in items {
        let (from, to) = range_of(item, dash).ok_or(Refused::Malformed("the numbers are too large"))?;
        let first = item.split(dash).next().unwrap_or("").trim();
        if first.len() > 1 && first.starts_with('0') {
            width = width.max(first.len());
        }
        if from > to {
            return Err(Refused::Malformed("a range goes from low to high"));
        }
        ranges.push((from, to));
    }
    Ok(Part::Numbers(ranges, width))
}

fn range_of(item: &str, dash: &str) -> Option<(u64, u64)> {
    let number = |text: &str| {
        let text = text.trim();
        (text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    match item.split_once(dash) {
        Some((from, to)) => Some((number(from)?, number(to)?)),
        None => number(item).map(|one| (one, one)),
    }
}

// === impl Part ===

impl Part {
    fn len(&self) -> u64 {
        match self {
            Self::Text(_) => 1,
            Self::Numbers(ranges, _) => {
                ranges.iter().fold(0_u64, |sum, (from, to)| sum.saturating_add(to - from).saturating_add(1))
            }
            Self::Words(words) => words.len() as u64,
        }
    }

    fn write(&self, mut index: u64, out: &mut String) {
        use std::fmt::Write as _;
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Words(words) => {
                let word = usize::try_from(index).ok().and_then(|index| words.get(index));
                out.push_str(word.map_or("", String::as_str));
            }
            Self::Numbers(ranges, width) => {
                for (from, to) in ranges {
                    let length = to - from + 1;
                    if index < length {
                        let _ = write!(out, "{:0width$}", from + index);
                        return;
                    }
                    index -= length;
                }
            }
        }
    }
}

/// A pattern to match with.
#[derive(Clone, Debug)]
pub struct Glob(Vec<Token>);

#[derive(Clone, Debug)]
enum Token {
    Is(char),
    Any,
    Many,
    In(Vec<(char, char)>, bool),
}

// === impl Glob ===

impl Glob {
    /// The globs that a text with braces stands for.
    ///
    /// # Errors
    ///
    /// When it is not well-formed, or a regular expression.
    pub fn all(text: &str) -> Result<Vec<Self>, Refused> {
        if text.starts_with('/') {
            return Err(Refused::NeedsInventory);
        }
        let mut texts = vec![String::new()];
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, after) = rest.split_at(open);
            let end = after.find('}').ok_or(Refused::Malformed("a { has no } after it"))?;
            let part = braces(after.get(1..end).unwrap_or(""))?;
            if part.len().saturating_mul(texts.len() as u64) > 10_000 {
                return Err(Refused::TooMany);
            }
            texts = texts
                .iter()
                .flat_map(|text| {
                    (0..part.len()).map({
                        let part = &part;
                        move |index| {
                            let mut text = format!("{text}{before}");
                            part.write(index, &mut text);
                            text
                        }
                    })
                })
                .collect();
            rest = after.get(end + 1..).unwrap_or("");
        }
        texts.iter().map(|text| Self::one(&format!("{text}{rest}"))).collect()
    }

    fn one(text: &str) -> Result<Self, Refused> {
        let mut tokens = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' => Token::Many,
                '?' => Token::Any,
                '[' => {
                    let inner: Vec<char> = chars.by_ref().take_while(|c| *c != ']').collect();
                    let (negated, inner) = match inner.as_slice() {
                        ['!' | '^', rest @ ..] => (true, rest),
                        all => (false, all),
                    };
                    let mut ranges = Vec::new();
                    let mut at = 0;
                    while let Some(first) = inner.get(at) {
                        match (inner.get(at + 1), inner.get(at + 2)) {
                            (Some('-'), Some(last)) => {
                                ranges.push((*first, *last));
                                at += 3;
                            }
                            _ => {
                                ranges.push((*first, *first));
                                at += 1;
                            }
                        }
                    }
                    Token::In(ranges, negated)
                }
                c => Token::Is(c),
            });
        }
        Ok(Self(tokens))
    }

    /// What every name that matches begins with.
    #[must_use]
    pub fn prefix(&self) -> String {
        let literal = self.0.iter().map_while(|token| match token {
            Token::Is(c) => Some(*c),
            _ => None,
        });
        literal.collect()
    }

    /// Whether a name matches, in time proportional to pattern × name at worst.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        // Names of nodes are ASCII; in what is none, nothing but `*` and `?` matches.
        let chars = name.as_bytes();
        let (mut at, mut token) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(token), chars.get(at).map(|byte| char::from(*byte))) {
                (None, None) => return true,
                (Some(Token::Many), _) => {
                    retry = Some((token, at));
                    token += 1;
                    continue;
                }
                (Some(Token::Is(wanted)), Some(c)) if *wanted == c => {}
                (Some(Token::Any), Some(_)) => {}
                (Some(Token::In(ranges, negated)), Some(c))
                    if ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated => {}
                _ => {
                    let Some((star, from)) = retry.filter(|(_, from)| *from < chars.len()) else {
                        return false;
                    };
                    retry = Some((star, from + 1));
                    (token, at) = (star + 1, from + 1);
                    continue;
                }
            }
            token += 1;
            at += 1;
        }
    }
}
