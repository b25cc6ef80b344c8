//! The reference page of a registry's plugins, made from what they say of themselves.

mod fields;
mod yaml;

use std::fmt::Write;

use windlass_model::fact::{PluginKind, Recovery};
use windlass_model::limit::{Backoff, BackoffChoice};

use crate::about::{About, Place};
use crate::dynamic::DynPlugin;
use crate::registry::Registry;

/// The reference of all plugins in Markdown. Always the same for the same registry.
#[must_use]
pub fn docs_markdown(registry: &Registry) -> String {
    let mut page =
        String::from("<!-- Made from what the plugins say of themselves. Do not edit. -->\n\n# Plugins\n\n");
    page.push_str("What `use` can say, what `with` must then hold, and what comes back.\n\n");
    page.push_str("| Plugin | Kind | What it does |\n|---|---|---|\n");
    for plugin in registry.iter() {
        let About { name, kind, summary, .. } = plugin.about();
        let _ = writeln!(page, "| [`{name}`](#{}) | {} | {summary} |", anchor(name), word(*kind));
    }
    for plugin in registry.iter() {
        section(&mut page, &**plugin);
    }
    page
}

fn section(page: &mut String, plugin: &dyn DynPlugin) {
    let about = plugin.about();
    let _ = writeln!(page, "\n## {}\n\n{}.", about.name, capitalized(&about.summary));
    if !about.description.is_empty() {
        let _ = writeln!(page, "\n{}", about.description.trim());
    }
    let _ = writeln!(page, "\n{}", promises(about));
    let _ = writeln!(page, "\n### Request of {}\n", about.name);
    fields::table(page, plugin.request(), fields::Side::Request);
    let _ = writeln!(page, "\n### Response of {}\n", about.name);
    fields::table(page, plugin.response(), fields::Side::Response);
    if !about.examples.is_empty() {
        let _ = writeln!(page, "\n### Examples of {}", about.name);
    }
    for example in &about.examples {
        let _ = write!(page, "\n{}:\n\n```yaml\nuse: {}\n", capitalized(&example.title), about.name);
        yaml::field(page, "with", &example.request);
        page.push_str("```\n");
    }
}

fn promises(about: &About) -> String {
    let kind = match about.kind {
        PluginKind::Acting => "It may change something.",
        PluginKind::Check => "It is a check: it looks and changes nothing.",
    };
    let recovery = match (about.kind, about.recovery) {
        (PluginKind::Check, _) => "After a crash it is asked again.",
        (_, Recovery::Idempotent) => "After a crash it is done again, which is safe.",
        (_, Recovery::Verifiable) => "After a crash it looks whether its work was done, and does it if not.",
        (_, Recovery::Reattachable) => "After a crash it finds its work again and waits for its end.",
        (_, Recovery::Neither) => {
            "After a crash nobody knows whether it was done; the action's `verify` or `onInterrupt` decides."
        }
    };
    let timeout = about.timeout.map_or_else(|| "30s".to_owned(), |timeout| timeout.to_string());
    let place = match about.place {
        Place::Here => "It works where Windlass runs.",
        Place::Target => "It works on the node, and where Windlass runs when there is no node.",
        Place::Beside => "It works where Windlass runs, and asks the node for what has to be done there.",
    };
    format!("{kind} {place} {recovery} Timeout {timeout}, backoff {}.", backoff(about.backoff))
}

fn backoff(choice: BackoffChoice) -> String {
    match choice {
        BackoffChoice::Fast => "`fast`".to_owned(),
        BackoffChoice::Seconds => "`seconds`".to_owned(),
        BackoffChoice::ThirtySeconds => "`thirtySeconds`".to_owned(),
        BackoffChoice::Custom(Backoff { initial, factor, jitter, max }) => {
            format!("{initial} × {factor} ± {} %, at most {max}", (jitter * 100.0).round())
        }
    }
}

fn word(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Acting => "acting",
        PluginKind::Check => "check",
    }
}

/// The anchor that Markdown renderers give a heading.
fn anchor(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
