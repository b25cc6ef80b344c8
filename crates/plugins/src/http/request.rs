//! What `http` and `http.check` are asked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use windlass_plugin::{Secret, Value};

/// What `http` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Where the request goes, and how.
    #[serde(flatten)]
    pub wire: Wire,
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// What is sent: a text as it is, anything else as JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// What the answer must be.
    #[serde(flatten)]
    pub expect: Expect,
}

/// What `http.check` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckRequest {
    /// Where the request goes, and how.
    #[serde(flatten)]
    pub wire: Wire,
    /// The method. Some services are only asked by POST; what it does there must change nothing.
    #[serde(default)]
    pub method: Method,
    /// What is sent: a text as it is, anything else as JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// What the answer must be.
    #[serde(flatten)]
    pub expect: Expect,
}

/// Where a request goes, and how.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wire {
    /// Where to, with `http://` or `https://`, without credentials.
    pub url: String,
    /// Headers to send. For `Authorization` there are `bearer` and `basicAuth`, which are kept secret.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A token that is sent as `Authorization: Bearer …`.
    #[serde(default)]
    pub bearer: Option<Secret>,
    /// A user and a password that are sent as `Authorization: Basic …`.
    #[serde(default)]
    pub basic_auth: Option<BasicAuth>,
    /// Whether redirects are followed.
    #[serde(default = "yes")]
    pub follow_redirects: bool,
    /// Whose certificates are trusted.
    #[serde(default)]
    pub tls: Tls,
}

/// A user and a password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BasicAuth {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Whose certificates are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// A file with the certificates (PEM) of those who are trusted, in place of the machine's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Whether any certificate is taken. Then nobody knows who answers.
    #[serde(default)]
    pub insecure: bool,
}

/// What an answer must be.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expect {
    /// The statuses that are accepted.
    #[serde(default)]
    pub status: Statuses,
    /// A text that must stand in the body.
    #[serde(default)]
    pub contains: Option<String>,
    /// A regular expression that must match somewhere in the body.
    #[serde(default)]
    pub regex: Option<String>,
    /// What must stand in a JSON body: paths such as `items[0].state`, each with its value.
    #[serde(default)]
    pub json: BTreeMap<String, Value>,
}

/// A method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "they are their names")]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

/// Statuses that are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Statuses(pub Vec<StatusRange>);

/// Statuses from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    /// The first.
    pub from: u16,
    /// The last.
    pub to: u16,
}

fn yes() -> bool {
    true
}

// === impl Method ===

impl Method {
    /// Whether it only reads.
    #[must_use]
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }
}

impl From<Method> for hyper::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
            Method::Options => Self::OPTIONS,
        }
    }
}

// === impl Statuses ===

impl Statuses {
    /// Whether a status is accepted.
    #[must_use]
    pub fn accept(&self, status: u16) -> bool {
        self.0.iter().any(|range| (range.from..=range.to).contains(&status))
    }
}

impl Default for Statuses {
    fn default() -> Self {
        Self(vec![StatusRange { from: 200, to: 299 }])
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Many(Vec<StatusRange>),
            One(StatusRange),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Many(ranges) => Self(ranges),
            Form::One(range) => Self(vec![range]),
        })
    }
}

impl JsonSchema for Statuses {
    fn schema_name() -> Cow<'static, str> {
        "Statuses".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let range = generator.subschema_for::<StatusRange>();
        json_schema!({
            "anyOf": [{"type": "array", "items": range, "minItems": 1}, range],
            "x-expects": "statuses such as 200, 2xx or 200-204, one or a list of them",
        })
    }
}

// === impl StatusRange ===

impl StatusRange {
    fn parse(text: &str) -> Option<Self> {
        let status = |text: &str| text.parse().ok().filter(|status| (100..=599).contains(status));
        if let Some(hundred) = text.strip_suffix("xx") {
            let from = status(&format!("{hundred}00"))?;
            return Some(Self { from, to: from + 99 });
        }
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let range = Self { from: status(from.trim())?, to: status(to.trim())? };
        (range.from <= range.to).then_some(range)
    }
}

impl fmt::Display for StatusRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (from, to) if from == to => write!(f, "{from}"),
            (from, to) if from % 100 == 0 && to == from + 99 => write!(f, "{}xx", from / 100),
            (from, to) => write!(f, "{from}-{to}"),
        }
    }
}

impl Serialize for StatusRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StatusRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u16),
            Text(String),
        }
        let text = match Form::deserialize(deserializer)? {
            Form::Number(number) => number.to_string(),
            Form::Text(text) => text,
        };
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom(format!("`{text}` is no status; write 200, 2xx or 200-204")))
    }
}

impl JsonSchema for StatusRange {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "integer", "minimum": 100, "maximum": 599},
                {"type": "string", "pattern": "^[1-5](xx|[0-9][0-9](\\s*-\\s*[1-5][0-9][0-9])?)$"},
            ],
            "x-expects": "a status such as 200, 2xx or 200-204",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn statuses_read_and_print() {
        for (written, accepted, refused) in [
            (json!(204), 204, 200),
            (json!("2xx"), 299, 300),
            (json!(["200-204", 404]), 203, 205),
            (json!([301, "4xx"]), 499, 500),
        ] {
            let statuses: Statuses = serde_json::from_value(written.clone()).unwrap();
            assert!(statuses.accept(accepted) && !statuses.accept(refused), "{written}");
        }
        for wrong in [json!("6xx"), json!("204-200"), json!(20), json!("x")] {
            assert!(serde_json::from_value::<Statuses>(wrong).is_err());
        }
        let statuses: Statuses = serde_json::from_value(json!(["200-299", 404, "200-204"])).unwrap();
        assert_eq!(json!(statuses), json!(["2xx", "404", "200-204"]));
    }
}
