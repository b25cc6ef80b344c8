//! `windlass preview FILE`: what a run would do, where, and how bad it can get. Nothing is touched.

mod json;
mod locks;
mod node;
mod text;

use crate::args::{DocumentFormat, PreviewArgs};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::prepare::{Choice, prepare};
use crate::printer::Printer;
use crate::{drawing, inventory, params, plan_file, prepare, secrets};

pub(super) fn run(args: &PreviewArgs, printer: &mut Printer) -> Outcome {
    let given_nodes = &args.plan.among;
    params::one_reader(Some(&args.plan.file), Some(&given_nodes.inventory), &args.plan.params)?;
    let mut among = inventory::among_at(given_nodes, &args.context, printer)?;
    let registry = plan_file::registry()?;
    let loaded = plan_file::load_one(&args.plan.file, &registry, &among)?;
    among.add_facts(&loaded.plan)?;
    secrets::check(&loaded, &args.plan.file, args.plan.secrets.file.as_deref())?;
    let given = params::gather(&args.plan.params, &loaded.plan, printer)?;
    let choice = Choice { step_set: args.plan.stepset.as_deref(), among: Some(&among), ..Choice::default() };
    let prepared = prepare(&loaded, given, choice, &registry)?;
    let warnings = loaded.warnings.iter().chain(&prepared.warnings).cloned();
    let warnings = prepare::odd(&loaded, choice, warnings);
    drawing::show(&warnings, printer);
    let nodes = node::look(&prepared, &args.nodes)?;
    match args.output {
        DocumentFormat::Json => printer.line(json::document(&prepared, &nodes, &warnings)),
        DocumentFormat::Text if nodes.is_empty() => printer.out(text::text(&prepared, args.show)),
        DocumentFormat::Text => printer.out(node::text(&nodes)),
    }
    Ok(Exit::Succeeded)
}
