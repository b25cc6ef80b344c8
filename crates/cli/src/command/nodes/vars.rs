//! `windlass nodes vars NODE [--blame]`: the variables that count, and who supplies them.

use std::sync::Arc;

use serde_json::{Value, json};
use windlass_inventory::{Id, Inventory};
use windlass_lang::Evaluator;
use windlass_model::Map;
use windlass_model::code;
use windlass_model::eval::{Evaluate as _, Scope, has_template};
use windlass_model::vars::Blame;
use windlass_plugin::secrecy::shown_under;
use windlass_report::legible;

use crate::args::{DocumentFormat, NodeVarsArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::inventory;
use crate::printer::{BAD, FAINT, Printer, Styled};
use crate::table::Table;

/// How long a value may be on its line.
const VALUE: usize = 100;

/// A variable of a node.
pub(super) struct Var {
    pub(super) blame: Blame,
    /// What it comes to, or why it comes to nothing.
    pub(super) value: Result<Value, String>,
}

pub(super) fn run(args: &NodeVarsArgs, printer: &mut Printer) -> Outcome {
    let known = inventory::must_read_at(&args.place, printer)?;
    let id = inventory::find(&known, &args.name)?;
    let vars = of(&known, id);
    match args.output {
        DocumentFormat::Json => printer.line(match args.blame {
            true => Value::from_iter(vars.iter().map(blamed)),
            false => Value::Object(resolved(&vars)),
        }),
        DocumentFormat::Text if vars.is_empty() => printer.note("no variables"),
        DocumentFormat::Text if args.blame => {
            let mut table = Table::new(["VARIABLE", "VALUE", "FROM", "HIDES"]);
            for var in &vars {
                let hides = var.blame.hides.iter().map(|hidden| {
                    let value = shown_under(&var.blame.key, hidden.value.clone());
                    format!("{} ({})", hidden.from, line(&value))
                });
                let written = shown_under(&var.blame.key, var.blame.value.clone());
                let value = match &var.value {
                    Ok(value) if *value == written => line(value),
                    Ok(value) => {
                        format!("{} {}", line(value), Styled(FAINT, format_args!("= {}", line(&written))))
                    }
                    Err(_) => format!("{} {}", Styled(BAD, "not known"), Styled(FAINT, line(&written))),
                };
                let hides = hides.collect::<Vec<_>>().join(", ");
                table.row([var.blame.key.clone(), value, var.blame.from.to_string(), hides]);
            }
            printer.out(table);
        }
        DocumentFormat::Text => {
            let width = vars.iter().map(|var| var.blame.key.len()).max().unwrap_or(0);
            for var in &vars {
                printer.line(format_args!("{:width$}  {}", var.blame.key, in_words(var)));
            }
        }
    }
    failures(&args.name, &vars)
}

/// The variables of a node, each as it comes out, in the order of their names.
pub(super) fn of(known: &Inventory, id: Id) -> Vec<Var> {
    let vars = known.vars(id);
    let eval = Evaluator::new();
    let scope = Scope { vars: Arc::new(vars.clone()), node: known.node(id).cloned(), ..Scope::default() };
    let mut all = vars.blame();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    let var = |blame: Blame| {
        let written = shown_under(&blame.key, blame.value.clone());
        let value = match has_template(&written) {
            false => Ok(written),
            true => match eval.render(&written, &scope) {
                Ok(rendered) => Ok(shown_under(&blame.key, rendered.clear)),
                Err(why) => Err(why.to_string()),
            },
        };
        Var { blame, value }
    };
    all.into_iter().map(var).collect()
}

/// A variable's value in one line.
pub(super) fn in_words(var: &Var) -> String {
    match &var.value {
        Ok(value) => line(value),
        Err(why) => format!("{} {}", Styled(BAD, "not known:"), why),
    }
}

/// Every variable that has a value.
pub(super) fn resolved(vars: &[Var]) -> Map {
    let known = vars.iter().filter_map(|var| Some((var.blame.key.clone(), var.value.clone().ok()?)));
    known.collect()
}

fn blamed(var: &Var) -> Value {
    let key = &var.blame.key;
    let hides = var.blame.hides.iter().map(
        |hidden| json!({"from": hidden.from.to_string(), "value": shown_under(key, hidden.value.clone())}),
    );
    let mut document =
        json!({"key": key, "from": var.blame.from.to_string(), "hides": hides.collect::<Vec<_>>()});
    if let Some(map) = document.as_object_mut() {
        match &var.value {
            Ok(value) => map.insert("value".into(), value.clone()),
            Err(why) => map.insert("error".into(), why.as_str().into()),
        };
        if has_template(&var.blame.value) {
            map.insert("computed".into(), shown_under(key, var.blame.value.clone()));
        }
    }
    document
}

/// That some cannot be computed, where that is not because only a run knows what they need.
fn failures(name: &str, vars: &[Var]) -> Outcome {
    let circles = vars.iter().filter_map(|var| {
        let why = var.value.as_ref().err()?;
        is_circle(why).then(|| format!("vars.{}: {why}", var.blame.key))
    });
    let circles: Vec<String> = circles.collect();
    let Some(first) = circles.first() else { return Ok(Exit::Succeeded) };
    let message = format!("variables of {name} are made from each other: {first}");
    Err(Failure::new(Exit::Invalid, code::VAR_CYCLE, message)
        .help("give one of them a value of its own; --blame names who supplies each"))
}

fn is_circle(why: &str) -> bool {
    why.contains("in a circle")
}

fn line(value: &Value) -> String {
    match value {
        Value::String(text) => legible::line(text, VALUE),
        other => legible::line(&other.to_string(), VALUE),
    }
}
