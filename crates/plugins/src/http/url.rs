//! Addresses of the web: what is accepted, and where a redirect leads.

use hyper::Uri;

/// An address with everything that is needed to go there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) is_https: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query.
    pub(super) target: String,
}

// === impl Url ===

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.split('#').next().unwrap_or_default();
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let is_https = match scheme.as_deref() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(format!("`{text}` does not begin with http:// or https://")),
        };
        let uri: Uri = text.parse().map_err(|error| format!("`{text}` is no URL: {error}"))?;
        let authority = uri.authority().ok_or_else(|| format!("`{text}` names no host"))?;
        if authority.as_str().contains('@') {
            return Err(
                "credentials do not belong into a URL, where everybody sees them; use `basicAuth`".into()
            );
        }
        let host = authority.host();
        if host.is_empty() {
            return Err(format!("`{text}` names no host"));
        }
        let port = match authority.as_str().strip_prefix(host) {
            Some(":") | Some("") | None => {
                if is_https {
                    443
                } else {
                    80
                }
            }
            Some(_) => authority
                .port_u16()
                .filter(|port| *port != 0)
                .ok_or_else(|| format!("`{text}` has no proper port"))?,
        };
        let target = match uri.path_and_query().map_or("/", |target| target.as_str()) {
            target if target.starts_with('/') => target.to_owned(),
            query => format!("/{query}"),
        };
        Ok(Self { is_https, host: host.to_owned(), port, target })
    }

    /// The host without the brackets around an IPv6 address.
    pub(super) fn host_name(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }

    /// Host and, unless it is the usual one, port.
    pub(super) fn authority(&self) -> String {
        let usual = if self.is_https { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Whether credentials for the one may be sent to the other.
    pub(super) fn is_same_origin(&self, other: &Self) -> bool {
        (self.is_https, self.host.to_ascii_lowercase(), self.port)
            == (other.is_https, other.host.to_ascii_lowercase(), other.port)
    }

    /// Where a redirect from here leads.
    pub(super) fn join(&self, location: &str) -> Result<Self, String> {
        let location = location.split('#').next().unwrap_or_default();
        let scheme = if self.is_https { "https" } else { "http" };
        if location.contains("://") && !location.starts_with(['/', '?', '.']) {
            return Self::parse(location);
        }
        if location.starts_with("//") {
            return Self::parse(&format!("{scheme}:{location}"));
        }
        let path = self.target.split('?').next().unwrap_or_default();
        let target = if location.is_empty() {
            self.target.clone()
        } else if location.starts_with('/') {
            location.to_owned()
        } else if location.starts_with('?') {
            format!("{path}{location}")
        } else {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{location}")
        };
        Self::parse(&format!("{scheme}://{}{}", self.authority(), without_dots(&target)))
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http{}://{}{}", if self.is_https { "s" } else { "" }, self.authority(), self.target)
    }
}

/// A path in which `.` and `..` have been followed.
fn without_dots(target: &str) -> String {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut kept: Vec<&str> = Vec::new();
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    for (index, step) in steps.iter().enumerate() {
        let is_last = index + 1 == steps.len();
        match *step {
            "." if is_last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if is_last {
                    kept.push("");
                }
            }
            step => kept.push(step),
        }
    }
    let path = format!("/{}", kept.join("/"));
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        for (text, shown) in [
            ("http://web", "http://web/"),
            ("https://web:443/a?b#c", "https://web/a?b"),
            ("http://web:8080/", "http://web:8080/"),
            ("http://[::1]:81?x", "http://[::1]:81/?x"),
            ("HTTP://web/ä".trim_end_matches('ä'), "http://web/"),
        ] {
            assert_eq!(Url::parse(text).unwrap().to_string(), shown, "{text}");
        }
        assert_eq!(Url::parse("http://[::1]/").unwrap().host_name(), "::1");
    }

    #[test]
    fn refuses() {
        for (text, says) in [
            ("web01/health", "does not begin with"),
            ("ftp://web", "does not begin with"),
            ("http://", "is no URL"),
            ("http://a b/", "is no URL"),
            ("http://user:hunter22@web/", "use `basicAuth`"),
            ("http://web:99999/", "port"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert!(!Url::parse("http://user:hunter22@web/").unwrap_err().contains("hunter22"));
    }

    #[test]
    fn redirects() {
        let from = Url::parse("http://web:81/a/b/c?q").unwrap();
        for (location, to) in [
            ("https://other/x", "https://other/x"),
            ("//other/x", "http://other/x"),
            ("/x?y=http://z", "http://web:81/x?y=http://z"),
            ("x", "http://web:81/a/b/x"),
            ("./x/.", "http://web:81/a/b/x/"),
            ("../x", "http://web:81/a/x"),
            ("../../../../x", "http://web:81/x"),
            ("?p", "http://web:81/a/b/c?p"),
            ("", "http://web:81/a/b/c?q"),
        ] {
            assert_eq!(from.join(location).unwrap().to_string(), to, "{location}");
        }
    }
}
