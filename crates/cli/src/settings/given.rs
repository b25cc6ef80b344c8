//! What was given, and by whom: flags before variables, variables before the file. What stands in a weaker place is judged,
//! too: a mistake that is hidden today shows tomorrow.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use windlass_lang::{Findings, Found, Source};
use windlass_model::code;
use windlass_model::name::nearest;
use windlass_model::problem::Problem;

use super::declared::{ALL, TABLES, find};
use super::form::Form;
use super::{CONFIG_VARIABLE, Setting, Settings, Sort, consistent};
use crate::failure::Failure;

/// What all variables of settings begin with.
pub(crate) const PREFIX: &str = "WINDLASS_SERVER_";

/// What somebody said: a flag with its value.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// What is set.
    pub(crate) key: String,
    /// To what.
    pub(crate) value: String,
    /// How that was typed: `--listen`.
    pub(crate) flag: String,
}

/// What was given of each key, and what is wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The texts that keys are found in, the file first.
    texts: Vec<Text>,
    /// Of each key where it stands, the strongest last.
    found: HashMap<&'static str, Vec<Place>>,
}

/// A text that settings stand in.
#[derive(Debug)]
struct Text {
    source: Source,
    wrong: Vec<Found>,
}

/// Where a key stands, and what it says.
#[derive(Clone, Debug)]
struct Place {
    text: usize,
    span: Range<usize>,
    value: String,
}

// === impl Given ===

impl Given {
    /// What a file says.
    pub(crate) fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
        let name = path.display().to_string();
        let text = windlass_lang::decode(&name, bytes)?;
        self.toml(&name, &text);
        Ok(())
    }

    /// What a text in TOML says.
    pub(crate) fn toml(&mut self, name: &str, text: &str) {
        let at = self.add(name, text);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let problem = Problem::new(code::CONFIG, "", "", error.message().to_owned());
            self.wrong(at, problem.help("`windlass server config example` shows how it is written"), span);
        }
        for (key, value) in table.get_ref() {
            match value.get_ref() {
                DeValue::Table(inner) if TABLES.iter().any(|(table, _)| **table == *key.get_ref()) => {
                    for (inner_key, value) in inner {
                        let whole = format!("{}.{}", key.get_ref(), inner_key.get_ref());
                        self.stands(at, &whole, inner_key.span(), value.get_ref(), value.span());
                    }
                }
                DeValue::Table(_) => {
                    let tables = TABLES.iter().map(|(table, _)| *table);
                    let help = help(key.get_ref(), tables);
                    let problem = Problem::new(
                        code::UNKNOWN_KEY,
                        "",
                        "",
                        format!("there is no table `{}`", key.get_ref()),
                    );
                    self.wrong(at, problem.help(help), key.span());
                }
                _ if TABLES.iter().any(|(table, _)| **table == *key.get_ref()) => {
                    let message = format!("`{}` is a table", key.get_ref());
                    let problem = Problem::new(code::WRONG_TYPE, "", "", message);
                    self.wrong(at, problem.help(format!("write `[{}]`", key.get_ref())), value.span());
                }
                other => self.stands(at, key.get_ref(), key.span(), other, value.span()),
            }
        }
    }

    /// What variables say: those whose names begin like ours.
    pub(crate) fn variables(&mut self, all: impl Iterator<Item = (String, String)>) {
        let known: Vec<(String, &'static Setting)> =
            ALL.iter().map(|setting| (setting.variable(), setting)).collect();
        let mut all: Vec<_> = all
            .filter(|(name, value)| {
                let is_known = known.iter().any(|(known, _)| known == name);
                (is_known || name.starts_with(PREFIX)) && name != CONFIG_VARIABLE && !value.is_empty()
            })
            .collect();
        all.sort();
        for (name, value) in all {
            let at = self.add(&format!("${name}"), &value);
            match known.iter().find(|(known, _)| *known == name) {
                Some((_, setting)) => self.is(setting, at, 0..value.len(), value),
                None => {
                    let problem = Problem::new(code::UNKNOWN_KEY, "", "", format!("${name} means nothing"));
                    let help = help(&name, known.iter().map(|(known, _)| known.as_str()));
                    self.wrong(at, problem.help(help), 0..value.len());
                }
            }
        }
    }

    /// What flags say.
    pub(crate) fn flags(&mut self, all: Vec<Said>) {
        for Said { key, value, flag } in all {
            match find(&key) {
                Some(setting) => {
                    let at = self.add(&flag, &value);
                    self.is(setting, at, 0..value.len(), value);
                }
                None => {
                    let at = self.add(&flag, &key);
                    let problem = Problem::new(code::UNKNOWN_KEY, "", "", format!("unknown key `{key}`"));
                    let help = help(&key, ALL.iter().map(|setting| setting.key));
                    self.wrong(at, problem.help(help), 0..key.len());
                }
            }
        }
    }

    /// The value of a key; none where there is none, or where it is wrong.
    pub(crate) fn take<T: Form>(&mut self, key: &'static str, default: &str) -> Option<T> {
        let places = self.found.get(key).cloned().unwrap_or_default();
        if places.is_empty() {
            return if default.is_empty() { T::absent() } else { T::read(default).ok() };
        }
        let mut last = None;
        for Place { text, span, value } in places {
            last = match T::read(&value) {
                Ok(value) => Some(value),
                Err(why) => {
                    let problem = Problem::new(code::WRONG_TYPE, key, "", why);
                    self.wrong(text, problem.help(format!("write {}", T::EXPECTS)), span);
                    None
                }
            };
        }
        last
    }

    /// Everything that is wrong, if anything is.
    pub(crate) fn judge(mut self, settings: Option<Settings>) -> Result<Settings, Failure> {
        let is_wrong = self.texts.iter().any(|text| !text.wrong.is_empty());
        if let Some(settings) = settings.as_ref().filter(|_| !is_wrong) {
            for (key, problem) in consistent::problems(settings) {
                let place = self.found.get(key).and_then(|places| places.last()).cloned();
                match place {
                    Some(Place { text, span, .. }) => self.wrong(text, problem, span),
                    None => {
                        let at = self.add(&format!("the default of {key}"), "");
                        self.wrong(at, problem, 0..0);
                    }
                }
            }
        }
        let wrong = self.texts.into_iter().filter(|text| !text.wrong.is_empty());
        let wrong: Vec<Findings> = wrong.map(|text| Findings::of(&text.source, text.wrong)).collect();
        match settings {
            Some(settings) if wrong.is_empty() => Ok(settings),
            _ => Err(wrong.into()),
        }
    }

    fn add(&mut self, name: &str, text: &str) -> usize {
        self.texts.push(Text { source: Source::new(name, text), wrong: Vec::new() });
        self.texts.len().saturating_sub(1)
    }

    fn wrong(&mut self, at: usize, problem: Problem, span: Range<usize>) {
        if let Some(text) = self.texts.get_mut(at) {
            text.wrong.push(Found::at(problem, span));
        }
    }

    fn is(&mut self, setting: &'static Setting, text: usize, span: Range<usize>, value: String) {
        self.found.entry(setting.key).or_default().push(Place { text, span, value });
    }

    /// A key of the file with its value.
    fn stands(
        &mut self,
        at: usize,
        key: &str,
        key_span: Range<usize>,
        value: &DeValue<'_>,
        span: Range<usize>,
    ) {
        let Some(setting) = find(key) else {
            let problem = Problem::new(code::UNKNOWN_KEY, "", "", format!("unknown key `{key}`"));
            return self.wrong(at, problem.help(near_key(key)), key_span);
        };
        let text = match (setting.sort, value) {
            (Sort::Text, DeValue::String(text)) => text.to_string(),
            (Sort::Number, DeValue::Integer(number)) if number.radix() == 10 => number.as_str().to_owned(),
            (Sort::Truth, DeValue::Boolean(truth)) => truth.to_string(),
            _ => {
                let quotes = if setting.sort == Sort::Text { ", in quotes" } else { "" };
                let problem =
                    Problem::new(code::WRONG_TYPE, setting.key, "", format!("this is {}", called(value)));
                return self.wrong(at, problem.help(format!("write {}{quotes}", setting.expects)), span);
            }
        };
        self.is(setting, at, span, text);
    }
}

/// What stands there.
fn called(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// What was meant by a key: one with all its tables, or one that stands in another table.
fn near_key(key: &str) -> String {
    let last = |key: &'static str| key.rsplit('.').next().unwrap_or(key);
    let typed = key.rsplit('.').next().unwrap_or(key);
    let elsewhere = ALL.iter().find(|setting| last(setting.key) == typed).map(|setting| setting.key);
    match elsewhere {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => help(key, ALL.iter().map(|setting| setting.key)),
    }
}

fn help<'a>(typed: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(typed, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there is {}", known.collect::<Vec<_>>().join(", ")),
    }
}
