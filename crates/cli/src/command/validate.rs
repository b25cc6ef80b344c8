//! `windlass validate FILE...`

use serde_json::{Value, json};
use windlass_lang::{Findings, Loaded};
use windlass_model::problem::Problem;

use crate::args::{DocumentFormat, ValidateArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::inventory::Among;
use crate::prepare::{self, Choice};
use crate::printer::{FAINT, GOOD, Printer, Styled};
use crate::{drawing, inventory, plan_file, secrets};

pub(super) fn run(args: &ValidateArgs, printer: &mut Printer) -> Outcome {
    let registry = plan_file::registry()?;
    let among = inventory::among(&args.among, printer)?;
    let mut exit = Exit::Succeeded;
    let mut documents = Vec::new();
    for file in &args.files {
        let loaded = plan_file::load(file, &registry, &among).and_then(|plans| chosen(plans, &among));
        let loaded = loaded.and_then(|plans| {
            plans.iter().try_for_each(|plan| secrets::check(plan, file, args.secrets.file.as_deref()))?;
            Ok(plans)
        });
        if loaded.is_err() {
            exit = Exit::Invalid;
        }
        let name = file.display().to_string();
        match (args.output, loaded) {
            (DocumentFormat::Json, loaded) => documents.push(document(&name, &loaded)),
            (DocumentFormat::Text, Ok(plans)) => {
                accept(&name, &plans, printer);
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
fn chosen(mut plans: Vec<Loaded>, among: &Among) -> Result<Vec<Loaded>, Failure> {
    if among.nodes().is_none() && among.selection.is_none() {
        return Ok(plans);
    }
    for loaded in &mut plans {
        let mut warnings: Vec<Problem> = Vec::new();
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

fn accept(name: &str, plans: &[Loaded], printer: &mut Printer) {
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
    }
}

fn warnings(loaded: &Loaded) -> Findings {
    loaded.findings(loaded.warnings.iter().cloned(), &|_| None)
}

fn document(name: &str, loaded: &Result<Vec<Loaded>, Failure>) -> Value {
    match loaded {
        Ok(plans) => {
            let plans: Vec<Value> = plans
                .iter()
                .map(|loaded| {
                    json!({"name": loaded.plan.metadata.name, "warnings": warnings(loaded).to_json_list()})
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
