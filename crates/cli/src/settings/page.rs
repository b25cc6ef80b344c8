//! The example and the reference page, made from the declaration.

use std::fmt::Write as _;

use super::declared::{ALL, TABLES};
use super::{Setting, Sort};

const EXAMPLE_HEAD: &str = "\
# Settings of `windlass server`, all of them, each with what it is unless it is set.
# Take away the # before those that you want otherwise, then:
#   windlass server config check server.toml
#   windlass server --config server.toml
# A variable counts for more than this file, a flag for more than both.
";

const PAGE_HEAD: &str = "\
<!-- Made by `cargo xtask docs` from the declaration of the settings. Do not edit. -->

# Settings of a server

`windlass server` takes its settings from a file in TOML (`--config FILE`, or `$WINDLASS_SERVER_CONFIG`), from variables and from flags.
A flag counts for more than a variable, a variable for more than the file, the file for more than the default. What has no flag
of its own is set with `--set KEY=VALUE`.

Unknown keys and variables that begin with `WINDLASS_SERVER_` and mean nothing are refused, with the one that was meant. Everything
that is wrong is said at once, with its line.

```console
$ windlass server config example > server.toml
$ windlass server config check server.toml
```

";

/// A file with every setting, commented out.
pub(crate) fn example() -> String {
    let mut text = String::from(EXAMPLE_HEAD);
    for (table, settings) in by_table() {
        if let Some((name, about)) = table {
            let _ = write!(text, "\n\n# {about}\n[{name}]\n");
        }
        for setting in settings {
            text.push('\n');
            for line in wrapped(setting.about.trim(), 96) {
                let _ = writeln!(text, "# {line}");
            }
            let also = match setting.flag {
                "" => format!("${}", setting.variable()),
                flag => format!("{flag}, ${}", setting.variable()),
            };
            let _ = writeln!(text, "# {also}");
            let value = match setting.default {
                "" => setting.example,
                default => default,
            };
            let _ = writeln!(text, "#{} = {}", setting.place().1, toml(setting, value));
        }
    }
    text
}

/// The reference page.
pub(crate) fn reference() -> String {
    let mut page = String::from(PAGE_HEAD);
    for (table, settings) in by_table() {
        match table {
            None => page.push_str("## At the top\n\n"),
            Some((name, about)) => {
                let _ = write!(page, "\n## `[{name}]`\n\n{about}\n\n");
            }
        }
        page.push_str("| Key | Flag | Variable | Default | Meaning |\n|---|---|---|---|---|\n");
        for setting in settings {
            let flag = if setting.flag.is_empty() { String::new() } else { format!("`{}`", setting.flag) };
            let default = match setting.default {
                "" => String::new(),
                default => format!("`{}`", toml(setting, default)),
            };
            let _ = writeln!(
                page,
                "| `{}` | {flag} | `{}` | {default} | {} Write {}, such as `{}`. |",
                setting.key,
                setting.variable(),
                setting.about.trim().replace('|', "\\|"),
                setting.expects,
                toml(setting, setting.example),
            );
        }
    }
    page
}

/// The settings of each table, those without one first.
fn by_table() -> impl Iterator<Item = (Option<(&'static str, &'static str)>, Vec<&'static Setting>)> {
    let tables = std::iter::once(None).chain(TABLES.iter().copied().map(Some));
    tables.map(|table| {
        let of = move |setting: &&Setting| setting.place().0 == table.map(|(name, _)| name);
        (table, ALL.iter().filter(of).collect())
    })
}

fn toml(setting: &Setting, value: &str) -> String {
    match setting.sort {
        Sort::Text => format!("{value:?}"),
        Sort::Number | Sort::Truth => value.to_owned(),
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::{Given, Settings};
    use super::*;

    #[test]
    fn the_example_is_good_as_it_is_and_with_everything_in_it_taken_in() {
        let read = |text: &str| {
            let mut given = Given::default();
            given.toml("server.toml", text);
            Settings::of(given)
        };
        read(&example()).unwrap();
        // Of some pairs only one may be said.
        let all = example().replace("#elsewhere", "# elsewhere");
        let all: Vec<String> = all
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(rest) if rest.starts_with(|char: char| char.is_ascii_lowercase()) => rest.to_owned(),
                _ => line.to_owned(),
            })
            .collect();
        let settings = read(&all.join("\n")).unwrap();
        assert!(settings.tls_certificate.is_some() && settings.agent_program.is_some());
        for setting in ALL {
            let key = setting.place().1;
            assert!(example().contains(&format!("\n#{key} = ")), "{key}");
        }
    }
}
