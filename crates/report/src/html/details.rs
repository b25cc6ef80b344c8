//! One sequence with its actions, and one action with its attempts, requests and responses.

use std::io::{self, Write as _};

use windlass_model::element::{ElementId, ElementKind};
use windlass_model::outcome::Status;
use windlass_model::payload::Payload;
use windlass_model::time::Time;

use super::block::anchor;
use super::noop;
use super::page::{Foreign, Page, class, state};
use super::payload;
use crate::clock::{Clock, Length, Stamp};
use crate::fold::{Fold, can_fail};
use crate::view::{AttemptView, ElementView};
use crate::words;

/// How many of an action's attempts are shown: the last ones.
const ATTEMPTS: usize = 12;
/// How many actions of a sequence are shown.
const ACTIONS: usize = 200;

/// A row that opens: the sequence, then its actions.
pub(super) fn sequence(
    page: &mut Page<'_>,
    fold: &Fold,
    clock: Clock,
    (block, seq): (u32, u32),
    open: &str,
) -> io::Result<()> {
    let element = ElementId::Sequence { block, seq };
    let view = fold.element(element);
    let name = fold.layout().block(block).and_then(|block| block.sequences.name(seq)).unwrap_or("?");
    let mut parts: Vec<_> = fold.sequence(block, seq).skip(1).take(ACTIONS).collect();
    write!(page, "<details class=\"row t-{}\"{open}><summary>", class(&view))?;
    write!(page, "<span class=\"name\">{}</span><span class=\"pills\">", Foreign(name))?;
    for (_, part) in parts.iter().filter(|(id, _)| id.kind() == ElementKind::Action).take(24) {
        write!(page, "<i class=\"{}\"></i>", class(part))?;
    }
    write!(page, "</span><span class=\"took\">{}</span>", took(&view, fold))?;
    let failed = parts.iter().rev().filter(|(id, part)| can_fail(*id) && part.status == Status::Failed);
    let failed = failed.filter_map(|(_, part)| part.failure()).next();
    match failed {
        Some(failure) => write!(page, "<span class=\"err\">{}</span>", Foreign(&failure.message))?,
        None => write!(page, "<span class=\"faint small\">{}</span>", state(&view))?,
    }
    let anchor = anchor(element).unwrap_or_default();
    writeln!(page, "</summary><div class=\"in\" id=\"{anchor}\">")?;
    if let Some(lock) = view.lock() {
        let (lock, holder) = (Foreign(&lock.lock), Foreign(&lock.holder));
        match view.lock().and_then(|wait| wait.lock.strip_prefix("budget/")) {
            Some(budget) => {
                let budget = Foreign(budget);
                writeln!(page, "<p class=\"small\">Waits for the budget {budget}: {holder}.</p>")?;
            }
            None => {
                writeln!(page, "<p class=\"small\">Waits for the lock {lock}, which {holder} holds.</p>")?;
            }
        }
    }
    if view.abridged {
        let hint = "<code>windlass runs events</code>";
        writeln!(
            page,
            "<p class=\"small faint\">Its requests and responses are left out; {hint} has them.</p>"
        )?;
    }
    parts.sort_by_key(|(_, part)| part.started_at.or(part.ended_at));
    for (element, part) in
        parts.into_iter().filter(|(_, part)| part.started_at.is_some() || part.ended_at.is_some())
    {
        action(page, fold, clock, element, &part)?;
    }
    writeln!(page, "</div></details>")
}

/// What calls a plugin: its state, request, and attempts.
pub(super) fn action(
    page: &mut Page<'_>,
    fold: &Fold,
    clock: Clock,
    element: ElementId,
    view: &ElementView,
) -> io::Result<()> {
    if !page.has_room() {
        return Ok(());
    }
    let def = fold.layout().action(element);
    let address = fold.layout().address(element);
    let name = address.rsplit_once('/').map_or(&*address, |(_, name)| name);
    let uses = def.map_or("", |def| &def.action.uses);
    // That a verifying or bypass check does not pass is an answer, and no failure.
    let (class, state) = match view.status {
        Status::Failed if !can_fail(element) => ("k", "did not pass".to_owned()),
        _ => (class(view), state(view)),
    };
    write!(page, "<div class=\"act t-{class}\"><div class=\"line\"><b>{}</b>", Foreign(name))?;
    write!(page, "<span class=\"tag\">{state}</span><span class=\"faint small\">{}", Foreign(uses))?;
    let took = took(view, fold);
    if !took.is_empty() {
        write!(page, " · {took}")?;
    }
    if let Some(start) = view.started_at {
        write!(page, " · {}", time(clock, start))?;
    }
    writeln!(page, "</span></div>")?;
    if let Some(request) = &view.request {
        write!(page, "<details class=\"fold\"><summary>request</summary>")?;
        payload::write(page, "request", request)?;
        writeln!(page, "</details>")?;
    }
    if let Some(foreseen) = &view.foreseen {
        noop::foreseen(page, foreseen)?;
    }
    if let Some(earlier) = view.attempts.len().checked_sub(ATTEMPTS).filter(|earlier| *earlier > 0) {
        writeln!(page, "<p class=\"small faint\">{earlier} earlier attempts left out</p>")?;
    }
    let is_only = view.attempts.len() == 1;
    for attempt in view.attempts.iter().rev().take(ATTEMPTS).rev() {
        self::attempt(page, fold, clock, attempt, is_only)?;
    }
    rest(page, clock, view)?;
    writeln!(page, "</div>")
}

fn attempt(
    page: &mut Page<'_>,
    fold: &Fold,
    clock: Clock,
    attempt: &AttemptView,
    is_only: bool,
) -> io::Result<()> {
    write!(page, "<p class=\"try\">")?;
    if !is_only {
        let took = Length(attempt.ended_at.unwrap_or(fold.at()).since(attempt.started_at));
        let at = time(clock, attempt.started_at);
        write!(page, "<b>Attempt {}</b> <span class=\"faint\">{at} · {took}</span> ", attempt.n)?;
    }
    match (&attempt.failure, attempt.ended_at) {
        (Some(failure), _) => {
            let permanent = if failure.permanent { " <span class=\"faint\">permanent</span>" } else { "" };
            let (code, message) = (Foreign(&failure.code), Foreign(&failure.message));
            write!(page, "<span class=\"e\">{code}: {message}</span>{permanent}")?;
            for cause in &failure.causes {
                write!(page, "<br><span class=\"faint\">because: {}</span>", Foreign(cause))?;
            }
        }
        (None, None) => write!(page, "<span class=\"faint\">has not ended</span>")?,
        (None, Some(_)) => {}
    }
    writeln!(page, "</p>")?;
    if let Some(response) = &attempt.response {
        payload::write(page, "response", response)?;
    }
    Ok(())
}

/// What only some have: their own failure, how they were ended, what they saved and wait for.
fn rest(page: &mut Page<'_>, clock: Clock, view: &ElementView) -> io::Result<()> {
    let Some(details) = view.details() else { return Ok(()) };
    let last = view.attempts.last().and_then(|attempt| attempt.failure.as_deref());
    if let Some(failure) = details.failure.as_ref().filter(|failure| Some(*failure) != last) {
        let (code, message) = (Foreign(&failure.code), Foreign(&failure.message));
        writeln!(page, "<p class=\"try\"><span class=\"e\">{code}: {message}</span></p>")?;
    }
    for cancel in &details.cancels {
        let (how, why) = words::cancel(cancel.how, cancel.why);
        let at = Stamp(clock, cancel.at);
        writeln!(page, "<p class=\"small faint\">Attempt {} was {how} at {at}: {why}.</p>", cancel.n)?;
    }
    if let Some(wait) = details.wait {
        let until = Stamp(clock, wait.until);
        writeln!(page, "<p class=\"small faint\">Waits until {until}: {}.</p>", words::wait(wait.wait))?;
    }
    if let Some(asked) = &details.asked {
        writeln!(page, "<p class=\"try e\">Waits for a person: {}</p>", Foreign(&asked.message))?;
    }
    for (name, value) in &details.saves {
        payload::write(page, "saved", &named(name, value))?;
    }
    Ok(())
}

/// A saved value under its name.
fn named(name: &str, value: &Payload) -> Payload {
    Payload::of(&serde_json::json!({ format!("saved {name}"): value.value() }))
}

fn took(view: &ElementView, fold: &Fold) -> String {
    let Some(start) = view.started_at else { return String::new() };
    Length(view.ended_at.unwrap_or(fold.at()).since(start)).to_string()
}

/// The time of day, the whole of it where the pointer rests.
fn time(clock: Clock, at: Time) -> String {
    let whole = Stamp(clock, at).to_string();
    let time = whole.split_once(' ').map_or(&*whole, |(_, time)| time);
    format!("<time title=\"{whole}\">{time}</time>")
}
