//! `windlass get KIND [NAME...]`.

use serde_json::Value;
use windlass_client::{Listing, Place};
use windlass_contract::{Object, What};
use windlass_model::time::Time;
use windlass_objects::{Kind, Scope, kinds};
use windlass_report::Length;
use windlass_runtime::Clock;

use super::{kind, place, print};
use crate::args::{GetArgs, ObjectFormat};
use crate::context::Context;
use crate::drive::catch_signals;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{BAD, FAINT, Printer, Styled};
use crate::session::tokio_runtime;
use crate::table::Table;

/// How long what is said of an object may be in the table.
const SUMMARY: usize = 60;

pub(in crate::command) fn get(args: &GetArgs, printer: &mut Printer) -> Outcome {
    if args.kind == "kinds" {
        all_kinds(printer);
        return Ok(Exit::Succeeded);
    }
    let kind = kind(&args.kind)?;
    let context = args.context.choose()?;
    let at =
        if args.which.all_namespaces { Place::global(kind.plural) } else { place(kind, &context.namespace) };
    let listing = Listing {
        labels: args.which.labels.clone(),
        fields: args.which.fields.clone(),
        ..Listing::default()
    };
    tokio_runtime()?.block_on(async {
        if !args.names.is_empty() {
            return named(args, kind, &context, printer).await;
        }
        let page = context.client.list_all(&at, &listing).await?;
        if !(args.watch && args.output == ObjectFormat::Json) {
            show(args, kind, &page.items, true, printer);
        }
        if args.watch {
            let mut watched = context.client.watch(&at, &listing, Some(page.version));
            let mut signals = catch_signals()?;
            loop {
                let changed = tokio::select! {
                    _ = signals.next() => return Ok(Exit::Succeeded),
                    changed = watched.next() => changed,
                };
                let Some(changed) = changed else { return Ok(Exit::Succeeded) };
                let changed = changed?;
                match args.output {
                    ObjectFormat::Text => {
                        let word = match changed.what {
                            What::Created => "created",
                            What::Updated => "changed",
                            What::Deleted => "deleted",
                        };
                        let name = changed.object.name();
                        printer.line(format_args!("{name}  {word}  {}", summary(kind, &changed.object)));
                    }
                    _ => printer.line(serde_json::to_value(&changed).unwrap_or_default()),
                }
                if printer.is_out_closed() {
                    return Ok(Exit::Succeeded);
                }
            }
        }
        if page.items.is_empty() && args.output == ObjectFormat::Text {
            let within = match (kind.scope, args.which.all_namespaces) {
                (Scope::Namespaced, false) => format!(" in namespace {}", context.namespace),
                _ => String::new(),
            };
            printer.note(format_args!("there are no {}{within}", kind.plural));
        }
        Ok(Exit::Succeeded)
    })
}

async fn named(args: &GetArgs, kind: &'static Kind, context: &Context, printer: &mut Printer) -> Outcome {
    let (mut found, mut exit) = (Vec::new(), Exit::Succeeded);
    for name in &args.names {
        match context.client.get(&place(kind, &context.namespace), name).await {
            Ok(object) => found.push(object),
            Err(error) if error.problem().is_none() || args.names.len() == 1 => return Err(error.into()),
            Err(error) => {
                let failure = Failure::from(error);
                exit = super::files::worse(exit, failure.exit());
                failure.print(printer);
            }
        }
    }
    show(args, kind, &found, args.names.len() > 1, printer);
    Ok(exit)
}

fn show(args: &GetArgs, kind: &Kind, objects: &[Object], is_list: bool, printer: &mut Printer) {
    if args.output != ObjectFormat::Text {
        let all: Vec<Value> = objects.iter().filter_map(|object| serde_json::to_value(object).ok()).collect();
        return print::documents(args.output, &all, is_list, printer);
    }
    if objects.is_empty() {
        return;
    }
    let now = Clock::system().now();
    let mut table = Table::new(["NAMESPACE", "NAME", "WHAT", "LABELS", "CHANGED"]);
    for object in objects {
        let metadata = &object.metadata;
        let labels: Vec<String> =
            metadata.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        table.row([
            metadata.namespace.clone().unwrap_or_default(),
            metadata.name.clone(),
            summary(kind, object),
            labels.join(","),
            ago(now, metadata.updated_at),
        ]);
    }
    // What lies in no namespace has none to show.
    let hidden: &[usize] = if kind.scope == Scope::Global { &[0, 3, 4] } else { &[3, 4] };
    if kind.scope == Scope::Global {
        table.hide(0);
    }
    table.fit(crate::printer::out_width().unwrap_or(usize::MAX), hidden);
    printer.out(table);
}

fn ago(now: Time, then: Time) -> String {
    match now.since(then).as_secs() {
        0 => "now".to_owned(),
        seconds => format!("{} ago", Length(std::time::Duration::from_secs(seconds))),
    }
}

/// What of an object is worth a glance.
fn summary(kind: &Kind, object: &Object) -> String {
    let at = |pointer: &str| object.spec.pointer(pointer);
    let text = |pointer: &str| at(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let words = |pointer: &str| match at(pointer) {
        Some(Value::String(word)) => word.clone(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        _ => String::new(),
    };
    let count = |pointer: &str| match at(pointer) {
        Some(Value::Object(map)) => map.len(),
        Some(Value::Array(list)) => list.len(),
        _ => 0,
    };
    let said = match kind.name {
        "Namespace" => text("/description"),
        "Node" => {
            let rest = if at("/active") == Some(&Value::Bool(false)) {
                format!(" {}", Styled(BAD, "not active"))
            } else {
                String::new()
            };
            format!("{}{rest}", words("/addresses"))
        }
        "User" if at("/disabled") == Some(&Value::Bool(true)) => Styled(BAD, "disabled").to_string(),
        "User" => words("/groups"),
        "RoleBinding" => {
            let whom = [words("/users"), words("/groups")].into_iter().filter(|it| !it.is_empty());
            format!("{}: {} in {}", text("/role"), whom.collect::<Vec<_>>().join(","), words("/namespaces"))
        }
        "Plan" => {
            let blocks = count("/blocks");
            let said = object.metadata.annotations.get("description").cloned().unwrap_or_default();
            let s = if blocks == 1 { "" } else { "s" };
            if said.is_empty() { format!("{blocks} block{s}") } else { said }
        }
        "Freeze" => text("/reason"),
        "Secret" => format!("{} kept", count("/data")),
        "Variables" | "ClusterVariables" => format!("{} set", count("/vars")),
        _ => String::new(),
    };
    windlass_report::legible::line(&said, SUMMARY)
}

fn all_kinds(printer: &mut Printer) {
    let mut table = Table::new(["KIND", "SHORT", "WHERE", "WHAT"]);
    for kind in kinds::all() {
        let place = match kind.scope {
            Scope::Global => "everywhere",
            Scope::Namespaced => "in a namespace",
        };
        table.row([
            kind.plural.to_owned(),
            Styled(FAINT, kind.short.join(", ")).to_string(),
            place.to_owned(),
            kind.about.to_owned(),
        ]);
    }
    printer.out(table);
}
