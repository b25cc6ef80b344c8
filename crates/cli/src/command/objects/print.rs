//! Objects as documents.

use serde_json::Value;
use windlass_lang::to_yaml;

use crate::args::ObjectFormat;
use crate::printer::Printer;

/// Prints documents: as a list where several were asked for.
pub(in crate::command) fn documents(
    format: ObjectFormat,
    all: &[Value],
    is_list: bool,
    printer: &mut Printer,
) {
    match format {
        ObjectFormat::Json if is_list => printer.line(Value::from_iter(all.iter().cloned())),
        ObjectFormat::Json | ObjectFormat::Jsonl => all.iter().for_each(|one| printer.line(one)),
        ObjectFormat::Yaml | ObjectFormat::Text => {
            for (index, one) in all.iter().enumerate() {
                if index > 0 {
                    printer.line("---");
                }
                printer.out(to_yaml(one));
            }
        }
    }
}
