//! YAML text to JSON values that remember where in the text they stood.
//!
//! The only module that knows the YAML parser. It owns the limits (size, depth, what aliases may
//! grow to) and knows nothing of plans.
//!
//! ```text
//! text ─ events ─ Builder ─ Document { value, spans }   one per document
//! ```

use granit_parser::{Event, Options, Parser, Span as Place};
use windlass_model::problem::Problem;
use windlass_model::{Value, code};

use crate::findings::{Findings, Found};
use crate::loaded::place;
use crate::source::Source;
use crate::spans::{Range, SpanTree};

mod builder;
mod scalar;
mod write;

use self::builder::Builder;

/// The largest text that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// How deep values may be nested.
pub const MAX_DEPTH: usize = 64;
/// The most values in one file, aliases written out.
pub const MAX_NODES: usize = 8_000_000;
pub use self::write::to_yaml;

/// The most values that aliases may add.
pub const MAX_ALIAS_NODES: usize = 100_000;

/// One document of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its content.
    pub value: Value,
    /// Where each part of it stood.
    pub spans: SpanTree,
}

/// Reads the documents of a text. Empty documents are left out.
///
/// # Errors
///
/// Everything that is wrong with the text as YAML.
pub fn parse(source_name: &str, text: &str) -> Result<Vec<Document>, Findings> {
    documents(&Source::new(source_name, text))
}

/// The value of a scalar that stands without quotes and without a tag.
#[must_use]
pub fn scalar(text: &str) -> Value {
    scalar::plain(text)
}

/// Reads the documents of a text that has its name already.
///
/// # Errors
///
/// Everything that is wrong with the text as YAML.
pub fn documents(source: &Source) -> Result<Vec<Document>, Findings> {
    let (documents, problems) = read_all(source);
    if problems.is_empty() { Ok(documents) } else { Err(Findings::of(source, problems)) }
}

/// The documents of a text as far as they can be read, and everything that is wrong with it as YAML. What cannot be read
/// any further ends the text: the documents before it are complete.
pub(crate) fn read_all(source: &Source) -> (Vec<Document>, Vec<Found>) {
    let text = source.text();
    if text.len() > MAX_BYTES {
        let message = format!("the file is larger than {} MiB, the most that is accepted", MAX_BYTES >> 20);
        let problem = Problem::new(code::TOO_LARGE, "", "", message)
            .help("split it into several files, or give long lists as a parameter");
        return (Vec::new(), vec![Found::at(problem, 0..0)]);
    }
    let mut builder = Builder::default();
    let mut options = Options::default();
    options.set_emit_comments(false);
    // A key may be as long as it likes: JSON files have no such limit, and the size is bounded above.
    options.simple_key_max_lookahead = 1 << 16;
    for next in Parser::new_from_str_with_options(text, options) {
        let step = match next {
            Ok((event, place)) => take(&mut builder, event, place),
            Err(error) => Err(Box::new(syntax(text, &error))),
        };
        if let Err(found) = step {
            builder.problems.push(*found);
            break;
        }
    }
    (builder.documents, builder.problems)
}

fn take(builder: &mut Builder, event: Event<'_>, place: Place) -> Result<(), Box<Found>> {
    let range = range(&place);
    match event {
        Event::DocumentEnd => builder.end_document(),
        Event::Alias(id) => return builder.alias(id, range),
        Event::Scalar(text, style, anchor, tag) => {
            return builder.scalar(text, style, anchor, tag.as_deref(), range);
        }
        Event::SequenceStart(_, anchor, tag) => return builder.start_list(anchor, tag.as_deref(), range),
        Event::MappingStart(_, anchor, tag) => return builder.start_map(anchor, tag.as_deref(), range),
        Event::SequenceEnd | Event::MappingEnd => return builder.end(range),
        _ => {}
    }
    Ok(())
}

fn range(place: &Place) -> Range {
    let narrow = |offset: Option<usize>| offset.and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);
    Range::new(narrow(place.start.byte_offset()), narrow(place.end.byte_offset()))
}

/// What the parser found, in words for people who do not know YAML's grammar by heart.
fn syntax(text: &str, error: &granit_parser::ScanError) -> Found {
    let marker = error.marker();
    let at = marker.byte_offset().unwrap_or(0).min(text.len());
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(line_start..).unwrap_or("").lines().next().unwrap_or("");
    let indent: &str = line.get(..line.len() - line.trim_start().len()).unwrap_or("");
    let mut problem = Problem::new(code::YAML_SYNTAX, "", "", error.info().trim_end_matches('.'));
    let info = error.info();
    let too_deep = info.contains("nest") || info.contains("recursion");
    let here = text.get(at..).unwrap_or("").chars().next();
    if info.contains("unknown anchor") {
        let name: String =
            text.get(at..).unwrap_or("").chars().skip(1).take_while(|c| is_of_name(*c)).collect();
        problem = Problem::new(code::YAML_SYNTAX, "", "", format!("there is no anchor `{name}` before this"))
            .help(format!("`&{name}` makes one; a text that begins with * must stand in quotes"));
    } else if info.contains("unclosed quote") || info.contains("unexpected end of stream") {
        problem = problem.help("the quote that begins here has no end");
    } else if let Some(sign) =
        here.filter(|sign| info.contains("unexpected character") && "@`%".contains(*sign))
    {
        problem = problem.help(format!("a text that begins with {sign} must stand in quotes"));
    } else if info.contains("illegal placement of ':'") {
        problem = problem.help("a [ or { before this is perhaps not closed");
    } else if too_deep {
        problem = Problem::new(code::TOO_LARGE, "", "", format!("values are nested deeper than {MAX_DEPTH}"));
    } else if indent.contains('\t') || info.contains("tab") {
        problem = problem.help("YAML does not accept tabs for indentation; use spaces");
    } else if line.contains("{{") && !line.contains("\"{{") && !line.contains("'{{") {
        problem = problem.help("a value that begins with {{ must stand in quotes: \"{{ params.release }}\"");
    } else if line.trim_start().trim_start_matches("- ").contains(": ") {
        problem = problem.help(
            "look at the indentation of this line and the one before it; a text with `: ` or ` #` in it must stand in quotes",
        );
    }
    Found::at(problem, at..at)
}

fn is_of_name(char: char) -> bool {
    !char.is_whitespace() && !",[]{}".contains(char)
}

// === impl Document ===

impl Document {
    /// A problem at the place of the document where its pointer leads.
    #[must_use]
    pub fn found(&self, problem: Problem, source: &Source) -> Found {
        place::found(problem, &self.value, &self.spans, source)
    }
}

#[cfg(test)]
mod tests;
