//! `windlass nodes show NODE`: everything that is known of a node.

use std::fmt::Write as _;

use serde_json::{Value, json};
use windlass_contract::{AtLock, NodeLock};
use windlass_inventory::{Id, Inventory};
use windlass_model::target::Node;

use super::{list, reach, vars};
use crate::args::{DocumentFormat, NodeShowArgs};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::inventory;
use crate::printer::{FAINT, Printer, STRONG, Styled, WARN};

/// How many nodes below one are listed.
const LISTED: usize = 50;

pub(super) fn run(args: &NodeShowArgs, printer: &mut Printer) -> Outcome {
    let known = inventory::must_read_at(&args.place, printer)?;
    let id = inventory::find(&known, &args.name)?;
    let Some(node) = known.node(id) else { return Ok(Exit::Succeeded) };
    let lock = inventory::lock_at(&args.place, &node.name)?;
    match args.output {
        DocumentFormat::Json => {
            printer.line(format_args!("{:#}", document(&known, id, node, lock.as_ref())));
        }
        DocumentFormat::Text => printer.out(text(&known, id, node, lock.as_ref())),
    }
    Ok(Exit::Succeeded)
}

fn document(known: &Inventory, id: Id, node: &Node, lock: Option<&NodeLock>) -> Value {
    let mut document = list::document(node);
    let ancestors = known.ancestors(id).filter_map(|id| known.node(id)).map(|node| node.name.as_str());
    if let Some(map) = document.as_object_mut() {
        map.insert("active".into(), node.active.into());
        map.insert("ancestors".into(), ancestors.collect::<Vec<_>>().into());
        map.insert("descendants".into(), list::relatives(known, id));
        map.insert("vars".into(), json!(vars::resolved(&vars::of(known, id))));
        if let Some(lock) = lock {
            map.insert("lock".into(), json!(lock));
        }
    }
    document
}

fn text(known: &Inventory, id: Id, node: &Node, lock: Option<&NodeLock>) -> String {
    let mut page = String::new();
    let state = if node.active { String::new() } else { format!("  {}", Styled(WARN, "out of service")) };
    // Writing into a text cannot fail.
    let _ = writeln!(page, "{}{state}", Styled(STRONG, &node.name));
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(page, "   {} {value}", Styled(FAINT, format_args!("{name:<10}")));
        }
    };
    field("address", &reach::addresses(node));
    let settings = node.transport.as_deref().map(reach::settings).unwrap_or_default();
    let way = std::iter::once(reach::way(node).to_owned()).chain(settings).collect::<Vec<_>>().join(" · ");
    field("over", &way);
    field("roles", &node.roles.join(", "));
    field("groups", &node.groups.join(", "));
    field("labels", &list::labels(node));
    if let Some(lock) = lock {
        field("lock", &lock.holder.as_ref().map_or_else(|| "free".to_owned(), held));
        for (index, waiting) in lock.waiting.iter().enumerate() {
            field(if index == 0 { "waiting" } else { "" }, &run_of(waiting));
        }
    }
    let above: Vec<&str> =
        known.ancestors(id).filter_map(|id| known.node(id)).map(|node| node.name.as_str()).collect();
    field("part of", &above.join(" → "));
    let below = known.descendants(id);
    for (index, one) in below.iter().take(LISTED).enumerate() {
        let name = known.node(one.id).map(|node| node.name.as_str()).unwrap_or_default();
        let title = if index == 0 { "below it" } else { "" };
        field(title, &format!("{:indent$}{name}", "", indent = (one.depth as usize - 1) * 2));
    }
    if let Some(more) = below.len().checked_sub(LISTED).filter(|more| *more > 0) {
        field("", &format!("… and {more} more; `windlass nodes list --below {}` lists all", node.name));
    }
    for (index, (key, value)) in node.facts.iter().enumerate() {
        field(if index == 0 { "facts" } else { "" }, &format!("{key} = {value}"));
    }
    for (index, var) in vars::of(known, id).iter().enumerate() {
        let title = if index == 0 { "variables" } else { "" };
        field(title, &format!("{} = {}", var.blame.key, vars::in_words(var)));
    }
    page
}

/// Who has a lock, and what they do with it.
fn held(holder: &AtLock) -> String {
    let within = format!("{}/", holder.address);
    let at_work: Vec<&str> =
        holder.at_work.iter().map(|it| it.strip_prefix(&within).unwrap_or(it.as_str())).collect();
    match at_work.as_slice() {
        [] => format!("held by {}", run_of(holder)),
        at_work => format!("held by {}, at work: {}", run_of(holder), at_work.join(", ")),
    }
}

fn run_of(at: &AtLock) -> String {
    let Some(run) = at.run else { return "a run that you may not see".to_owned() };
    let place = if at.address.is_empty() { String::new() } else { format!(" at {}", at.address) };
    format!("run {run} of {} in {}, by {}{place}", at.plan, at.namespace, at.user)
}
