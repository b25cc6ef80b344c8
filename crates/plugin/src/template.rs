//! A field that names a template file of Windlass's side.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use windlass_model::Value;

/// A template file of Windlass's side, and what it came to.
///
/// A plan names the file. When the plan is read, the file's text is put beside the name, and rendered with the rest of
/// the request when the action begins: a plugin gets the rendered text, and a run does not depend on a file that
/// changes meanwhile. In the schema such a field has the mark [`TEMPLATE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The file, as the plan names it.
    pub file: String,
    /// The rendered text; `None` where nobody read the file.
    pub text: Option<String>,
}

/// The mark of a field that names a template file, in a JSON Schema.
pub const TEMPLATE: &str = "x-template-file";
/// The mark of a field that holds a path on the side of Windlass, in a JSON Schema: a relative one begins beside the plan.
pub const ORIGIN_PATH: &str = "x-origin-path";

// === impl Template ===

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Named(String),
            Read { file: String, text: Value },
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Named(file) => Self { file, text: None },
            // A template that is one expression and nothing else gives a value.
            Form::Read { file, text: Value::String(text) } => Self { file, text: Some(text) },
            Form::Read { file, text } => Self { file, text: Some(text.to_string()) },
        })
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            TEMPLATE: true,
            "x-expects": "the path of a template file on the side of Windlass",
            "anyOf": [
                { "type": "string", "minLength": 1 },
                { "type": "object", "properties": { "file": { "type": "string" }, "text": true },
                  "required": ["file", "text"], "additionalProperties": false },
            ],
        })
    }
}
