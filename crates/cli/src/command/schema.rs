//! `windlass schema plan|inventory`

use crate::args::{SchemaArgs, SchemaKind};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::Printer;

pub(super) fn run(args: &SchemaArgs, printer: &mut Printer) -> Outcome {
    let schema = match args.what {
        SchemaKind::Plan => windlass_lang::plan_schema(),
        SchemaKind::Inventory => windlass_inventory::inventory_schema(),
    };
    let text = serde_json::to_string_pretty(schema).unwrap_or_default();
    printer.line(text);
    Ok(Exit::Succeeded)
}
