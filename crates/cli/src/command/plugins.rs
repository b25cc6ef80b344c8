//! `windlass plugins list|show`

use serde_json::json;
use windlass_model::fact::PluginKind;
use windlass_model::{code, name};
use windlass_plugin::Registry;

use crate::args::{DocumentFormat, PluginsArgs, PluginsCommand};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::plan_file;
use crate::printer::{FAINT, Printer, STRONG, Styled};
use crate::table::Table;

pub(super) fn run(args: &PluginsArgs, printer: &mut Printer) -> Outcome {
    let registry = plan_file::registry()?;
    match &args.command {
        PluginsCommand::List { output: DocumentFormat::Json } => {
            let facts = registry.catalog();
            let list: Vec<_> = facts
                .iter()
                .map(|facts| json!({"name": facts.name, "kind": facts.kind, "summary": facts.summary}))
                .collect();
            printer.line(serde_json::Value::from(list));
        }
        PluginsCommand::List { output: DocumentFormat::Text } => list(&registry, printer),
        PluginsCommand::Show { name, output } => show(&registry, name, *output, printer)?,
    }
    Ok(Exit::Succeeded)
}

fn list(registry: &Registry, printer: &mut Printer) {
    let mut table = Table::new(["PLUGIN", "KIND", "WHAT IT DOES"]);
    for facts in registry.catalog().iter() {
        let kind = match facts.kind {
            PluginKind::Acting => Styled(STRONG, "acting"),
            PluginKind::Check => Styled(FAINT, "check"),
        };
        table.row([facts.name.clone(), kind.to_string(), facts.summary.clone()]);
    }
    printer.out(table);
}

fn show(
    registry: &Registry,
    wanted: &str,
    output: DocumentFormat,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let Some(plugin) = registry.get(wanted) else {
        let near = name::nearest(wanted, registry.names());
        let failure =
            Failure::new(Exit::Invalid, code::UNKNOWN_PLUGIN, format!("there is no plugin `{wanted}`"));
        return Err(failure.help(match near {
            Some(near) => format!("did you mean `{near}`? `windlass plugins list` lists all"),
            None => "`windlass plugins list` lists all".to_owned(),
        }));
    };
    match output {
        DocumentFormat::Json => {
            let about = plugin.about();
            let examples =
                about.examples.iter().map(|example| json!({"title": example.title, "with": example.request}));
            let document = json!({
                "name": about.name,
                "kind": about.kind,
                "summary": about.summary,
                "description": about.description,
                "recovery": about.recovery,
                "request": plugin.request().schema(),
                "response": plugin.response().schema(),
                "examples": examples.collect::<Vec<_>>(),
            });
            printer.line(format_args!("{document:#}"));
        }
        DocumentFormat::Text => {
            let mut only = Registry::new();
            if only.register_dyn(plugin).is_ok() {
                let page = windlass_plugin::docs_markdown(&only);
                // The head of the page lists all plugins, which here are one.
                let page = page.find("\n## ").and_then(|at| page.get(at + 1..)).unwrap_or(&page);
                printer.out(super::explain::styled(page));
            }
        }
    }
    Ok(())
}
