//! `windlass describe KIND NAME`: what is wanted, how it stands, who changed it when.

use windlass_lang::to_yaml;

use super::{called, kind, place};
use crate::args::OneArgs;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::{FAINT, Printer, STRONG, Styled};
use crate::session::tokio_runtime;

/// How many revisions are shown.
const REVISIONS: usize = 10;

pub(in crate::command) fn describe(args: &OneArgs, printer: &mut Printer) -> Outcome {
    let kind = kind(&args.kind)?;
    let context = args.context.choose()?;
    let at = place(kind, &context.namespace);
    let (object, revisions) = tokio_runtime()?.block_on(async {
        let object = context.client.get(&at, &args.name).await?;
        Ok::<_, windlass_client::Error>((object, context.client.revisions(&at, &args.name, None).await?))
    })?;
    let metadata = &object.metadata;
    printer.line(Styled(STRONG, called(kind, &context.namespace, &metadata.name)));
    printer.line(format_args!("made     {}", metadata.created_at));
    printer.line(format_args!("changed  {}, version {}", metadata.updated_at, metadata.version));
    for (what, texts) in [("labels", &metadata.labels), ("annotations", &metadata.annotations)] {
        if !texts.is_empty() {
            printer.line(format_args!("\n{}", Styled(STRONG, what)));
            for (name, value) in texts {
                printer.line(format_args!("  {name}: {value}"));
            }
        }
    }
    for (what, value) in [("spec", &object.spec), ("status", &object.status)] {
        if !value.is_null() {
            printer.line(format_args!("\n{}", Styled(STRONG, what)));
            for line in to_yaml(value).lines() {
                printer.line(format_args!("  {line}"));
            }
        }
    }
    printer.line(format_args!("\n{}", Styled(STRONG, "revisions")));
    for revision in revisions.items.iter().take(REVISIONS) {
        printer.line(format_args!("  {:>4}  {}  {}", revision.number, revision.at, revision.by));
    }
    if revisions.items.len() > REVISIONS || revisions.next.is_some() {
        printer.line(Styled(FAINT, "        and older ones"));
    }
    if revisions.items.len() > 1 {
        printer.note(Styled(
            FAINT,
            format_args!("`windlass diff {} {}` shows what the newest one changed", args.kind, args.name),
        ));
    }
    Ok(Exit::Succeeded)
}
