//! `windlass nodes facts [SELECTION]`: what nodes report of themselves, kept for an hour unless another age is asked for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use windlass_model::target::Node;
use windlass_model::time::Time;
use windlass_report::words::count;
use windlass_report::{Length, legible};

use super::select;
use crate::args::{DocumentFormat, NodesFactsArgs};
use crate::exit::Exit;
use crate::facts::{self, Kept, Known};
use crate::failure::{Failure, Outcome};
use crate::inventory;
use crate::printer::{BAD, FAINT, Printer, Styled};
use crate::session::tokio_runtime;
use crate::table::Table;
use crate::{plan_file, reach, secrets};

/// How long a message may be in the table.
const MESSAGE: usize = 120;

/// A node, and what is known of it or why nothing is.
type Row = (Arc<Node>, Result<Known, String>);

pub(super) fn run(args: &NodesFactsArgs, printer: &mut Printer) -> Outcome {
    let inventory = inventory::must_read(&args.inventory, printer)?;
    let selection = args.selection.as_deref().unwrap_or("*");
    let chosen = select::choose(&inventory, "", selection, printer)?.targets;
    let nodes = chosen.names().filter_map(|name| inventory.node(inventory.find(name)?).cloned());
    let max_age = if args.refresh { Duration::ZERO } else { args.max_age.0 };
    let rows = tokio_runtime()?.block_on(known(nodes.collect(), max_age, args))?;
    match args.output {
        DocumentFormat::Json => printer.line(Value::from_iter(rows.iter().map(document))),
        DocumentFormat::Text => match rows.as_slice() {
            [(node, Ok(known))] => {
                printer.out(format_args!("{:#}\n", Value::Object(known.facts.clone())));
                let age = Length(known.age());
                printer.note(Styled(FAINT, format_args!("{}, asked {age} ago", node.name)));
            }
            rows => table(rows, printer),
        },
    }
    let failed = rows.iter().any(|(_, known)| known.is_err());
    Ok(if failed { Exit::Failed } else { Exit::Succeeded })
}

/// What is kept and young enough, and for the rest what the nodes answer now.
async fn known(nodes: Vec<Arc<Node>>, max_age: Duration, args: &NodesFactsArgs) -> Result<Vec<Row>, Failure> {
    let kept = Kept::usual()?;
    let mut rows: Vec<Row> = Vec::with_capacity(nodes.len());
    let mut stale = Vec::new();
    for node in nodes {
        match kept.get(&node).filter(|known| known.is_younger_than(max_age)) {
            Some(known) => rows.push((node, Ok(known))),
            None => stale.push(node),
        }
    }
    if !stale.is_empty() {
        let fleet = reach::fleet(&args.reach, secrets::provider(None, args.secrets.file.as_deref())?);
        let answers = facts::ask(stale, &plan_file::registry()?, &fleet, &kept).await?;
        rows.extend(
            answers.into_iter().map(|(node, answer)| (node, answer.map_err(|error| error.to_string()))),
        );
    }
    rows.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(rows)
}

fn document((node, known): &Row) -> Value {
    match known {
        Ok(known) => json!({
            "node": node.name,
            "at": Time(known.at).to_string(),
            "ageSeconds": known.age().as_secs(),
            "facts": known.facts,
        }),
        Err(why) => json!({"node": node.name, "error": why}),
    }
}

fn table(rows: &[Row], printer: &mut Printer) {
    let mut table = Table::new(["NODE", "AGE", "OS", "KERNEL", "CPUS", "MEMORY", "INIT", "PACKAGES"]);
    for (node, known) in rows {
        let Ok(known) = known else { continue };
        let at = |pointer: &str| {
            Value::Object(known.facts.clone()).pointer(pointer).map(shown).unwrap_or_default()
        };
        let memory = known.facts.get("memory").and_then(|memory| memory.get("total")?.as_u64());
        let os = format!("{} {}", at("/os/name"), at("/os/version"));
        table.row([
            node.name.clone(),
            Length(known.age()).to_string(),
            os.trim().to_owned(),
            at("/kernel/release"),
            at("/cpu/count"),
            memory.map_or_else(String::new, |bytes| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))),
            at("/init"),
            at("/packages"),
        ]);
    }
    printer.out(table);
    for (node, why) in rows.iter().filter_map(|(node, known)| Some((node, known.as_ref().err()?))) {
        printer.note(format_args!(
            "{} {}: {}",
            node.name,
            Styled(BAD, "failed"),
            legible::line(why, MESSAGE * 4)
        ));
    }
    printer.note(Styled(FAINT, count(rows.len() as u64, "node")));
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => legible::line(text, MESSAGE),
        other => other.to_string(),
    }
}
