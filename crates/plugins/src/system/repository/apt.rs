//! A source of apt: `sources.list.d/NAME.sources` or `NAME.list`, and `/etc/apt/keyrings/NAME.asc`.

use std::path::PathBuf;

use super::{Apt, AptFormat, AptType, Files, Request};
use crate::system::state::State;

const SOURCES: &str = "/etc/apt/sources.list.d";
const KEYS: &str = "/etc/apt/keyrings";

/// The key, then the source in the chosen form; the other form is not to be there.
pub(super) fn files(request: &Request, apt: Option<&Apt>) -> Files {
    let key = PathBuf::from(KEYS).join(format!("{}.asc", request.name));
    let at = |end: &str| PathBuf::from(SOURCES).join(format!("{}.{end}", request.name));
    let apt = apt.filter(|_| request.state == State::Present);
    let Some(apt) = apt else {
        return vec![(key, None), (at("sources"), None), (at("list"), None)];
    };
    let signed_by = match &request.key {
        Some(_) => Some(key.display().to_string()),
        None => apt.signed_by.clone(),
    };
    let key_text = request.key.as_ref().map(|text| format!("{}\n", text.trim_end()));
    let (sources, list) = match apt.format {
        AptFormat::Deb822 => (Some(paragraph(apt, request.enabled, signed_by.as_deref())), None),
        AptFormat::List => (None, Some(lines(apt, request.enabled, signed_by.as_deref()))),
    };
    vec![(key, key_text), (at("sources"), sources), (at("list"), list)]
}

fn word(kind: AptType) -> &'static str {
    match kind {
        AptType::Deb => "deb",
        AptType::DebSrc => "deb-src",
    }
}

fn paragraph(apt: &Apt, enabled: bool, signed_by: Option<&str>) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("{name}: {value}\n"));
        }
    };
    field("Enabled", if enabled { String::new() } else { "no".into() });
    field("Types", apt.types.iter().map(|kind| word(*kind)).collect::<Vec<_>>().join(" "));
    field("URIs", apt.uris.join(" "));
    field("Suites", apt.suites.join(" "));
    field("Components", apt.components.join(" "));
    field("Architectures", apt.architectures.join(" "));
    field("Signed-By", signed_by.unwrap_or_default().to_owned());
    field("Trusted", if apt.trusted { "yes".into() } else { String::new() });
    text
}

fn lines(apt: &Apt, enabled: bool, signed_by: Option<&str>) -> String {
    let mut options = Vec::new();
    if !apt.architectures.is_empty() {
        options.push(format!("arch={}", apt.architectures.join(",")));
    }
    options.extend(signed_by.map(|file| format!("signed-by={file}")));
    if apt.trusted {
        options.push("trusted=yes".into());
    }
    let options = if options.is_empty() { String::new() } else { format!("[{}] ", options.join(" ")) };
    let off = if enabled { "" } else { "# " };
    let mut text = String::new();
    for kind in &apt.types {
        for uri in &apt.uris {
            for suite in &apt.suites {
                let place = [std::slice::from_ref(suite), apt.components.as_slice()].concat().join(" ");
                text.push_str(&format!("{off}{} {options}{uri} {place}\n", word(*kind)));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(mut value: windlass_plugin::Value) -> Vec<String> {
        value["name"] = "example".into();
        let request: Request = serde_json::from_value(value).unwrap();
        let files = files(&request, request.apt.as_ref());
        files.into_iter().filter_map(|(path, text)| Some(format!("{}\n{}", path.display(), text?))).collect()
    }

    #[test]
    fn both_forms() {
        let apt = json!({"uris": ["https://a"], "suites": ["bookworm"], "components": ["main", "extra"], "architectures": ["amd64"]});
        let request = json!({"key": "-----BEGIN PGP PUBLIC KEY BLOCK-----", "apt": apt});
        insta::assert_snapshot!(texts(request.clone()).join("\n"), @r"
        /etc/apt/keyrings/example.asc
        -----BEGIN PGP PUBLIC KEY BLOCK-----

        /etc/apt/sources.list.d/example.sources
        Types: deb
        URIs: https://a
        Suites: bookworm
        Components: main extra
        Architectures: amd64
        Signed-By: /etc/apt/keyrings/example.asc
        ");
        let mut request = request;
        request["apt"]["format"] = "list".into();
        request["enabled"] = false.into();
        let texts = texts(request);
        assert_eq!(
            texts[1],
            "/etc/apt/sources.list.d/example.list\n# deb [arch=amd64 signed-by=/etc/apt/keyrings/example.asc] https://a bookworm main extra\n"
        );
    }
}
