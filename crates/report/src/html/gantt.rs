//! The timeline as a small picture: what ran when, where it waited, when people stepped in.
//!
//! ```text
//! people   ●      ●──●                        approvals, commands, recoveries; pauses are shaded
//! checks   ─│──│──│──│──                      rounds of the plan's continuous checks
//! patch    ▇▇░░░▇▇▇▇▇                         batches, soaks, undo; failed attempts below
//! tell                ▇                       deferred batches
//! ```

use std::io::{self, Write as _};

use windlass_model::element::{ElementId, Level, Slot, Work};
use windlass_model::event::{Command, Phase};
use windlass_model::time::Time;

use super::page::{Page, Plain, class, state};
use crate::clock::Length;
use crate::fold::{Fold, can_fail};
use crate::words;

const LEFT: f64 = 150.0;
const WIDTH: f64 = 830.0;
const TOP: f64 = 26.0;
const ROW: f64 = 34.0;
/// How many blocks and how many deferred batches have a row.
const BLOCKS: usize = 40;
const BATCHES: usize = 8;
/// Into how many columns failed attempts are counted.
const COLUMNS: usize = 160;
/// Steps of the axis, in seconds.
const STEPS: [u64; 21] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
    172_800, 604_800, 2_592_000,
];
/// How many marks the axis has at most.
const MARKS: u64 = 8;

pub(super) fn write(page: &mut Page<'_>, fold: &Fold) -> io::Result<()> {
    let run = fold.run();
    let Some(start) = run.started_at else { return Ok(()) };
    let chart = Chart { start, end: run.ended_at.unwrap_or(fold.at()) };
    if chart.end <= start {
        return Ok(());
    }
    let layout = fold.layout();
    let continuous = ElementId::Slot { level: Level::Plan, slot: Slot::Continuous };
    let blocks: Vec<ElementId> = (0..layout.block_count()).map(ElementId::Block).collect();
    let blocks = blocks.into_iter().filter(|block| fold.element(*block).started_at.is_some()).take(BLOCKS);
    let batches = (0..u16::try_from(layout.batches.len()).unwrap_or(u16::MAX)).map(ElementId::Batch);
    let batches = batches.filter(|batch| fold.element(*batch).started_at.is_some()).take(BATCHES);
    let checks = std::iter::once(continuous).filter(|slot| fold.begun(*slot).is_some());
    let rows: Vec<ElementId> = checks.chain(blocks).chain(batches).collect();
    let misses = misses(fold, &chart);
    let height = TOP + ROW * (rows.len() as f64 + 1.0) + 8.0;
    writeln!(page, "<h2>Timeline</h2><div class=\"card\">")?;
    writeln!(page, "<svg viewBox=\"0 0 1000 {height:.0}\" role=\"img\" aria-label=\"Timeline of the run\">")?;
    axis(page, &chart, height)?;
    people(page, fold, &chart, height)?;
    for (number, element) in (1_u32..).zip(rows) {
        let y = TOP + ROW * f64::from(number);
        match element {
            ElementId::Block(index) => {
                block(page, fold, &chart, index, y)?;
                let columns = misses.get(index as usize).map_or(&[][..], |columns| columns);
                missed(page, columns, y)?;
            }
            ElementId::Slot { .. } => rounds(page, fold, &chart, element, y)?,
            _ => {
                label(page, &layout.address(element), y)?;
                bar(page, fold, &chart, element, y)?;
            }
        }
    }
    writeln!(page, "</svg>{KEY}</div>")
}

const KEY: &str = "<ul class=\"legend\"><li><i class=\"s\"></i>work</li><li><i class=\"f\"></i>work with failures; \
    small marks below: failed attempts</li><li><i class=\"t\"></i>undo or paused</li>\
    <li><i style=\"border:1px dashed var(--skip)\"></i>delay or soak</li></ul>";

/// The span of time that the picture shows.
struct Chart {
    start: Time,
    end: Time,
}

// === impl Chart ===

impl Chart {
    fn x(&self, at: Time) -> f64 {
        let whole = self.end.since(self.start).as_secs_f64();
        let share = at.min(self.end).since(self.start).as_secs_f64() / whole;
        LEFT + WIDTH * share
    }

    /// A span's left edge and a width that can be seen.
    fn span(&self, from: Time, until: Time) -> (f64, f64) {
        let x = self.x(from).min(LEFT + WIDTH - 2.0);
        (x, (self.x(until) - x).max(2.0))
    }
}

fn axis(page: &mut Page<'_>, chart: &Chart, height: f64) -> io::Result<()> {
    let lasted = chart.end.since(chart.start);
    let fits = |step: &&u64| lasted.as_secs() / **step <= MARKS;
    let step = STEPS.iter().find(fits).copied().unwrap_or(lasted.as_secs().div_ceil(MARKS).max(1));
    for mark in 0..=lasted.as_secs() / step {
        let after = std::time::Duration::from_secs(mark.saturating_mul(step));
        let x = chart.x(chart.start + after);
        writeln!(page, "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{height:.0}\"/>")?;
        let text = if mark == 0 { "start".to_owned() } else { format!("+{}", Length(after)) };
        writeln!(page, "<text class=\"ax\" x=\"{x:.1}\" y=\"16\" text-anchor=\"middle\">{text}</text>")?;
    }
    Ok(())
}

fn people(page: &mut Page<'_>, fold: &Fold, chart: &Chart, height: f64) -> io::Result<()> {
    let run = fold.run();
    let mut paused = None;
    let ends = run.commands.iter().map(|commanded| (Some(commanded.command), commanded.at));
    for (command, at) in ends.chain([(None, chart.end)]) {
        if let (Some(from), false) = (paused, command == Some(Command::Pause)) {
            let (x, width) = chart.span(from, at);
            let tall = height - TOP;
            writeln!(
                page,
                "<rect class=\"pause\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{tall:.0}\"/>"
            )?;
        }
        paused = (command == Some(Command::Pause)).then(|| paused.unwrap_or(at));
    }
    label(page, "people", TOP)?;
    let y = TOP + ROW / 2.0;
    let mut mark = |at: Time, class: &str, text: &str| {
        let x = chart.x(at);
        writeln!(
            page,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\"><title>{}</title></circle>",
            Plain(text)
        )
    };
    if let Some(by) = &run.started_by {
        mark(chart.start, "who", &format!("started by {}", by.user))?;
    }
    for commanded in &run.commands {
        let text =
            format!("{} by {}: {}", words::command(commanded.command), commanded.by.user, commanded.by.why);
        mark(commanded.at, "who", &text)?;
    }
    for settled in &run.verdicts {
        mark(settled.at, "who", &format!("settled by {}: {}", settled.by.user, settled.by.why))?;
    }
    for recovery in &run.recoveries {
        mark(recovery.at, "crash", &format!("taken over by {}", recovery.by))?;
    }
    Ok(())
}

fn block(page: &mut Page<'_>, fold: &Fold, chart: &Chart, index: u32, y: f64) -> io::Result<()> {
    let element = ElementId::Block(index);
    label(page, &fold.layout().address(element), y)?;
    let Some(block) = fold.blocks().get(index as usize) else { return Ok(()) };
    let view = fold.element(element);
    let end = view.ended_at.unwrap_or(chart.end);
    let (x, width) = chart.span(view.started_at.unwrap_or(chart.start), end);
    rect(page, &format!("{} base", class(&view)), (x, width), y, &state(&view))?;
    for batch in &block.batches {
        let class = if batch.failed > 0 { "f" } else { "s" };
        let text = format!(
            "batch {} of {}: {} failed",
            batch.n,
            words::count(u64::from(batch.size), "sequence"),
            batch.failed
        );
        rect(page, class, chart.span(batch.began_at, batch.ended_at.unwrap_or(end)), y, &text)?;
    }
    for delay in &block.delays {
        let span = chart.span(delay.from, delay.ended_at.unwrap_or(end));
        rect(page, "delay", span, y, words::wait(delay.wait))?;
    }
    let phases: Vec<_> = block.phases.iter().collect();
    for (at, (phase, from)) in phases.iter().enumerate() {
        if *phase == Phase::Undo {
            let until = phases.get(at.saturating_add(1)).map_or(end, |(_, at)| *at);
            rect(page, "undo", chart.span(*from, until), y, "undo")?;
        }
    }
    Ok(())
}

fn bar(page: &mut Page<'_>, fold: &Fold, chart: &Chart, element: ElementId, y: f64) -> io::Result<()> {
    let view = fold.element(element);
    let span = chart.span(view.started_at.unwrap_or(chart.start), view.ended_at.unwrap_or(chart.end));
    rect(page, class(&view), span, y, &state(&view))
}

/// A line for as long as the loop runs, and a mark for each round that is still known.
fn rounds(page: &mut Page<'_>, fold: &Fold, chart: &Chart, slot: ElementId, y: f64) -> io::Result<()> {
    label(page, "continuous checks", y)?;
    let view = fold.element(slot);
    let (x, width) = chart.span(view.started_at.unwrap_or(chart.start), view.ended_at.unwrap_or(chart.end));
    let middle = y + ROW / 2.0;
    writeln!(
        page,
        "<rect class=\"k\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"2\"/>",
        middle - 1.0
    )?;
    let Some(details) = view.details() else { return Ok(()) };
    for round in &details.rounds {
        let (class, word) = match round.passed {
            Some(true) => ("s", "passed"),
            Some(false) => ("f", "did not pass"),
            None => ("r", "goes on"),
        };
        let x = chart.x(round.began_at) - 2.0;
        writeln!(
            page,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"5\" height=\"14\" rx=\"2\"><title>round {} {word}</title></rect>",
            middle - 7.0,
            round.n,
        )?;
    }
    Ok(())
}

/// Per block, how many attempts failed in each column of the chart.
fn misses(fold: &Fold, chart: &Chart) -> Vec<Vec<u32>> {
    let mut blocks = vec![vec![0_u32; COLUMNS]; fold.blocks().len()];
    for (element, view) in fold.reached().filter(|(element, _)| can_fail(*element)) {
        let Some(block) = element.work().and_then(Work::block) else { continue };
        let Some(columns) = blocks.get_mut(block as usize) else { continue };
        for attempt in view.attempts.iter().filter(|attempt| attempt.failure.is_some()) {
            let share = (chart.x(attempt.ended_at.unwrap_or(chart.end)) - LEFT) / WIDTH;
            let column = (share * COLUMNS as f64) as usize;
            if let Some(count) = columns.get_mut(column.min(COLUMNS.saturating_sub(1))) {
                *count = count.saturating_add(1);
            }
        }
    }
    blocks
}

fn missed(page: &mut Page<'_>, columns: &[u32], y: f64) -> io::Result<()> {
    let most = columns.iter().copied().max().unwrap_or(0);
    for (column, count) in columns.iter().enumerate().filter(|(_, count)| **count > 0) {
        let x = LEFT + WIDTH * column as f64 / COLUMNS as f64;
        let tall = 3.0 + 5.0 * f64::from(*count) / f64::from(most);
        writeln!(
            page,
            "<rect class=\"miss\" x=\"{x:.1}\" y=\"{:.1}\" width=\"4\" height=\"{tall:.1}\" rx=\"1\"><title>{}</title></rect>",
            y + 25.0,
            words::count(u64::from(*count), "failed attempt"),
        )?;
    }
    Ok(())
}

fn label(page: &mut Page<'_>, text: &str, y: f64) -> io::Result<()> {
    let short = crate::legible::line(text, 20);
    let y = y + ROW / 2.0 + 4.0;
    writeln!(
        page,
        "<text x=\"138\" y=\"{y:.1}\" text-anchor=\"end\">{}<title>{}</title></text>",
        Plain(&short),
        Plain(text)
    )
}

fn rect(page: &mut Page<'_>, class: &str, (x, width): (f64, f64), y: f64, title: &str) -> io::Result<()> {
    let y = y + 7.0;
    writeln!(
        page,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"16\" rx=\"3\"><title>{}</title></rect>",
        Plain(title)
    )
}
