//! `windlass validate FILE...`

use serde_json::{Value, json};
use windlass_lang::{Findings, Loaded};

use crate::args::{DocumentFormat, ValidateArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{FAINT, GOOD, Printer, Styled};
use crate::{drawing, plan_file};

pub(super) fn run(args: &ValidateArgs, printer: &mut Printer) -> Outcome {
    let registry = plan_file::registry()?;
    let mut exit = Exit::Succeeded;
    let mut documents = Vec::new();
    for file in &args.files {
        let loaded = plan_file::load(file, &registry);
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
