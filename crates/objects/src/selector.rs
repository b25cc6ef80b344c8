//! Which objects of a kind are meant: by labels and by fields.

use windlass_model::Value;
use windlass_model::selector::LabelSelector;

use crate::error::Error;
use windlass_contract::Object;

/// Requirements on labels and fields, all of which must hold. The empty one means every object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    labels: Option<LabelSelector>,
    fields: Vec<Field>,
}

/// A requirement on a field: `spec.parent=rack1`, `metadata.name!=a`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    path: Vec<String>,
    value: String,
    is_wanted: bool,
}

// === impl Selector ===

impl Selector {
    /// Reads what was asked for; what is missing or empty requires nothing.
    pub fn read(labels: Option<&str>, fields: Option<&str>) -> Result<Self, Error> {
        let labels = labels
            .filter(|text| !text.trim().is_empty())
            .map(|text| text.parse().map_err(|error| Error::BadQuery(format!("labels: {error}"))))
            .transpose()?;
        let fields = fields.unwrap_or_default().split(',').map(str::trim).filter(|text| !text.is_empty());
        Ok(Self { labels, fields: fields.map(Field::read).collect::<Result<_, _>>()? })
    }

    /// Whether an object is meant.
    #[must_use]
    pub fn matches(&self, object: &Object) -> bool {
        self.matches_labels(|label| object.metadata.labels.get(label).map(String::as_str))
            && (self.fields.is_empty() || self.matches_fields(object))
    }

    /// Whether labels fit.
    pub(crate) fn matches_labels<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.labels.as_ref().is_none_or(|labels| labels.matches(label))
    }

    fn matches_fields(&self, object: &Object) -> bool {
        let Ok(object) = serde_json::to_value(object) else { return false };
        self.fields.iter().all(|field| field.holds(&object))
    }
}

// === impl Field ===

impl Field {
    fn read(text: &str) -> Result<Self, Error> {
        let (path, value, is_wanted) = match text.split_once("!=") {
            Some((path, value)) => (path, value, false),
            None => match text.split_once('=') {
                Some((path, value)) => (path, value.strip_prefix('=').unwrap_or(value), true),
                None => {
                    let message =
                        format!("fields: `{text}` is no requirement; write one such as `spec.parent=rack1`");
                    return Err(Error::BadQuery(message));
                }
            },
        };
        let path: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
        let known = ["metadata", "spec", "status"];
        if path.len() < 2 || !path.first().is_some_and(|first| known.contains(&first.as_str())) {
            let message =
                format!("fields: `{text}` must begin with metadata, spec or status, such as `metadata.name`");
            return Err(Error::BadQuery(message));
        }
        Ok(Self { path, value: value.trim().to_owned(), is_wanted })
    }

    /// A list holds it when one of its values does.
    fn holds(&self, object: &Value) -> bool {
        let mut found = Some(object);
        for step in &self.path {
            found = found.and_then(|value| value.get(step));
        }
        let is = |value: &Value| match value {
            Value::String(text) => *text == self.value,
            Value::Bool(flag) => self.value == if *flag { "true" } else { "false" },
            Value::Number(number) => number.to_string() == self.value,
            _ => false,
        };
        let holds = match found {
            Some(Value::Array(values)) => values.iter().any(is),
            Some(value) => is(value),
            None => false,
        };
        holds == self.is_wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Object {
        serde_json::from_value(json!({
            "apiVersion": "windlass.dev/v1", "kind": "Node",
            "metadata": {
                "name": "web01", "uid": "00000000-0000-0000-0000-000000000000", "labels": {"role": "web"},
                "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
            },
            "spec": {"groups": ["a", "b"], "active": true, "vars": {"weight": 5}},
        }))
        .unwrap()
    }

    #[track_caller]
    fn check(labels: &str, fields: &str, expect: Result<bool, &str>) {
        let found = Selector::read(Some(labels), Some(fields)).map(|selector| selector.matches(&object()));
        let found = found.map_err(|error| error.to_string());
        match (&found, expect) {
            (Ok(found), Ok(expect)) => assert_eq!(*found, expect, "{labels} {fields}"),
            (Err(found), Err(expect)) => assert!(found.contains(expect), "{found}"),
            _ => panic!("{labels} {fields}: {found:?}, not {expect:?}"),
        }
    }

    #[test]
    fn labels_and_fields_all_hold() {
        check("", "", Ok(true));
        check("role=web,!retired", "", Ok(true));
        check("role=db", "", Ok(false));
        check("", "metadata.name=web01", Ok(true));
        check("", "metadata.name!=web01", Ok(false));
        check("role=web", "spec.groups=b, spec.active==true", Ok(true));
        check("", "spec.vars.weight=5", Ok(true));
        check("", "spec.parent=rack1", Ok(false));
        check("", "spec.parent!=rack1", Ok(true));
        check("", "name=web01", Err("must begin with"));
        check("", "spec", Err("no requirement"));
        check("role=", "", Ok(false));
        check("a b", "", Err("labels"));
    }
}
