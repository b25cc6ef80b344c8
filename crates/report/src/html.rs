//! The report as one HTML file: no network, no script, everything foreign escaped.
//!
//! ```text
//! head · first cause · what waits for a person · timeline · story · blocks · checks · next
//!                                                                    └ limits, strip, targets
//! ```
//!
//! Its size is bounded: details of at most [`DETAILED`] targets and some megabytes of text; what is
//! left out is said.

use std::io::{self, Write as _};

use windlass_model::element::ElementId;
use windlass_model::outcome::RunStatus;

use self::page::{Foreign, Page, Plain};
use crate::clock::{Clock, Length, Stamp};
use crate::fold::Fold;
use crate::story::{self, Moment, Tone};
use crate::{failures, summary, words};

mod block;
mod checks;
mod details;
mod gantt;
mod noop;
mod page;
mod payload;
mod strip;

pub use crate::view::DETAILED;

/// How many lines of a story are shown.
const MOMENTS: usize = 400;
/// How many failures are listed beside the first cause.
const OTHERS: usize = 8;

const STYLE: &str = include_str!("html/style.css");

/// How the report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HtmlOptions {
    /// Which clock the run's times came from.
    pub clock: Clock,
}

/// Writes the report as one self-contained HTML file.
pub fn write_html(fold: &Fold, options: &HtmlOptions, out: &mut impl io::Write) -> io::Result<()> {
    let clock = options.clock;
    let mut page = Page::new(out);
    let page = &mut page;
    begin(page, fold)?;
    head(page, fold, clock)?;
    cause(page, fold)?;
    asked(page, fold)?;
    noop::write(page, fold)?;
    gantt::write(page, fold)?;
    writeln!(page, "<h2>What happened</h2><div class=\"card\">")?;
    moments(page, &story::of_run(fold, clock), clock)?;
    writeln!(page, "</div>")?;
    let mut budget = DETAILED;
    for index in 0..fold.layout().block_count() {
        block::write(page, fold, clock, index, &mut budget)?;
    }
    checks::of_plan(page, fold, clock)?;
    next(page, fold)?;
    writeln!(page, "</main></body></html>")
}

fn begin(page: &mut Page<'_>, fold: &Fold) -> io::Result<()> {
    let name = Plain(&fold.layout().submission.plan.metadata.name);
    let status = words::run_status(fold.status());
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{name}: {status}</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n"
    )
}

fn head(page: &mut Page<'_>, fold: &Fold, clock: Clock) -> io::Result<()> {
    let (submission, run) = (&fold.layout().submission, fold.run());
    let meta = &submission.plan.metadata;
    let tone = page::run_class(run.status);
    let outcome = summary::outcome(fold, clock);
    writeln!(page, "<header class=\"card head t-{tone}\"><h1>{}</h1>", Foreign(&meta.name))?;
    writeln!(page, "<p class=\"say\">{}</p>", Plain(&capital(&outcome)))?;
    if !meta.description.is_empty() {
        writeln!(page, "<p class=\"why faint\">{}</p>", Foreign(&meta.description))?;
    }
    strip::totals(page, fold)?;
    write!(page, "<dl class=\"facts\">")?;
    fact(page, "Submitted by", &Foreign(&submission.user))?;
    if let Some(start) = clock.at(run.started_at) {
        fact(page, "Started", &start)?;
    }
    if let Some(end) = clock.at(run.ended_at) {
        fact(page, "Ended", &end)?;
    }
    if let Some(lasted) = summary::lasted(fold) {
        fact(page, "Took", &Length(lasted))?;
    }
    fact(page, "Events in its log", &words::grouped(fold.seq()))?;
    if submission.step_set != windlass_model::plan::DEFAULT_STEP_SET {
        fact(page, "Step set", &Foreign(&submission.step_set))?;
    }
    write!(page, "<div class=\"two\"><dt>Run</dt><dd class=\"m\">{}</dd></div>", submission.run)?;
    if let Some(before) = submission.retry_of {
        write!(page, "<div class=\"two\"><dt>Retries</dt><dd class=\"m\">{before}</dd></div>")?;
    }
    if !submission.params.is_empty() {
        let params = submission.params.iter().map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name} = {text}"),
            None => format!("{name} = {value}"),
        });
        let params = params.collect::<Vec<_>>().join(" · ");
        write!(
            page,
            "<div class=\"wide\"><dt>Parameters</dt><dd class=\"m\">{}</dd></div>",
            Foreign(&params)
        )?;
    }
    writeln!(page, "</dl></header>")
}

fn fact(page: &mut Page<'_>, name: &str, value: &dyn std::fmt::Display) -> io::Result<()> {
    write!(page, "<div><dt>{name}</dt><dd>{value}</dd></div>")
}

fn cause(page: &mut Page<'_>, fold: &Fold) -> io::Result<()> {
    let Some(cause) = summary::cause(fold) else { return Ok(()) };
    let first = fold.run().reason.as_ref().map(|reason| reason.element);
    writeln!(page, "<section class=\"card cause\"><h2>First cause</h2>")?;
    let subject = Foreign(&cause.subject);
    match first.and_then(block::anchor) {
        Some(anchor) => write!(page, "<p><a href=\"#{anchor}\"><b>{subject}</b></a> {}", cause.verb)?,
        None => write!(page, "<p><b>{subject}</b> {}", cause.verb)?,
    }
    writeln!(page, "</p><p class=\"msg\">{}</p>", Foreign(&cause.message))?;
    for behind in &cause.behind {
        writeln!(page, "<p class=\"small\">because: {}</p>", Foreign(behind))?;
    }
    writeln!(page, "<p class=\"small faint\">{}</p>", Plain(&capital(&cause.remark)))?;
    let others = fold.failing().filter(|failing| Some(failing.element) != first);
    let others = failures::alike(fold, others);
    if !others.is_empty() {
        writeln!(page, "<h3>Also failed</h3>")?;
        for alike in others.iter().take(OTHERS) {
            let (place, message) = (alike.place(), alike.message());
            write!(page, "<p class=\"small\"><b>{}</b>: {}", Foreign(&place), Foreign(&message))?;
            if let Some(who) = alike.who() {
                write!(page, " <span class=\"faint\">{}</span>", Foreign(&who))?;
            }
            writeln!(page, "</p>")?;
        }
        let more: usize = others.iter().skip(OTHERS).map(|alike| alike.rows.len()).sum();
        if more > 0 {
            let more = words::grouped(more as u64);
            writeln!(page, "<p class=\"small faint\">and {more} more</p>")?;
        }
    }
    writeln!(page, "</section>")
}

fn asked(page: &mut Page<'_>, fold: &Fold) -> io::Result<()> {
    if fold.status().is_terminal() || fold.asked().next().is_none() {
        return Ok(());
    }
    writeln!(page, "<section class=\"card person\"><h2>Waits for a person</h2>")?;
    for (element, view) in fold.asked().take(OTHERS) {
        let address = fold.layout().address(element);
        let message = view.asked().map_or("", |failure| &failure.message);
        writeln!(page, "<p><b>{}</b>: {}</p>", Foreign(&address), Foreign(message))?;
    }
    writeln!(page, "</section>")
}

fn moments(page: &mut Page<'_>, moments: &[Moment], clock: Clock) -> io::Result<()> {
    writeln!(page, "<ol class=\"story\">")?;
    let mut day = String::new();
    for moment in moments.iter().take(MOMENTS) {
        let tone = match moment.tone {
            Tone::Plain => "",
            Tone::Good => "g",
            Tone::Bad => "b",
            Tone::Person => "h",
            Tone::Quiet => "q",
        };
        let whole = Stamp(clock, moment.at).to_string();
        let (today, time) = whole.split_once(' ').unwrap_or(("", &whole));
        // The day is said once, and again when it is another.
        let at = if today == day { time } else { &whole };
        writeln!(page, "<li><time>{at}</time><span class=\"{tone}\">{}</span></li>", Foreign(&moment.text))?;

        today.clone_into(&mut day);
    }
    if let Some(more) = moments.len().checked_sub(MOMENTS).filter(|more| *more > 0) {
        writeln!(
            page,
            "<li><span></span><span class=\"q\">and {more} more, which are not shown</span></li>"
        )?;
    }
    writeln!(page, "</ol>")
}

fn next(page: &mut Page<'_>, fold: &Fold) -> io::Result<()> {
    let steps = summary::next(fold);
    if steps.is_empty() {
        return Ok(());
    }
    let title = if fold.status() == RunStatus::Running { "What can be done" } else { "What to do next" };
    writeln!(page, "<h2>{title}</h2><div class=\"card\"><ul class=\"steps\">")?;
    for step in steps {
        writeln!(
            page,
            "<li><code>{}</code> <span class=\"faint\">{}</span></li>",
            Plain(&step.command),
            step.does
        )?;
    }
    writeln!(page, "</ul></div>")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Whether an element's own story is worth a heading: something of it has happened.
fn has_begun(fold: &Fold, element: ElementId) -> bool {
    fold.begun(element).is_some()
}

#[cfg(test)]
mod tests;
