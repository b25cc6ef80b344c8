//! What a person wrote, read into an object: everything that is wrong with it at once.

use indexmap::IndexMap;
use uuid::Uuid;
use windlass_model::problem::Problem;
use windlass_model::{Map, Value, code, name};

use crate::error::Error;
use crate::kind::{Kind, Scope};
use windlass_contract::{Name, Object};

/// The longest name.
const LONGEST: usize = 253;
/// The most labels, and the most annotations.
const MOST_LABELS: usize = 64;
/// The longest value of a label.
const LONGEST_LABEL: usize = 253;
/// The longest value of an annotation.
const LONGEST_ANNOTATION: usize = 64 * 1024;

/// What somebody wants an object to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) name: Name,
    pub(crate) uid: Option<Uuid>,
    pub(crate) version: Option<u64>,
    pub(crate) labels: IndexMap<String, String>,
    pub(crate) annotations: IndexMap<String, String>,
    pub(crate) spec: Value,
}

// === impl Draft ===

impl Draft {
    /// Reads a document. `at` is where it was sent to, which it must not contradict and may leave out.
    pub(crate) fn read(kind: &Kind, document: Value, at: Option<&Name>) -> Result<Self, Error> {
        let mut document = document;
        complete(kind, &mut document, at);
        let mut problems = windlass_lang::misfits(kind.whole_schema(), &document);
        let metadata = document.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
        let text = |key: &str| metadata.get(key).and_then(Value::as_str).map(str::to_owned);
        let found = Name { namespace: text("namespace"), name: text("name").unwrap_or_default() };
        judge_name(kind, &found, at, &mut problems);
        let labels = texts(&metadata, "labels", LONGEST_LABEL, &mut problems);
        let annotations = texts(&metadata, "annotations", LONGEST_ANNOTATION, &mut problems);
        let uid = text("uid").filter(|text| !text.is_empty());
        let uid = uid.and_then(|uid| {
            let read = uid.parse();
            if read.is_err() {
                let message = format!("`{uid}` is not an id; leave it out");
                problems.push(Problem::new(code::WRONG_TYPE, "", "/metadata/uid", message));
            }
            read.ok()
        });
        let version = metadata.get("version").and_then(Value::as_u64).filter(|version| *version > 0);
        for problem in &mut problems {
            problem.address = format!("{} {found}", kind.name);
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let spec = document.get_mut("spec").map(Value::take).unwrap_or_default();
        Ok(Self { name: found, uid, version, labels, annotations, spec })
    }

    /// What is wanted of an object that is there.
    pub(crate) fn of(object: &Object) -> Self {
        Self {
            name: object.name(),
            uid: Some(object.metadata.uid),
            version: Some(object.metadata.version),
            labels: object.metadata.labels.clone(),
            annotations: object.metadata.annotations.clone(),
            spec: object.spec.clone(),
        }
    }

    /// As a value that is merged and compared: what people want, and nothing that is only known.
    pub(crate) fn wanted(&self) -> Value {
        serde_json::json!({"labels": self.labels, "annotations": self.annotations, "spec": self.spec})
    }
}

/// What is said by where a document was sent to need not be said in it.
fn complete(kind: &Kind, document: &mut Value, at: Option<&Name>) {
    let Some(map) = document.as_object_mut() else { return };
    map.entry("apiVersion").or_insert_with(|| windlass_model::plan::API_VERSION.into());
    map.entry("kind").or_insert_with(|| kind.name.into());
    map.entry("spec").or_insert_with(|| Value::Object(Map::new()));
    let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let (Some(metadata), Some(at)) = (metadata.as_object_mut(), at) {
        metadata.entry("name").or_insert_with(|| at.name.clone().into());
        if let Some(namespace) = &at.namespace {
            metadata.entry("namespace").or_insert_with(|| namespace.clone().into());
        }
    }
}

fn judge_name(kind: &Kind, found: &Name, at: Option<&Name>, problems: &mut Vec<Problem>) {
    let mut wrong = |code: &windlass_model::code::Code, key: &str, message: String| {
        problems.push(Problem::new(code.clone(), "", format!("/metadata/{key}"), message));
    };
    if found.name.is_empty() {
        wrong(&code::BLANK_NAME, "name", "it has no name".to_owned());
    } else if !name::is_slug(&found.name) || found.name.len() > LONGEST {
        let message = format!(
            "`{}` cannot be a name: letters, digits, `-`, `_` and `.`, beginning with a letter or digit, at most {LONGEST}",
            found.name
        );
        wrong(&code::BAD_NAME, "name", message);
    }
    match (kind.scope, &found.namespace) {
        (Scope::Namespaced, None) => {
            wrong(&code::MISSING_KEY, "namespace", format!("a {} lies in a namespace", kind.name));
        }
        (Scope::Namespaced, Some(namespace)) if !name::is_slug(namespace) => {
            wrong(&code::BAD_NAME, "namespace", format!("`{namespace}` cannot be the name of a namespace"));
        }
        _ => {}
    }
    if let Some(at) = at
        && !found.name.is_empty()
        && (at.name != found.name || kind.scope == Scope::Namespaced && at.namespace != found.namespace)
    {
        let message = format!("it was sent to {at}, and says that it is {found}");
        wrong(&code::BAD_COMBINATION, "name", message);
    }
}

fn texts(metadata: &Map, key: &str, longest: usize, problems: &mut Vec<Problem>) -> IndexMap<String, String> {
    let mut texts = IndexMap::new();
    let Some(map) = metadata.get(key).and_then(Value::as_object) else { return texts };
    let mut wrong = |at: &str, message: String| {
        problems.push(Problem::new(code::BAD_NAME, "", format!("/metadata/{key}{at}"), message));
    };
    if map.len() > MOST_LABELS {
        wrong("", format!("{} of them; at most {MOST_LABELS} are taken", map.len()));
    }
    for (name, value) in map {
        let Some(value) = value.as_str() else { continue };
        let at = format!("/{}", windlass_model::schema::escape(name));
        let is_name = !name.is_empty()
            && name.len() <= LONGEST
            && name.chars().all(|char| char.is_ascii_alphanumeric() || "-_./".contains(char));
        if !is_name {
            wrong(&at, format!("`{name}` cannot be a name here: letters, digits, `-`, `_`, `.` and `/`"));
        }
        if value.len() > longest {
            wrong(&at, format!("{} bytes; at most {longest} are taken", value.len()));
        }
        texts.insert(name.clone(), value.to_owned());
    }
    texts
}
