//! `windlass docs WHAT`: reference documents that are made from the code and committed.

use std::fmt::Write;

use clap::{Arg, ArgAction, Command, CommandFactory};

use crate::args::{Cli, DocsArgs, DocsKind};
use crate::exit::{Exit, TABLE};
use crate::failure::Outcome;
use crate::plan_file;
use crate::printer::Printer;

const HEAD: &str = "\
<!-- Made by `cargo xtask docs` from the command itself. Do not edit. -->

# The command line

`windlass help` says the same in the terminal, and `windlass man DIR` writes it as man pages.

";

pub(super) fn run(args: &DocsArgs, printer: &mut Printer) -> Outcome {
    match args.what {
        DocsKind::Cli => printer.out(reference()),
        DocsKind::Api => printer.out(api()),
        DocsKind::Metrics => printer.out(windlass_server::metrics_reference()),
        DocsKind::ServerConfig => printer.out(crate::settings::reference()),
        DocsKind::Plugins => printer.out(windlass_plugin::docs_markdown(&plan_file::registry()?)),
    }
    Ok(Exit::Succeeded)
}

fn reference() -> String {
    let mut page = String::from(HEAD);
    page.push_str("## Exit codes\n\n| Code | Meaning |\n|---|---|\n");
    for (exit, meaning) in TABLE {
        let _ = writeln!(page, "| {} | {meaning} |", exit.code());
    }
    page.push_str("\n## Commands\n\n| Command | For |\n|---|---|\n");
    let mut command = Cli::command();
    command.build();
    let commands = leaves(&command, "windlass");
    for (path, command) in &commands {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "| [`{path}`](#{}) | {about} |", path.replace(' ', "-"));
    }
    for (path, command) in &commands {
        section(&mut page, path, command);
    }
    page
}

/// The commands that do something, in the order of the help.
fn leaves<'a>(command: &'a Command, path: &str) -> Vec<(String, &'a Command)> {
    let mut found = Vec::new();
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let path = format!("{path} {}", sub.get_name());
        if sub.has_subcommands() {
            found.extend(leaves(sub, &path));
        } else {
            found.push((path, sub));
        }
    }
    found
}

fn section(page: &mut String, path: &str, command: &Command) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(page, "\n## {path}\n\n{about}\n");
    let _ = writeln!(page, "```console\n$ {}\n```", usage(path, command));
    let arguments: Vec<&Arg> =
        command.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_id() != "help").collect();
    if !arguments.is_empty() {
        page.push_str("\n| Argument | Default | Meaning |\n|---|---|---|\n");
    }
    for arg in arguments {
        let help =
            arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let help = help.replace("\n\n", " ").replace('\n', " ").replace('|', "\\|");
        let stop = if help.ends_with('.') { "" } else { "." };
        let default: Vec<String> =
            match arg.is_hide_default_value_set() || matches!(arg.get_action(), ArgAction::SetTrue) {
                true => Vec::new(),
                false => arg
                    .get_default_values()
                    .iter()
                    .map(|value| format!("`{}`", value.to_string_lossy()))
                    .collect(),
            };
        let choices: Vec<String> = match arg.is_hide_possible_values_set() || !arg.get_action().takes_values()
        {
            true => Vec::new(),
            false => {
                arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect()
            }
        };
        let choices =
            if choices.is_empty() { String::new() } else { format!(" One of {}.", choices.join(", ")) };
        let _ = writeln!(page, "| `{}` | {} | {help}{stop}{choices} |", name(arg), default.join(", "));
    }
    if let Some(after) = command.get_after_help() {
        let _ = writeln!(page, "\n```text\n{}\n```", after.to_string().trim_end());
    }
}

fn usage(path: &str, command: &Command) -> String {
    let mut usage = path.to_owned();
    for arg in command.get_positionals() {
        let many =
            if matches!(arg.get_num_args(), Some(range) if range.max_values() > 1) { "..." } else { "" };
        let value = value_name(arg);
        let _ = match arg.is_required_set() {
            true => write!(usage, " {value}{many}"),
            false => write!(usage, " [{value}]{many}"),
        };
    }
    if command.get_opts().next().is_some() {
        usage.push_str(" [OPTIONS]");
    }
    usage
}

fn name(arg: &Arg) -> String {
    let value = if arg.get_action().takes_values() { value_name(arg) } else { String::new() };
    match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long} {value}"),
        (None, Some(long)) => format!("--{long} {value}"),
        (Some(short), None) => format!("-{short} {value}"),
        (None, None) => value,
    }
    .trim_end()
    .to_owned()
}

fn value_name(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names.first().map_or_else(|| arg.get_id().to_string().to_uppercase(), ToString::to_string)
}

/// The OpenAPI document, a line for each thing, so that what changes can be read.
fn api() -> String {
    let text = serde_json::to_string_pretty(windlass_server::api_document()).unwrap_or_default();
    format!("{text}\n")
}
