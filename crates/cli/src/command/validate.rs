//! `windlass validate FILE...`

mod facts;

use std::sync::Arc;

use serde_json::{Value, json};
use windlass_lang::{Findings, Loaded};
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;
use windlass_model::validate::walk;

use windlass_plugin::Registry;

use crate::args::{DocumentFormat, ValidateArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::inventory::Among;
use crate::prepare::{self, Choice};
use crate::printer::{FAINT, GOOD, Printer, Styled};
use crate::{drawing, inventory, plan_file, secrets};

/// How many blocks are named in a note.
const NAMED: usize = 5;

pub(super) fn run(args: &ValidateArgs, printer: &mut Printer) -> Outcome {
    let registry = plan_file::registry()?;
    let mut among = inventory::among_at(&args.among, &args.context, printer)?;
    let mut exit = Exit::Succeeded;
    let mut documents = Vec::new();
    for file in &args.files {
        let loaded = plan_file::load(file, &registry, &among).and_then(|plans| {
            plans.iter().try_for_each(|loaded| among.add_facts(&loaded.plan))?;
            chosen(plans, &among, &registry)
        });
        let loaded = loaded.and_then(|plans| {
            plans.iter().try_for_each(|plan| secrets::check(plan, file, args.secrets.file.as_deref()))?;
            Ok(plans)
        });
        if loaded.is_err() {
            exit = Exit::Invalid;
        }
        let name = file.display().to_string();
        match (args.output, loaded) {
            (DocumentFormat::Json, loaded) => documents.push(document(&name, &loaded, &among)),
            (DocumentFormat::Text, Ok(plans)) => {
                accept(&name, &plans, &among, printer);
            }
            (DocumentFormat::Text, Err(failure)) => failure.print(printer),
        }
    }
    if args.output == DocumentFormat::Json {
        printer.line(json!({"valid": exit == Exit::Succeeded, "files": documents}));
    }
    Ok(exit)
}

/// The plans with what is odd about their targets, or what is wrong with those, as far as it can be told without
/// parameters.
fn chosen(mut plans: Vec<Loaded>, among: &Among, registry: &Registry) -> Result<Vec<Loaded>, Failure> {
    if among.nodes().is_none() && among.selection.is_none() {
        return Ok(plans);
    }
    let reported = registry.catalog().get("facts").map(|facts| Arc::clone(&facts.response));
    for loaded in &mut plans {
        let mut warnings: Vec<Problem> = Vec::new();
        if let Some(reported) = reported.as_ref().filter(|_| among.nodes().is_some()) {
            warnings.extend(facts::unknown(loaded, among, reported));
        }
        for step_set in loaded.plan.step_set_names() {
            let choice = Choice { step_set: Some(step_set), among: Some(among), ..Choice::default() };
            match prepare::foreseen(loaded, choice) {
                Ok(found) => warnings.extend(found),
                Err(problems) => return Err(prepare::odd(loaded, choice, problems).into()),
            }
        }
        loaded.warnings.extend(warnings);
    }
    Ok(plans)
}

/// What is left to be checked with an inventory; nothing where there is one, or none is needed.
struct Unchecked {
    /// The blocks that select from it.
    blocks: Vec<String>,
}

// === impl Unchecked ===

impl Unchecked {
    fn of(plan: &Plan, among: &Among) -> Option<Self> {
        if among.nodes().is_some() {
            return None;
        }
        let mut blocks = Vec::new();
        walk::blocks(plan, &mut |at| {
            if at.block.targets.as_ref().is_some_and(windlass_lang::asks_an_inventory) {
                blocks.push(at.address);
            }
        });
        (!blocks.is_empty()).then_some(Self { blocks })
    }

    fn in_words(&self) -> String {
        let Self { blocks } = self;
        let named =
            blocks.iter().take(NAMED).map(|block| format!("`{block}`")).collect::<Vec<_>>().join(", ");
        let more = match blocks.len().checked_sub(NAMED) {
            None | Some(0) => String::new(),
            Some(more) => format!(" and {more} more"),
        };
        format!(
            "not checked: which nodes {named}{more} would have, and whether their groups, roles, variables and facts are there; \
             `--inventory PATH` checks that, too"
        )
    }
}

fn accept(name: &str, plans: &[Loaded], among: &Among, printer: &mut Printer) {
    for loaded in plans {
        let plan = &loaded.plan;
        let sets = plan.step_set_names();
        let blocks: usize = sets.iter().filter_map(|set| plan.step_set(set)).map(<[_]>::len).sum();
        let mut what = format!("{blocks} {}", if blocks == 1 { "block" } else { "blocks" });
        if sets.len() > 1 {
            what.push_str(&format!(" in {} step sets", sets.len()));
        }
        printer.line(format_args!(
            "{} {name}: {} {}",
            Styled(GOOD, "ok"),
            plan.metadata.name,
            Styled(FAINT, format_args!("({what})"))
        ));
        drawing::show(&warnings(loaded), printer);
        if let Some(unchecked) = Unchecked::of(plan, among) {
            printer.note(format_args!("{} {}", Styled(FAINT, "note"), unchecked.in_words()));
        }
    }
}

fn warnings(loaded: &Loaded) -> Findings {
    loaded.findings(loaded.warnings.iter().cloned(), &|_| None)
}

fn document(name: &str, loaded: &Result<Vec<Loaded>, Failure>, among: &Among) -> Value {
    match loaded {
        Ok(plans) => {
            let plans: Vec<Value> = plans
                .iter()
                .map(|loaded| {
                    json!({
                        "name": loaded.plan.metadata.name,
                        "warnings": warnings(loaded).to_json_list(),
                        "unchecked": Unchecked::of(&loaded.plan, among).map(|unchecked| unchecked.in_words()),
                    })
                })
                .collect();
            json!({"file": name, "valid": true, "plans": plans, "problems": []})
        }
        Err(failure) => {
            let error = failure.to_json();
            let problems =
                error.get("error").and_then(|error| error.get("problems")).cloned().unwrap_or_default();
            json!({"file": name, "valid": false, "plans": [], "problems": problems})
        }
    }
}
