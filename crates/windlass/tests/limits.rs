//! The figures of the guide's page about limits: each is what a rehearsal of the limits beside it does.
//!
//! `WINDLASS_UPDATE_FIGURES=1 cargo nextest run -p windlass --test limits` draws them anew.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use windlass::model::element::ElementId;
use windlass::model::event::Wait;
use windlass::model::time::Time;
use windlass::prelude::*;
use windlass::rehearsal::{Fault, Rehearsed};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/limits.md");
/// How a figure begins: `<!-- figure seed=1: web01 8, web02 5 fails -->`, then the limits, then what is drawn.
const MARK: &str = "<!-- figure";

/// A node of a figure: how many seconds it takes, and whether it fails then.
struct Player {
    name: String,
    seconds: u64,
    fails: bool,
}

/// A figure as the page has it.
struct Figure {
    seed: u64,
    players: Vec<Player>,
    limits: String,
    /// What is drawn, and where that stands in the page.
    drawn: String,
    at: std::ops::Range<usize>,
}

fn figures(page: &str) -> Vec<Figure> {
    page.match_indices(MARK).map(|(at, _)| figure(page, at)).collect()
}

fn figure(page: &str, at: usize) -> Figure {
    let (head, _) = page[at + MARK.len()..].split_once("-->").expect("the mark ends");
    let (seed, players) = head.split_once(':').expect("the players stand behind a colon");
    let player = |text: &str| {
        let mut words = text.split_whitespace();
        let (name, seconds) = (words.next().unwrap().to_owned(), words.next().unwrap().parse().unwrap());
        Player { name, seconds, fails: words.next() == Some("fails") }
    };
    let block = |from: usize, fence: &str| {
        let start = from + page[from..].find(fence).expect("a figure has limits and a drawing") + fence.len();
        start..start + page[start..].find("```").unwrap()
    };
    let limits = block(at, "```yaml\n");
    let drawn = block(limits.end, "```text\n");
    Figure {
        seed: seed.trim().strip_prefix("seed=").map_or(0, |seed| seed.parse().unwrap()),
        players: players.split(',').map(player).collect(),
        limits: page[limits].to_owned(),
        drawn: page[drawn.clone()].to_owned(),
        at: drawn,
    }
}

impl Figure {
    fn plan(&self) -> String {
        let mut text = "apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {name: limits}\nspec:\n  blocks:\n    - name: patch\n".to_owned();
        for line in self.limits.lines() {
            writeln!(text, "      {line}").unwrap();
        }
        if !self.limits.contains("targets:") {
            let names: Vec<&str> = self.players.iter().map(|player| player.name.as_str()).collect();
            writeln!(text, "      targets: {{nodes: [{}]}}", names.join(", ")).unwrap();
        }
        if !self.limits.contains("sequence:") {
            writeln!(text, "      sequence: [{{name: do, use: noop}}]").unwrap();
        }
        text
    }

    fn play(&self, registry: &Registry) -> Rehearsed {
        let text = self.plan();
        let loaded = windlass::lang::load("limits", &text, &registry.catalog())
            .unwrap_or_else(|found| panic!("{found}\n{text}"));
        let request =
            Request { seed: Some(self.seed), ..Request::new(loaded.into_iter().next().unwrap().plan) };
        let mut rehearsal = windlass::rehearse(request, registry).unwrap();
        let mut fault = |text: String| rehearsal.faults.push(text.parse::<Fault>().unwrap());
        for Player { name, seconds, fails } in &self.players {
            fault(format!("patch/{name}/*=slow:{seconds}s"));
            if *fails {
                fault(format!("patch/{name}/*=fail"));
            }
        }
        fault("patch/checks.*=slow:1s".to_owned());
        rehearsal.play()
    }

    /// One line per node, a sign per second: working, failed at its end, waiting; below them soaks and checks.
    fn draw(&self, registry: &Registry) -> String {
        let played = self.play(registry);
        let layout = played.run.layout();
        let end = played.events.last().map_or(Time::ZERO, |event| event.at);
        let mut rows: BTreeMap<u32, (Option<Time>, Option<Time>, bool)> = BTreeMap::new();
        let (mut soaks, mut rounds) = (Vec::new(), Vec::new());
        for event in &played.events {
            match &event.what {
                What::Began(ElementId::Sequence { seq, .. }) => {
                    rows.entry(*seq).or_default().0 = Some(event.at)
                }
                What::Ended { element: ElementId::Sequence { seq, .. }, outcome } => {
                    let row = rows.entry(*seq).or_default();
                    (row.1, row.2) = (Some(event.at), *outcome == Outcome::Failed);
                }
                What::Waiting { wait: Wait::Soak, until, .. } => soaks.push((event.at, *until)),
                What::RoundBegan { .. } => rounds.push(event.at),
                _ => {}
            }
        }
        let first = rows.values().filter_map(|(began, ..)| *began).min().unwrap_or(Time::ZERO);
        let second = |at: Time| at.since(first).as_secs() as usize;
        let sequences = &layout.block(0).unwrap().sequences;
        let names: Vec<String> =
            (0..sequences.len()).map(|seq| sequences.name(seq).unwrap().to_owned()).collect();
        let width = names.iter().map(String::len).max().unwrap_or(0).max(5);
        let mut page = String::new();
        let mut line = |name: &str, signs: &str| {
            writeln!(page, "{}", format!("{name:<width$}  {signs}").trim_end()).unwrap()
        };
        for (seq, name) in (0_u32..).zip(&names) {
            let signs = match rows.get(&seq) {
                Some((Some(began), ended, failed)) => {
                    let (from, to) = (second(*began), second(ended.unwrap_or(end)));
                    let work = to.saturating_sub(from).max(1);
                    let (work, last) = if *failed { (work - 1, "✗") } else { (work, "") };
                    format!("{}{}{last}", " ".repeat(from), "█".repeat(work))
                }
                _ => "not begun".to_owned(),
            };
            line(name, &signs);
        }
        let marks = |spans: &[(usize, usize)], sign: &str| {
            let mut signs: Vec<&str> = Vec::new();
            for (from, to) in spans {
                signs.resize((*to).max(signs.len()), " ");
                signs[*from..*to].fill(sign);
            }
            signs.concat()
        };
        if !soaks.is_empty() {
            let spans: Vec<_> = soaks.iter().map(|(from, to)| (second(*from), second(*to))).collect();
            line("soak", &marks(&spans, "─"));
        }
        let rounds: Vec<_> =
            rounds.iter().filter(|at| **at >= first).map(|at| (second(*at), second(*at) + 1)).collect();
        if !rounds.is_empty() {
            line("check", &marks(&rounds, "●"));
        }
        page
    }
}

#[test]
fn every_figure_of_the_page_about_limits_is_what_a_rehearsal_does() {
    let registry = windlass::plugins::standard().unwrap();
    let mut page = std::fs::read_to_string(PAGE).unwrap();
    let figures = figures(&page);
    assert!(figures.len() >= 12, "{} figures", figures.len());
    let drawings = page.matches("```text\n").count();
    assert_eq!(drawings, figures.len(), "a drawing without a rehearsal");
    let update = std::env::var_os("WINDLASS_UPDATE_FIGURES").is_some();
    for figure in figures.iter().rev() {
        let drawn = figure.draw(&registry);
        if update {
            page.replace_range(figure.at.clone(), &drawn);
        } else {
            assert_eq!(figure.drawn, drawn, "of\n{}", figure.limits);
        }
    }
    if update {
        std::fs::write(PAGE, page).unwrap();
    }
}
