//! The report as text: what `runs show`, `runs report` and the end of `run` print.
//!
//! The outcome and its first cause come first, what to type next comes last. Foreign text is made
//! harmless for terminals before it gets here (module `legible`).

use std::io;

use windlass_model::element::ElementId;
use windlass_model::foresight::Would;
use windlass_model::outcome::{RunStatus, Status};

use crate::clock::{Clock, Stamp};
use crate::fold::Fold;
use crate::last_lines::beside_message;
use crate::palette::Palette;
use crate::story::{Moment, Tone};
use crate::{failures, legible, noop, story, summary, words};

/// How many rows of failed elements are listed.
const FAILED_LISTED: usize = 50;
/// With how many of them their last lines of output are shown.
const WITH_LINES: usize = 10;
/// How long an error may be in the table.
const ERROR: usize = 160;

/// How the report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextOptions<'a> {
    /// Which clock the run's times came from.
    pub clock: Clock,
    /// Its colours.
    pub palette: Palette,
    /// What commands to type next must say, too, such as `--data-dir DIR`.
    pub flags: &'a str,
}

/// Writes the report as text.
pub fn write_text(fold: &Fold, options: &TextOptions<'_>, out: &mut impl io::Write) -> io::Result<()> {
    let mut report = Report { fold, options: *options, out, day: String::new() };
    report.head()?;
    report.cause()?;
    report.waiting()?;
    report.story()?;
    report.blocks()?;
    report.noop()?;
    report.failures()?;
    report.next()
}

struct Report<'a, W> {
    fold: &'a Fold,
    options: TextOptions<'a>,
    out: &'a mut W,
    /// The day that was last written, so that lines need only say the time.
    day: String,
}

// === impl Report ===

impl<W: io::Write> Report<'_, W> {
    fn head(&mut self) -> io::Result<()> {
        let Palette { strong, faint, reset, .. } = self.options.palette;
        let submission = &self.fold.layout().submission;
        let tone = match self.fold.status() {
            RunStatus::Succeeded => self.options.palette.good,
            RunStatus::Failed | RunStatus::Stopped => self.options.palette.bad,
            RunStatus::Paused | RunStatus::AwaitingApproval => self.options.palette.warn,
            RunStatus::Submitted | RunStatus::Running => strong,
        };
        let name = legible::line(&submission.plan.metadata.name, ERROR);
        let outcome = summary::outcome(self.fold, self.options.clock);
        writeln!(self.out, "{strong}{name}{reset} {tone}{outcome}{reset}")?;
        if self.fold.is_noop() {
            writeln!(
                self.out,
                "{faint}checks were really made; no lock was taken, and no delay waited for{reset}"
            )?;
        }
        let user = legible::line(&submission.user, ERROR);
        let events = words::count(self.fold.seq(), "event");
        writeln!(self.out, "{faint}run {} · by {user} · {events}{reset}", submission.run)?;
        if let Some(before) = submission.retry_of {
            writeln!(self.out, "{faint}retries run {before}{reset}")?;
        }
        Ok(())
    }

    fn cause(&mut self) -> io::Result<()> {
        let Palette { strong, faint, bad, reset, .. } = self.options.palette;
        let Some(cause) = summary::cause(self.fold) else { return Ok(()) };
        writeln!(self.out, "\n{strong}First cause{reset}")?;
        writeln!(self.out, "  {} {}: {bad}{}{reset}", cause.subject, cause.verb, cause.message)?;
        for behind in &cause.behind {
            writeln!(self.out, "    because: {behind}")?;
        }
        if !cause.remark.is_empty() {
            writeln!(self.out, "    {faint}{}{reset}", cause.remark)?;
        }
        Ok(())
    }

    /// What waits for a person, which nothing else will end.
    fn waiting(&mut self) -> io::Result<()> {
        let Palette { strong, warn, reset, .. } = self.options.palette;
        if self.fold.status().is_terminal() || self.fold.asked().next().is_none() {
            return Ok(());
        }
        writeln!(self.out, "\n{strong}Waits for a person{reset}")?;
        for (element, view) in self.fold.asked().take(FAILED_LISTED) {
            let address = legible::line(&self.fold.layout().address(element), ERROR);
            let message = view.asked().map_or("", |failure| &failure.message);
            writeln!(self.out, "  {warn}{address}{reset}: {}", legible::line(message, ERROR))?;
        }
        Ok(())
    }

    fn story(&mut self) -> io::Result<()> {
        let Palette { strong, reset, .. } = self.options.palette;
        writeln!(self.out, "\n{strong}Timeline{reset}")?;
        self.moments(&story::of_run(self.fold, self.options.clock))
    }

    fn blocks(&mut self) -> io::Result<()> {
        let Palette { strong, faint, reset, .. } = self.options.palette;
        for (index, block) in (0_u32..).zip(self.fold.blocks()) {
            let element = ElementId::Block(index);
            let view = self.fold.element(element);
            let address = legible::line(&self.fold.layout().address(element), ERROR);
            let (tone, standing) = (self.tone(view.status), summary::standing(self.fold, &view));
            writeln!(self.out, "\n{strong}Block {address}{reset} {tone}{standing}{reset}")?;
            if view.started_at.is_some() {
                writeln!(self.out, "  {}", summary::counts(block))?;
                writeln!(self.out, "  {faint}{}{reset}", summary::limits(self.fold, index))?;
                self.moments(&story::of_block(self.fold, index))?;
            }
        }
        Ok(())
    }

    /// What a noop foresaw: alike ones together, changes first.
    fn noop(&mut self) -> io::Result<()> {
        let Palette { strong, faint, good, warn, bad, reset, .. } = self.options.palette;
        for would in noop::ORDER {
            let all = noop::of(self.fold, would);
            if all.is_empty() {
                continue;
            }
            let tone = match would {
                Would::Change => good,
                Would::Unknown => warn,
                Would::Nothing => faint,
            };
            writeln!(self.out, "\n{strong}{}{reset}", noop::title(would))?;
            for alike in all.iter().take(noop::LISTED) {
                let why = match noop::why(alike) {
                    Some(why) => format!(": {faint}{}{reset}", legible::line(why, ERROR)),
                    None => String::new(),
                };
                writeln!(self.out, "  {tone}{}{reset}{why}", noop::place(self.fold, alike))?;
                let (lines, more) = noop::diff(alike, noop::DIFF_LINES);
                for line in lines {
                    let tone = match noop::Sign::of(&line) {
                        noop::Sign::Added => good,
                        noop::Sign::Removed => bad,
                        noop::Sign::Other => faint,
                    };
                    writeln!(self.out, "    {tone}{line}{reset}")?;
                }
                if more > 0 {
                    writeln!(
                        self.out,
                        "    {faint}… {} more in the HTML report{reset}",
                        words::count(more, "line")
                    )?;
                }
            }
            let more = all.len().saturating_sub(noop::LISTED) as u64;
            if more > 0 {
                writeln!(self.out, "  {faint}and {} more{reset}", words::grouped(more))?;
            }
        }
        let looked = noop::looked(self.fold);
        if !looked.is_empty() {
            writeln!(self.out, "\n{strong}Checks that were really made{reset}")?;
            for (place, found) in looked.iter().take(noop::LISTED) {
                writeln!(self.out, "  {place}: {faint}{found}{reset}")?;
            }
        }
        Ok(())
    }

    fn failures(&mut self) -> io::Result<()> {
        let Palette { strong, faint, bad, reset, .. } = self.options.palette;
        let all = failures::alike(self.fold, self.fold.failing());
        if all.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = all.iter().take(FAILED_LISTED).map(|alike| (alike, alike.place())).collect();
        let width = rows.iter().map(|(_, place)| place.chars().count()).max().unwrap_or(0);
        writeln!(self.out, "\n{strong}Failed{reset}")?;
        writeln!(self.out, "  {faint}{:width$}  attempts  last error{reset}", "element")?;
        for (at, (alike, place)) in rows.iter().enumerate() {
            let Some(first) = alike.rows.first() else { continue };
            let error = first.failure.map_or_else(String::new, |failure| {
                format!("{}: {}", legible::line(&failure.code, 40), legible::line(&alike.message(), ERROR))
            });
            writeln!(self.out, "  {bad}{place:width$}{reset}  {:>8}  {error}", alike.attempts())?;
            if let Some(who) = alike.who() {
                writeln!(self.out, "    {faint}{who}{reset}")?;
            }
            if at < WITH_LINES {
                for line in beside_message(self.fold.element(first.element).attempts.last(), &error) {
                    writeln!(self.out, "    {faint}|{reset} {line}")?;
                }
            }
        }
        let rest = all.iter().skip(FAILED_LISTED);
        let more: usize = rest.map(|alike| alike.rows.len()).sum();
        if more > 0 {
            writeln!(self.out, "  {faint}and {} more{reset}", words::grouped(more as u64))?;
        }
        Ok(())
    }

    fn next(&mut self) -> io::Result<()> {
        let Palette { strong, faint, command, reset, .. } = self.options.palette;
        let mut steps = summary::next(self.fold);
        // A rehearsal is nowhere to be found afterwards.
        if steps.is_empty() || self.options.clock == Clock::Virtual {
            return Ok(());
        }
        if !self.options.flags.is_empty() {
            steps
                .iter_mut()
                .for_each(|step| step.command = format!("{} {}", step.command, self.options.flags));
        }
        let width = steps.iter().map(|step| step.command.len()).max().unwrap_or(0);
        writeln!(self.out, "\n{strong}Next{reset}")?;
        for step in steps {
            writeln!(self.out, "  {command}{:width$}{reset}  {faint}{}{reset}", step.command, step.does)?;
        }
        Ok(())
    }

    fn moments(&mut self, moments: &[Moment]) -> io::Result<()> {
        let Palette { faint, good, bad, reset, .. } = self.options.palette;
        for moment in moments {
            let at = Stamp(self.options.clock, moment.at).to_string();
            let (day, at) = at.split_once(' ').unwrap_or(("", &at));
            if day != self.day {
                writeln!(self.out, "  {faint}{day}{reset}")?;
                day.clone_into(&mut self.day);
            }
            let tone = match moment.tone {
                Tone::Plain | Tone::Person => "",
                Tone::Quiet => faint,
                Tone::Good => good,
                Tone::Bad => bad,
            };
            writeln!(self.out, "  {faint}{at}{reset}  {tone}{}{reset}", moment.text)?;
        }
        Ok(())
    }

    fn tone(&self, status: Status) -> &'static str {
        match status {
            Status::Pending => self.options.palette.faint,
            Status::Running => self.options.palette.strong,
            Status::Succeeded | Status::Skipped => self.options.palette.good,
            Status::Failed | Status::Stopped => self.options.palette.bad,
        }
    }
}

#[cfg(test)]
mod tests;
