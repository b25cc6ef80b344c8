//! `windlass rehearse FILE`: the same engine in virtual time, against simulated targets.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::{Duration, Instant};

use windlass_engine::SelectCall;
use windlass_lang::Evaluator;
use windlass_model::element::{ElementId, ElementKind};
use windlass_model::event::Event;
use windlass_model::fact::PluginKind;
use windlass_model::late::Chosen;
use windlass_model::layout::Layout;
use windlass_model::outcome as model;
use windlass_model::plan::{DEFAULT_STEP_SET, Plan};
use windlass_plugin::Registry;
use windlass_rehearsal::{Asked, Attempted, Audience, Execution, Fault, Play, Played, Rehearsal, World};
use windlass_report::words::{count, grouped};
use windlass_report::{Clock, Fold, Gap, JsonOptions, Length, TextOptions, limits};

use crate::args::{LiveFormat, RehearseArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::prepare::{Choice, prepare};
use crate::printer::{FAINT, Printer, STRONG, Styled};
use crate::{drawing, inventory, params, plan_file, prepare, secrets};

const FAULTS: &str = "\
write ADDRESS-GLOB[@ATTEMPT]=fail|permanent|hang|stubborn|slow:DURATION, for example:
--fault 'patch/web03/*=fail'           every attempt of every action on web03 fails
--fault 'patch/*/reboot@1=hang'        the first attempt of every reboot hangs
--fault 'patch/web0?/drain=slow:90s'   each drain takes 90 s
--fault 'checks.pre/*=permanent'       the pre checks fail for good";

pub(super) fn run(args: &RehearseArgs, printer: &mut Printer) -> Outcome {
    let faults = faults(&args.faults)?;
    let given_nodes = &args.plan.among;
    params::one_reader(Some(&args.plan.file), Some(&given_nodes.inventory), &args.plan.params)?;
    let mut among = inventory::among_at(given_nodes, &args.context, printer)?;
    let registry = plan_file::registry()?;
    let loaded = plan_file::load_one(&args.plan.file, &registry, &among)?;
    among.add_facts(&loaded.plan)?;
    secrets::check(&loaded, &args.plan.file, args.plan.secrets.file.as_deref())?;
    let given = params::gather(&args.plan.params, &loaded.plan, printer)?;
    let choice = Choice {
        step_set: args.plan.stepset.as_deref(),
        seed: args.seed,
        targets: args.targets,
        noop: args.noop,
        among: Some(&among),
    };
    let prepared = prepare(&loaded, given, choice, &registry)?;
    drawing::show(&prepare::odd(&loaded, choice, prepared.warnings.clone()), printer);
    strike(&faults, &args.faults, &prepared.layout)?;
    let world = Simulated { registry: &registry, plan: &loaded.plan, choice };
    let rehearsal =
        Rehearsal { faults, crash_at: args.crash_at.clone(), ..Rehearsal::new(prepared.rehearsed(), &world) };
    let mut seen = Seen {
        fold: Fold::new(prepared.submitted.clone()),
        touched: Touched::default(),
        written: Ok(()),
        gap: None,
    };
    let began = Instant::now();
    let mut played = None;
    match args.output {
        LiveFormat::Events => printer.write_out(|out| {
            played = Some(rehearsal.play_to(&mut Looking { seen: &mut seen, lines: Some(out) }));
            std::mem::replace(&mut seen.written, Ok(()))
        }),
        LiveFormat::Json | LiveFormat::Text => {
            played = Some(rehearsal.play_to(&mut Looking { seen: &mut seen, lines: None }));
        }
    }
    let wall = began.elapsed();
    let Seen { fold, touched, gap, .. } = seen;
    let Some(Played { run, crashes }) = played else { return Ok(Exit::Succeeded) };
    if let Some(gap) = gap {
        let what = "the rehearsal's log has a gap";
        return Err(Failure::new(Exit::Bug, windlass_model::code::BUG, what).because(&gap));
    }
    for event in args.crash_at.iter().filter(|event| **event > fold.seq()) {
        printer.warn(format_args!("nothing crashed at event {event}: the last one is {}", fold.seq()));
    }
    match args.output {
        LiveFormat::Json => {
            let options = JsonOptions { clock: Clock::Virtual, wall: Some(wall) };
            printer.write_out(|mut out| windlass_report::write_json(&fold, &options, &mut out));
        }
        LiveFormat::Events => {}
        LiveFormat::Text => tell(&fold, &touched, crashes, wall, (args, prepared.most), printer),
    }
    Ok(Exit::of(run.status()))
}

/// What is seen of a rehearsal while it is played.
struct Seen {
    fold: Fold,
    touched: Touched,
    written: io::Result<()>,
    gap: Option<Gap>,
}

/// Somebody who looks, and writes events down if anybody wants them.
struct Looking<'a> {
    seen: &'a mut Seen,
    lines: Option<&'a mut dyn Write>,
}

/// What a real run would have touched: attempts by plugin, and on which targets.
#[derive(Default)]
struct Touched {
    by_plugin: BTreeMap<String, (PluginKind, u64, Duration)>,
    targets: BTreeSet<String>,
}

/// The plugins' own simulations, on nodes that are chosen as they would be now.
struct Simulated<'a> {
    registry: &'a Registry,
    plan: &'a Plan,
    choice: Choice<'a>,
}

// === impl Simulated ===

impl World for Simulated<'_> {
    fn play(&self, attempt: &Attempted<'_>) -> Play {
        self.registry.play(attempt)
    }

    fn foresee(&self, attempt: &Attempted<'_>) -> Play {
        self.registry.foresee(attempt)
    }

    fn select(&self, call: &SelectCall) -> Result<Chosen, model::Failure> {
        let step_set = self.choice.step_set.unwrap_or(DEFAULT_STEP_SET);
        let (eval, among) = (Evaluator::new(), prepare::narrowed(self.choice));
        windlass_lang::choose(self.plan, step_set, call.block, &call.scope, &eval, among)
    }
}

// === impl Looking ===

impl Audience for Looking<'_> {
    fn event(&mut self, event: &Event) {
        let Seen { fold, written, gap, .. } = &mut *self.seen;
        if let Err(found) = fold.apply(event) {
            gap.get_or_insert(found);
        }
        if let Some(out) = self.lines.as_mut().filter(|_| written.is_ok()) {
            let line = windlass_report::event_json(event, fold.layout(), Clock::Virtual);
            *written = writeln!(out, "{line}");
        }
    }

    fn execution(&mut self, execution: &Execution) {
        let Seen { fold, touched, .. } = &mut *self.seen;
        touched.add(execution, fold.layout());
    }
}

// === impl Touched ===

impl Touched {
    fn add(&mut self, execution: &Execution, layout: &Layout) {
        // Who is only asked touches nothing.
        let Some(def) = layout.action(execution.element).filter(|_| execution.asked == Asked::ToAct) else {
            return;
        };
        let took = execution.ended.map_or(Duration::ZERO, |ended| ended.since(execution.began));
        if !self.by_plugin.contains_key(&def.facts.name) {
            self.by_plugin.insert(def.facts.name.clone(), (def.facts.kind, 0, Duration::ZERO));
        }
        let Some(entry) = self.by_plugin.get_mut(&def.facts.name) else { return };
        entry.1 += 1;
        entry.2 = entry.2.max(took);
        if execution.element.kind() != ElementKind::Check
            && let Some((block, seq)) = execution.element.work().and_then(|work| work.sequence())
            && let Some(name) = layout.block(block).and_then(|block| block.sequences.target(seq))
            && !self.targets.contains(name)
        {
            self.targets.insert(name.to_owned());
        }
    }

    fn tell(&self, printer: &mut Printer) {
        printer.line(format_args!("\n{}", Styled(STRONG, "Would be touched")));
        let targets = &self.targets;
        if !targets.is_empty() {
            let first: Vec<&str> = targets.iter().take(8).map(String::as_str).collect();
            let more = if targets.len() > first.len() { ", …" } else { "" };
            printer.line(format_args!(
                "  {}: {}{more}",
                count(targets.len() as u64, "target"),
                first.join(", ")
            ));
        }
        for (name, (kind, attempts, longest)) in &self.by_plugin {
            let kind = match kind {
                PluginKind::Acting => "",
                PluginKind::Check => " (a check, which only looks)",
            };
            printer.line(format_args!(
                "  {name}: {}, the longest {}{kind}",
                count(*attempts, "attempt"),
                Length(*longest)
            ));
        }
        if self.by_plugin.is_empty() {
            printer.line("  nothing");
        }
    }
}

fn faults(texts: &[String]) -> Result<Vec<Fault>, Failure> {
    let mut faults = Vec::new();
    for text in texts {
        faults.push(text.parse::<Fault>().map_err(|error| Failure::usage(error.to_string()).help(FAULTS))?);
    }
    Ok(faults)
}

/// A fault that is for nothing would let a plan pass its test.
fn strike(faults: &[Fault], texts: &[String], layout: &Layout) -> Result<(), Failure> {
    let mut idle: Vec<(&Fault, &String)> = faults.iter().zip(texts).collect();
    for element in windlass_report::elements(layout).filter(|element| element.work().is_some()) {
        if idle.is_empty() {
            return Ok(());
        }
        let address = layout.address(element);
        idle.retain(|(fault, _)| !fault.address.matches(&address));
    }
    let Some((_, text)) = idle.first() else { return Ok(()) };
    let blocks: Vec<String> = (0_u32..)
        .zip(&layout.blocks)
        .map(|(index, _)| layout.address(ElementId::Block(index)))
        .take(8)
        .collect();
    Err(Failure::usage(format!("the fault `{text}` is for no action and no check of this plan")).help(format!(
        "an address begins with a block ({}), `deferred/` or `checks.`; `windlass rehearse` without it and with\n\
         --output events shows all of them",
        blocks.join(", ")
    )))
}

fn tell(
    fold: &Fold,
    touched: &Touched,
    crashes: u32,
    wall: Duration,
    (args, most): (&RehearseArgs, Option<u32>),
    printer: &mut Printer,
) {
    let layout = fold.layout();
    printer.line(format_args!(
        "{} {}\n",
        Styled(STRONG, "Rehearsal:"),
        Styled(FAINT, "nothing was touched; times are virtual and count from zero")
    ));
    let options = TextOptions { clock: Clock::Virtual, palette: printer.palette(), flags: "" };
    printer.write_out(|mut out| windlass_report::write_text(fold, &options, &mut out));
    printer.line(format_args!("\n{}", Styled(STRONG, "Worst case of the limits")));
    for (index, block) in (0_u32..).zip(&layout.blocks) {
        let peak = fold.blocks().get(index as usize).map_or(0, |view| view.peak_active);
        printer.line(format_args!(
            "  {}: {}; peak here {} at once",
            layout.address(ElementId::Block(index)),
            limits::in_words(block),
            grouped(u64::from(peak))
        ));
        if let Some(words) = limits::whatever_is_chosen(layout, index, most) {
            printer.line(format_args!("    {words}"));
        }
    }
    touched.tell(printer);
    let lasted = fold.at().since(windlass_model::time::Time::ZERO);
    let crashes = match crashes {
        0 => String::new(),
        n => format!(" · {} survived", count(u64::from(n), "crash").replace("crashs", "crashes")),
    };
    printer.line(format_args!(
        "\n{}",
        Styled(
            FAINT,
            format_args!(
                "{} of virtual time in {:.1} ms · {} · seed {}{crashes}",
                Length(lasted),
                wall.as_secs_f64() * 1000.0,
                count(fold.seq(), "event"),
                args.seed,
            )
        )
    ));
}
