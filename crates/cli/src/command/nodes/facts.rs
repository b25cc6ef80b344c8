//! `windlass nodes facts [SELECTION]`: what nodes report of themselves, kept for an hour unless another age is asked for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use windlass_contract::NodeFacts;
use windlass_model::target::Node;
use windlass_model::time::Time;
use windlass_model::{Map, Value};
use windlass_report::words::count;
use windlass_report::{Length, legible};
use windlass_runtime::Clock;

use super::select;
use crate::args::{DocumentFormat, NodesFactsArgs};
use crate::context::Context;
use crate::exit::Exit;
use crate::facts::{self, Kept, Known, remote};
use crate::failure::{Failure, Outcome};
use crate::inventory;
use crate::printer::{BAD, FAINT, Printer, Styled};
use crate::session::tokio_runtime;
use crate::table::Table;
use crate::{plan_file, reach, secrets};

/// How long a message may be in the table.
const MESSAGE: usize = 120;

/// How old what is kept may be, where nobody says so.
const USUAL_AGE: Duration = Duration::from_secs(3600);

/// A node, and what is known of it or why nothing is.
struct Row {
    node: String,
    known: Result<Facts, String>,
}

/// What a node reported, and when.
struct Facts {
    at: Time,
    facts: Map,
}

pub(super) fn run(args: &NodesFactsArgs, printer: &mut Printer) -> Outcome {
    let selection = args.selection.as_deref().unwrap_or("*");
    let max_age = if args.refresh { Some(Duration::ZERO) } else { args.max_age.map(|age| age.0) };
    let rows = match inventory::server_at(&args.place)? {
        Some(server) => {
            refuse_local(args)?;
            tokio_runtime()?.block_on(of_server(&server, selection, max_age, printer))?
        }
        None => {
            let inventory = inventory::must_read_for(&args.place, selection, printer)?;
            let chosen = select::choose(&inventory, "", selection, printer)?.targets;
            let nodes = chosen.names().filter_map(|name| inventory.node(inventory.find(name)?).cloned());
            tokio_runtime()?.block_on(known(nodes.collect(), max_age.unwrap_or(USUAL_AGE), args))?
        }
    };
    match args.output {
        DocumentFormat::Json => printer.line(Value::from_iter(rows.iter().map(document))),
        DocumentFormat::Text => match rows.as_slice() {
            [Row { node, known: Ok(known) }] => {
                printer.out(format_args!("{:#}\n", Value::Object(known.facts.clone())));
                let age = Length(age(known.at));
                printer.note(Styled(FAINT, format_args!("{node}, asked {age} ago")));
            }
            rows => table(rows, printer),
        },
    }
    let failed = rows.iter().any(|row| row.known.is_err());
    Ok(if failed { Exit::Failed } else { Exit::Succeeded })
}

/// How long ago that was.
fn age(at: Time) -> Duration {
    Clock::system().now().since(at)
}

/// What is for nodes that are reached from here.
fn refuse_local(args: &NodesFactsArgs) -> Result<(), Failure> {
    for (is_given, what) in [
        (args.secrets.file.is_some(), "--secrets"),
        (args.reach.connect_at_once.is_some(), "--connect-at-once"),
    ] {
        if is_given {
            let message =
                format!("{what} is for nodes that are asked from here, and a server is to ask these");
            return Err(
                Failure::usage(message).help("leave it out, or give --inventory instead of --context")
            );
        }
    }
    Ok(())
}

/// What a server knows, and what its nodes answer now where that is too old.
async fn of_server(
    server: &Context,
    selection: &str,
    max_age: Option<Duration>,
    printer: &mut Printer,
) -> Result<Vec<Row>, Failure> {
    let mut items = server.client.node_facts(&server.namespace, selection).await?.items;
    let mut asked = None;
    if let Some(max_age) = max_age {
        asked = remote::refresh(server, &items, max_age, printer).await?;
        if asked.is_some() {
            items = server.client.node_facts(&server.namespace, selection).await?.items;
        }
    }
    let missing = match asked.as_ref() {
        Some(asked) => {
            let show = server.typed().command(format!("runs show {}", asked.run));
            format!("it did not answer; `{show}` says why")
        }
        None => "it has reported nothing; --refresh asks it".to_owned(),
    };
    let is_old = |node: &str, at: Time| asked.as_ref().is_some_and(|asked| asked.is_missing(node, at));
    let row = |known: NodeFacts| {
        let at = remote::at(&known).filter(|at| !is_old(&known.node, *at));
        let NodeFacts { node, facts, .. } = known;
        let known = at.map(|at| Facts { at, facts });
        Row { known: known.ok_or_else(|| missing.clone()), node }
    };
    Ok(items.into_iter().map(row).collect())
}

/// What is kept and young enough, and for the rest what the nodes answer now.
async fn known(nodes: Vec<Arc<Node>>, max_age: Duration, args: &NodesFactsArgs) -> Result<Vec<Row>, Failure> {
    let kept = Kept::usual()?;
    let mut rows: Vec<Row> = Vec::with_capacity(nodes.len());
    let mut stale = Vec::new();
    for node in nodes {
        match kept.get(&node).filter(|known| known.is_younger_than(max_age)) {
            Some(known) => rows.push(row(&node, Ok(known))),
            None => stale.push(node),
        }
    }
    if !stale.is_empty() {
        let fleet = reach::fleet(&args.reach, secrets::provider(None, args.secrets.file.as_deref())?);
        let answers = facts::ask(stale, &plan_file::registry()?, &fleet, &kept).await?;
        rows.extend(
            answers.into_iter().map(|(node, answer)| row(&node, answer.map_err(|error| error.to_string()))),
        );
    }
    rows.sort_by(|a, b| a.node.cmp(&b.node));
    Ok(rows)
}

fn row(node: &Node, known: Result<Known, String>) -> Row {
    let known = known.map(|known| Facts { at: Time(known.at), facts: known.facts });
    Row { node: node.name.clone(), known }
}

fn document(Row { node, known }: &Row) -> Value {
    match known {
        Ok(known) => json!({
            "node": node,
            "at": known.at.to_string(),
            "ageSeconds": age(known.at).as_secs(),
            "facts": known.facts,
        }),
        Err(why) => json!({"node": node, "error": why}),
    }
}

fn table(rows: &[Row], printer: &mut Printer) {
    let mut table = Table::new(["NODE", "AGE", "OS", "KERNEL", "CPUS", "MEMORY", "INIT", "PACKAGES"]);
    for Row { node, known } in rows {
        let Ok(known) = known else { continue };
        let at = |pointer: &str| {
            Value::Object(known.facts.clone()).pointer(pointer).map(shown).unwrap_or_default()
        };
        let memory = known.facts.get("memory").and_then(|memory| memory.get("total")?.as_u64());
        let os = format!("{} {}", at("/os/name"), at("/os/version"));
        table.row([
            node.clone(),
            Length(age(known.at)).to_string(),
            os.trim().to_owned(),
            at("/kernel/release"),
            at("/cpu/count"),
            memory.map_or_else(String::new, |bytes| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))),
            at("/init"),
            at("/packages"),
        ]);
    }
    printer.out(table);
    for (node, why) in rows.iter().filter_map(|row| Some((&row.node, row.known.as_ref().err()?))) {
        printer.note(format_args!("{node} {}: {}", Styled(BAD, "failed"), legible::line(why, MESSAGE * 4)));
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
