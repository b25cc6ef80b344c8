//! `windlass diff`: what a file would change, or what revisions differ in.

use serde_json::{Value, json};
use windlass_client::Write;
use windlass_contract::{Applied, Difference, Object};

use super::{called, files, kind, place};
use crate::args::DiffArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{BAD, GOOD, Printer, STRONG, Styled};
use crate::session::tokio_runtime;

pub(in crate::command) fn diff(args: &DiffArgs, printer: &mut Printer) -> Outcome {
    let context = args.context.choose()?;
    let Some(name) = &args.name else { return would(args, &context, printer) };
    let word = args.what.to_string_lossy();
    let kind = kind(&word)?;
    let at = place(kind, &context.namespace);
    let found =
        tokio_runtime()?.block_on(async { context.client.diff(&at, name, args.from, args.to).await })?;
    show(&called(kind, &context.namespace, name), &found.items, printer);
    Ok(if found.items.is_empty() { Exit::Succeeded } else { Exit::Failed })
}

/// What applying files would change.
fn would(args: &DiffArgs, context: &crate::context::Context, printer: &mut Printer) -> Outcome {
    let all = files::read(std::slice::from_ref(&args.what), &context.namespace)?;
    let write = Write { dry_run: true, version: None };
    tokio_runtime()?.block_on(async {
        let mut exit = Exit::Succeeded;
        for one in &all {
            let at = place(one.kind, &one.namespace);
            let is_called = called(one.kind, &one.namespace, &one.name);
            let before = match context.client.get(&at, &one.name).await {
                Ok(object) => wanted(&object),
                Err(error) if error.problem().is_some_and(|it| it.status == 404) => json!({}),
                Err(error) => return Err(error.into()),
            };
            match context.client.apply(&at, &one.name, &one.document, write).await {
                Ok(applied) if applied.applied == Applied::Unchanged => {}
                Ok(applied) => {
                    let items = windlass_objects::diff(&before, &wanted(&applied.object));
                    show(&is_called, &items, printer);
                    exit = files::worse(exit, Exit::Failed);
                }
                Err(error) if error.problem().is_none() => return Err(error.into()),
                Err(error) => {
                    let failure: Failure = one.failure(error);
                    exit = files::worse(exit, failure.exit());
                    printer.note(format_args!("{is_called}:"));
                    failure.print(printer);
                }
            }
        }
        Ok(exit)
    })
}

/// What somebody wants of an object.
fn wanted(object: &Object) -> Value {
    let metadata = &object.metadata;
    json!({"labels": metadata.labels, "annotations": metadata.annotations, "spec": object.spec})
}

fn show(is_called: &str, items: &[Difference], printer: &mut Printer) {
    if items.is_empty() {
        return;
    }
    printer.line(Styled(STRONG, is_called));
    for item in items {
        printer.line(format_args!("  {}", if item.pointer.is_empty() { "/" } else { &item.pointer }));
        for (sign, style, value) in [("-", BAD, &item.from), ("+", GOOD, &item.to)] {
            let Some(value) = value else { continue };
            for line in windlass_lang::to_yaml(value).lines() {
                printer.line(format_args!("    {}", Styled(style, format_args!("{sign} {line}"))));
            }
        }
    }
}
