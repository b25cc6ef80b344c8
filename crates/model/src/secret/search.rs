//! Looks for secrets in texts, in one pass whatever their number, and puts tokens in their places.
//!
//! A text is looked at place by place: three bytes are hashed, and of nearly all places one bit says that
//! no secret begins there. It knows forms and tokens, and not what a value is.

use std::borrow::Cow;
use std::collections::HashMap;

use zeroize::Zeroize;

use super::{CLOSING, ESCAPED, OPENING, SHORTEST};
use crate::quick::QuickMap;

/// What is looked for.
#[derive(Clone, Default)]
pub(super) struct Search {
    forms: Vec<Form>,
    /// The forms by the three bytes that they begin with, the longest first.
    by_start: QuickMap<u32, Vec<usize>>,
    starts: Starts,
    by_token: HashMap<String, usize>,
    longest: usize,
}

/// A form in which a secret may stand in a text.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) text: String,
    pub(super) token: String,
}

/// What becomes of what looks like a token already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    /// It stays: it is one.
    Stay,
    /// It came from outside, and must not be taken for one later.
    Escape,
}

/// What stands at a place in a text.
enum Hit<'a> {
    Secret(&'a Form),
    /// A token that this run knows, of this length.
    Token(usize),
    /// What every token begins with, and then something else.
    Opening,
}

/// A set of hashes of three bytes.
#[derive(Clone, Default)]
struct Starts([u64; 32]);

/// Where a text was cut off.
const CUT: char = '…';

// === impl Search ===

impl Search {
    /// Looks for a text from now on. One that is too short is only known by its token.
    pub(super) fn add(&mut self, text: String, token: String) {
        self.starts.extend(start_of(OPENING.as_bytes()));
        let mut at = self.forms.len();
        if let Some(start) = start_of(text.as_bytes()) {
            let places = self.by_start.entry(start).or_default();
            let form_at = |at: &usize| self.forms.get(*at).map_or("", |form| form.text.as_str());
            if let Some(same) = places.iter().find(|at| form_at(at) == text) {
                at = *same;
            } else {
                let place = places.partition_point(|at| form_at(at).len() >= text.len());
                places.insert(place, at);
                self.starts.extend([start]);
                self.longest = self.longest.max(text.len());
            }
        }
        self.by_token.entry(token.clone()).or_insert(at);
        if at == self.forms.len() {
            self.forms.push(Form { text, token });
        }
    }

    /// The form that a token stands for.
    pub(super) fn form(&self, token: &str) -> Option<&Form> {
        self.forms.get(*self.by_token.get(token)?)
    }

    /// The secrets in a text.
    pub(super) fn all_in<'a>(&'a self, text: &str) -> Vec<&'a Form> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            at += match self.at(text, at) {
                Some(Hit::Secret(form)) => {
                    found.push(form);
                    form.text.len()
                }
                Some(Hit::Token(length)) => length,
                Some(Hit::Opening) => OPENING.len(),
                None => 1,
            };
        }
        found
    }

    /// The text with tokens in the places of secrets.
    pub(super) fn replace<'a>(&self, text: &'a str, tokens: Tokens) -> Cow<'a, str> {
        let mut out = String::new();
        // Up to where the text is taken over already.
        let (mut taken, mut at) = (0, 0);
        while at < text.len() {
            let (length, put) = match (self.at(text, at), tokens) {
                (Some(Hit::Secret(form)), _) => (form.text.len(), form.token.as_str()),
                (Some(Hit::Token(length)), Tokens::Stay) => {
                    (length, text.get(at..at + length).unwrap_or_default())
                }
                (Some(Hit::Opening), Tokens::Stay) => (OPENING.len(), OPENING),
                (Some(Hit::Token(_) | Hit::Opening), Tokens::Escape) => (OPENING.len(), ESCAPED),
                (None, _) => {
                    at += 1;
                    continue;
                }
            };
            out.push_str(text.get(taken..at).unwrap_or_default());
            out.push_str(put);
            at += length;
            taken = at;
        }
        if taken == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(taken..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// The text with tokens also for what a `…` has left of the beginning of a secret.
    pub(super) fn replace_torn(&self, text: &str) -> String {
        let mut out = String::new();
        let mut parts = text.split(CUT).peekable();
        while let Some(part) = parts.next() {
            match parts.peek().and_then(|_| self.torn_at_end(part)) {
                Some((before, form)) => out.extend([before, form.token.as_str()]),
                None => out.push_str(part),
            }
            out.extend(parts.peek().map(|_| CUT));
        }
        out
    }

    /// The text with the forms in the places of their tokens.
    pub(super) fn put_back(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, from)) = rest.find(OPENING).and_then(|at| rest.split_at_checked(at)) {
            out.push_str(before);
            let token = token_at_start(from).unwrap_or_default();
            rest = from.strip_prefix(token).unwrap_or_default();
            match self.form(token) {
                Some(form) => out.push_str(&form.text),
                None => {
                    out.push_str(OPENING);
                    if token != ESCAPED {
                        // Of a secret that is not ours; others may stand in what follows.
                        rest = from.strip_prefix(OPENING).unwrap_or_default();
                    }
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// What begins at a place in a text: the longest of what may.
    fn at(&self, text: &str, at: usize) -> Option<Hit<'_>> {
        let rest = text.as_bytes().get(at..)?;
        let start = start_of(rest)?;
        if !self.starts.may_have(start) && !self.forms.is_empty() {
            return None;
        }
        if rest.starts_with(OPENING.as_bytes()) {
            let known = |token: &&str| *token == ESCAPED || self.by_token.contains_key(*token);
            let token = token_at_start(text.get(at..)?).filter(known);
            return Some(token.map_or(Hit::Opening, |token| Hit::Token(token.len())));
        }
        let places = self.by_start.get(&start)?;
        let mut forms = places.iter().filter_map(|place| self.forms.get(*place));
        forms.find(|form| rest.starts_with(form.text.as_bytes())).map(Hit::Secret)
    }

    /// Where a text ends with the beginning of a secret: what is before that, and the secret.
    fn torn_at_end<'a>(&'a self, text: &'a str) -> Option<(&'a str, &'a Form)> {
        (text.len().saturating_sub(self.longest)..text.len()).find_map(|at| {
            let (before, torn) = text.split_at_checked(at)?;
            let places = self.by_start.get(&start_of(torn.as_bytes())?)?;
            let mut forms = places.iter().filter_map(|place| self.forms.get(*place));
            forms.find(|form| form.text.starts_with(torn)).map(|form| (before, form))
        })
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.forms.iter_mut().for_each(|form| form.text.zeroize());
    }
}

// === impl Starts ===

impl Starts {
    fn place(start: u32) -> (usize, u64) {
        let hash = start.wrapping_mul(0x9E37_79B1) >> 21;
        ((hash >> 6) as usize, 1 << (hash & 63))
    }

    fn extend(&mut self, starts: impl IntoIterator<Item = u32>) {
        for (word, bit) in starts.into_iter().map(Self::place) {
            if let Some(word) = self.0.get_mut(word) {
                *word |= bit;
            }
        }
    }

    fn may_have(&self, start: u32) -> bool {
        let (word, bit) = Self::place(start);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// The token that a text begins with.
fn token_at_start(text: &str) -> Option<&str> {
    text.get(..text.find(CLOSING)? + CLOSING.len_utf8())
}

/// The three bytes that a text begins with.
fn start_of(text: &[u8]) -> Option<u32> {
    let [a, b, c] = *text.first_chunk::<SHORTEST>()?;
    Some(u32::from_be_bytes([0, a, b, c]))
}
