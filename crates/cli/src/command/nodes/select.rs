//! `windlass nodes select SELECTION`: which nodes a selection chooses.

use serde_json::json;
use windlass_inventory::Inventory;
use windlass_lang::Evaluator;
use windlass_model::code;
use windlass_model::eval::Scope;
use windlass_model::freeze::Choice;
use windlass_model::problem::Problem;
use windlass_report::words::count;

use crate::args::{DocumentFormat, NodesSelectArgs};
use crate::drawing;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::inventory::{self, Selected};
use crate::printer::{FAINT, Printer, Styled};

pub(super) fn run(args: &NodesSelectArgs, printer: &mut Printer) -> Outcome {
    let known = inventory::must_read_for(&args.place, &args.selection, printer)?;
    let Choice { targets, warnings, .. } = choose(&known, "", &args.selection, printer)?;
    match args.output {
        DocumentFormat::Json => {
            let warnings = inventory::drawn("", &args.selection, warnings).to_json_list();
            let names: Vec<&str> = targets.names().collect();
            printer.line(json!({"nodes": names, "count": targets.len(), "warnings": warnings}));
        }
        DocumentFormat::Text => {
            let mut text = String::new();
            for name in targets.names() {
                text.push_str(name);
                text.push('\n');
            }
            printer.out(text);
            printer.note(Styled(FAINT, count(u64::from(targets.len()), "node")));
        }
    }
    Ok(Exit::Succeeded)
}

/// The nodes that a selection chooses; what is odd about it is said. That it chooses none is an error.
pub(crate) fn choose(
    known: &Inventory,
    before: &str,
    text: &str,
    printer: &mut Printer,
) -> Result<Choice, Failure> {
    let Selected { text, targets } = inventory::selected(before, text)?;
    let mut choice = known.select(&targets, &Evaluator::new(), &Scope::default());
    if choice.problems.is_empty() && choice.targets.is_empty() {
        let message = if targets.includes_nothing() {
            "the selection includes nothing"
        } else {
            "the selection chooses no node"
        };
        let problem = Problem::new(code::EMPTY_SELECTION, "", "", message);
        choice.problems.push(problem.help("`*` is everything; `windlass nodes list` lists all nodes"));
        choice.problems.append(&mut choice.warnings);
    }
    if !choice.problems.is_empty() {
        return Err(inventory::drawn(before, &text, choice.problems).into());
    }
    drawing::show(&inventory::drawn(before, &text, choice.warnings.clone()), printer);
    Ok(choice)
}
