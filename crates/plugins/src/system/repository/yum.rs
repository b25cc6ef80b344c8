//! A section of dnf or zypper: `NAME.repo`, and `/etc/pki/rpm-gpg/NAME.asc`.

use std::path::{Path, PathBuf};

use super::{Files, Request, Yum};
use crate::system::state::State;

const KEYS: &str = "/etc/pki/rpm-gpg";

/// The key, then the section.
pub(super) fn files(request: &Request, yum: Option<&Yum>, place: &Path) -> Files {
    let key = PathBuf::from(KEYS).join(format!("{}.asc", request.name));
    let repo = place.join(format!("{}.repo", request.name));
    let yum = yum.filter(|_| request.state == State::Present);
    let Some(yum) = yum else { return vec![(key, None), (repo, None)] };
    let own = request.key.as_ref().map(|_| format!("file://{}", key.display()));
    let key_text = request.key.as_ref().map(|text| format!("{}\n", text.trim_end()));
    let keys: Vec<String> = own.into_iter().chain(yum.gpg_keys.iter().cloned()).collect();
    let mut text = format!("[{}]\n", request.name);
    let mut set = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{name}={value}\n"));
        }
    };
    let bit = |is: bool| if is { "1" } else { "0" };
    set("name", yum.title.as_ref().unwrap_or(&request.name));
    // Further values of a setting stand on lines of their own, indented.
    set("baseurl", &yum.base_urls.join("\n "));
    set("mirrorlist", yum.mirror_list.as_deref().unwrap_or_default());
    set("metalink", yum.metalink.as_deref().unwrap_or_default());
    set("enabled", bit(request.enabled));
    set("gpgcheck", bit(yum.gpg_check));
    set("gpgkey", &keys.join("\n "));
    for (name, value) in &yum.settings {
        set(name, value);
    }
    vec![(key, key_text), (repo, Some(text))]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_section() {
        let request: Request = serde_json::from_value(json!({
            "name": "example", "enabled": false,
            "yum": {"baseUrls": ["https://a", "https://b"], "gpgKeys": ["https://k"], "settings": {"priority": "10"}},
        }))
        .unwrap();
        let files = files(&request, request.yum.as_ref(), Path::new("/etc/yum.repos.d"));
        assert_eq!(files[0].1, None);
        insta::assert_snapshot!(files[1].1.as_ref().unwrap(), @r"
        [example]
        name=example
        baseurl=https://a
         https://b
        enabled=0
        gpgcheck=1
        gpgkey=https://k
        priority=10
        ");
    }
}
