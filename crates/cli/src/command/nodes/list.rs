//! `windlass nodes list [SELECTION]`

use serde_json::{Value, json};
use windlass_inventory::{Id, Inventory};
use windlass_model::target::Node;
use windlass_plugin::secrecy::shown;
use windlass_report::words::count;

use super::{reach, select};
use crate::args::{DocumentFormat, NodesListArgs};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::inventory;
use crate::printer::{FAINT, Printer, Styled, WARN};
use crate::table::Table;

pub(super) fn run(args: &NodesListArgs, printer: &mut Printer) -> Outcome {
    let selection = args.selection.as_deref().unwrap_or_default();
    let known = inventory::must_read_for(&args.place, selection, printer)?;
    if let Some(name) = &args.below {
        return below(&known, name, args.output, printer);
    }
    let ids: Vec<Id> = match &args.selection {
        None => (0..known.len()).collect(),
        Some(text) => {
            let chosen = select::choose(&known, "", text, printer)?.targets;
            chosen.names().filter_map(|name| known.find(name)).collect()
        }
    };
    let nodes = || ids.iter().filter_map(|id| known.node(*id));
    match args.output {
        DocumentFormat::Json => printer.line(Value::from_iter(nodes().map(|node| document(node)))),
        DocumentFormat::Text => {
            let mut table = Table::new(["NODE", "OVER", "ADDRESS", "ROLES", "GROUPS", "LABELS"]);
            for node in nodes() {
                let name = match node.active {
                    true => node.name.clone(),
                    false => format!("{} {}", node.name, Styled(WARN, "(out of service)")),
                };
                table.row([
                    name,
                    reach::way(node).to_owned(),
                    reach::addresses(node),
                    node.roles.join(", "),
                    node.groups.join(", "),
                    labels(node),
                ]);
            }
            if let Some(width) = crate::printer::out_width() {
                // `nodes show` says all of it.
                table.fit(width, &[3, 4, 1]);
            }
            printer.out(table);
            printer.note(Styled(FAINT, count(ids.len() as u64, "node")));
        }
    }
    Ok(Exit::Succeeded)
}

/// What is a part of a node, at all depths.
fn below(known: &Inventory, name: &str, output: DocumentFormat, printer: &mut Printer) -> Outcome {
    let id = inventory::find(known, name)?;
    match output {
        DocumentFormat::Json => printer.line(relatives(known, id)),
        DocumentFormat::Text => {
            printer.line(name);
            let found = known.descendants(id);
            for one in &found {
                let node = known.node(one.id).map(|node| node.name.as_str()).unwrap_or_default();
                printer.line(format_args!("{:indent$}{node}", "", indent = one.depth as usize * 2));
            }
            printer.note(Styled(FAINT, format_args!("{} below {name}", count(found.len() as u64, "node"))));
        }
    }
    Ok(Exit::Succeeded)
}

/// The nodes below one, each with the one that it is a part of.
pub(super) fn relatives(known: &Inventory, id: Id) -> Value {
    let name = |id: Id| known.node(id).map(|node| node.name.clone());
    let found = known.descendants(id);
    let found =
        found.iter().map(|one| json!({"name": name(one.id), "parent": name(one.parent), "depth": one.depth}));
    Value::from_iter(found)
}

pub(super) fn labels(node: &Node) -> String {
    node.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// A node as it was defined, with what it has from its groups.
pub(super) fn document(node: &Node) -> Value {
    let mut document = serde_json::to_value(node).unwrap_or_default();
    if let Some(vars) = document.get_mut("vars") {
        *vars = shown(vars.clone());
    }
    document
}
