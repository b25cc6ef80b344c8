//! The declaration of a kind, from which everything else follows.

use std::fmt;
use std::sync::OnceLock;

use serde_json::json;
use windlass_model::fact::Catalog;
use windlass_model::plan::API_VERSION;
use windlass_model::problem::Problem;
use windlass_model::{Map, Value};

use windlass_contract::{Name, Object};

/// A kind of objects.
pub struct Kind {
    /// What it is called: `NodeGroup`.
    pub name: &'static str,
    /// What many of them are called, in addresses: `nodegroups`.
    pub plural: &'static str,
    /// Shorter names, for people who type.
    pub short: &'static [&'static str],
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// Where its objects lie.
    pub scope: Scope,
    /// The JSON Schema of its spec.
    pub schema: fn() -> Value,
    /// What is wrong with an object whose spec fits the schema.
    pub check: fn(&Object, &Surroundings<'_>) -> Vec<Problem>,
    /// What an object refers to, which must be there as long as the object is.
    pub refers: fn(&Object) -> Vec<Reference>,
    /// The key of the spec whose values are secrets: sealed where they lie, and covered wherever they are shown.
    pub secret: Option<&'static str>,
    /// An example of a spec.
    pub example: fn() -> Value,
    /// The schema of whole objects, once it was asked for.
    pub whole: OnceLock<Value>,
}

/// Where the objects of a kind lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// They are of the whole cluster.
    Global,
    /// They lie in namespaces.
    Namespaced,
}

/// What an object refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The kind, by its plural.
    pub plural: &'static str,
    /// Which of them.
    pub to: Name,
    /// Where the spec says so, as a JSON pointer into the object.
    pub pointer: String,
}

/// What objects are judged in.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The plugins that there are.
    pub catalog: &'a Catalog,
    /// What is wrong with the text of a policy.
    pub policies: fn(&str) -> Vec<String>,
}

// === impl Kind ===

impl Kind {
    /// The JSON Schema of whole objects as people write them.
    pub fn whole_schema(&self) -> &Value {
        self.whole.get_or_init(|| {
            let mut spec = (self.schema)();
            let definitions = spec.as_object_mut().and_then(|spec| {
                spec.shift_remove("$schema");
                spec.shift_remove("$defs")
            });
            let mut metadata = Map::new();
            metadata.insert("name".into(), json!({"type": "string"}));
            if self.scope == Scope::Namespaced {
                metadata.insert("namespace".into(), json!({"type": "string"}));
            }
            let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
            metadata.insert("labels".into(), texts.clone());
            metadata.insert("annotations".into(), texts);
            // What was shown may be sent back.
            metadata.insert("uid".into(), json!({"type": "string"}));
            metadata.insert("version".into(), json!({"type": "integer", "minimum": 0}));
            metadata.insert("createdAt".into(), json!({"type": "string"}));
            metadata.insert("updatedAt".into(), json!({"type": "string"}));
            let mut schema = json!({
                "type": "object",
                "properties": {
                    "apiVersion": {"type": "string", "const": API_VERSION},
                    "kind": {"type": "string", "const": self.name},
                    "metadata": {
                        "type": "object",
                        "properties": metadata,
                        "required": ["name"],
                        "additionalProperties": false,
                    },
                    "spec": spec,
                    "status": true,
                },
                "required": ["apiVersion", "kind", "metadata"],
                "additionalProperties": false,
            });
            if let (Some(definitions), Some(schema)) = (definitions, schema.as_object_mut()) {
                schema.insert("$defs".into(), definitions);
            }
            schema
        })
    }

    /// Whether somebody may mean this kind by a word.
    #[must_use]
    pub fn is_called(&self, word: &str) -> bool {
        self.plural.eq_ignore_ascii_case(word)
            || self.name.eq_ignore_ascii_case(word)
            || self.short.iter().any(|short| short.eq_ignore_ascii_case(word))
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

// === impl Reference ===

impl Reference {
    /// A reference to something of the whole cluster.
    pub(crate) fn global(plural: &'static str, name: impl Into<String>, pointer: impl Into<String>) -> Self {
        Self { plural, to: Name::global(name), pointer: pointer.into() }
    }
}
