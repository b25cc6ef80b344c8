//! `windlass rehearse FILE`: the same engine in virtual time, against simulated targets.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use windlass_model::element::{ElementId, ElementKind};
use windlass_model::fact::PluginKind;
use windlass_model::layout::Layout;
use windlass_rehearsal::{Asked, Fault, Rehearsal, Rehearsed};
use windlass_report::words::{count, grouped};
use windlass_report::{Clock, Fold, JsonOptions, Length, TextOptions};

use crate::args::{LiveFormat, RehearseArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::prepare::{Choice, prepare};
use crate::printer::{FAINT, Printer, STRONG, Styled};
use crate::{drawing, inventory, limits, params, plan_file, prepare};

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
    let among = inventory::among(given_nodes, printer)?;
    let registry = plan_file::registry()?;
    let loaded = plan_file::load_one(&args.plan.file, &registry, &among)?;
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
    let began = Instant::now();
    let rehearsal =
        Rehearsal { faults, crash_at: args.crash_at.clone(), ..Rehearsal::new(prepared.setup(), &registry) };
    let rehearsed = rehearsal.play();
    let wall = began.elapsed();
    let mut fold = Fold::new(prepared.layout.clone());
    for event in &rehearsed.events {
        fold.apply(event).map_err(|gap| {
            Failure::new(Exit::Bug, windlass_model::code::BUG, "the rehearsal's log has a gap").because(&gap)
        })?;
    }
    for event in args.crash_at.iter().filter(|event| **event > fold.seq()) {
        printer.warn(format_args!("nothing crashed at event {event}: the last one is {}", fold.seq()));
    }
    match args.output {
        LiveFormat::Json => {
            let options = JsonOptions { clock: Clock::Virtual, wall: Some(wall) };
            printer.write_out(|mut out| windlass_report::write_json(&fold, &options, &mut out));
        }
        LiveFormat::Events => printer.write_out(|out| {
            for event in &rehearsed.events {
                writeln!(out, "{}", windlass_report::event_json(event, &prepared.layout, Clock::Virtual))?;
            }
            Ok(())
        }),
        LiveFormat::Text => tell(&fold, &rehearsed, wall, args, printer),
    }
    Ok(Exit::of(rehearsed.run.status()))
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

fn tell(fold: &Fold, rehearsed: &Rehearsed, wall: Duration, args: &RehearseArgs, printer: &mut Printer) {
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
    }
    touched(layout, rehearsed, printer);
    let lasted = fold.at().since(windlass_model::time::Time::ZERO);
    let crashes = match rehearsed.crashes {
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

/// What a real run would have touched: attempts by plugin, and on how many targets.
fn touched(layout: &Layout, rehearsed: &Rehearsed, printer: &mut Printer) {
    let mut by_plugin: BTreeMap<&str, (PluginKind, u64, Duration)> = BTreeMap::new();
    let mut targets = std::collections::BTreeSet::new();
    for execution in &rehearsed.executions {
        // Who is only asked touches nothing.
        let Some(def) = layout.action(execution.element).filter(|_| execution.asked == Asked::ToAct) else {
            continue;
        };
        let took = execution.ended.map_or(Duration::ZERO, |ended| ended.since(execution.began));
        let entry = by_plugin.entry(&def.facts.name).or_insert((def.facts.kind, 0, Duration::ZERO));
        entry.1 += 1;
        entry.2 = entry.2.max(took);
        if execution.element.kind() != ElementKind::Check
            && let Some(sequence) = execution.element.work().and_then(|work| work.sequence())
            && let Some(name) = layout.block(sequence.0).and_then(|block| block.sequences.target(sequence.1))
        {
            targets.insert(name);
        }
    }
    printer.line(format_args!("\n{}", Styled(STRONG, "Would be touched")));
    let is_untouched = by_plugin.is_empty();
    if !targets.is_empty() {
        let first: Vec<&str> = targets.iter().take(8).copied().collect();
        let more = if targets.len() > first.len() { ", …" } else { "" };
        printer.line(format_args!("  {}: {}{more}", count(targets.len() as u64, "target"), first.join(", ")));
    }
    for (name, (kind, attempts, longest)) in by_plugin {
        let kind = match kind {
            PluginKind::Acting => "",
            PluginKind::Check => " (a check, which only looks)",
        };
        printer.line(format_args!(
            "  {name}: {}, the longest {}{kind}",
            count(attempts, "attempt"),
            Length(longest)
        ));
    }
    if is_untouched {
        printer.line("  nothing");
    }
}
