//! Makes a plan stand by itself: what it refers to beside it is put into it, before it is submitted.
//!
//! ```text
//!   template: site.conf.j2   ─▶ template: {file: site.conf.j2, text: "server { … {{ node.name }} …"}
//!   source: files/app.conf   ─▶ source: /srv/plans/files/app.conf
//! ```
//!
//! Which fields these are, the schemas of requests say by marks. A text that was put in is a template like any other in
//! a request: it is validated, rendered when its action begins, and covered by the digest that people approve.
//! No file is opened here: texts come from whoever calls.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize as _;
use windlass_model::eval::is_template;
use windlass_model::fact::Catalog;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;
use windlass_model::validate::walk;
use windlass_model::{Value, code};
use windlass_plugin::template::{ORIGIN_PATH, TEMPLATE};

use crate::findings::Findings;
use crate::loaded::Loaded;
use crate::validate::validate;

/// What lies beside a plan.
pub trait Beside {
    /// An absolute path for one that begins beside the plan.
    fn absolute(&self, path: &str) -> String;

    /// The text of a template file, or why there is none.
    fn template(&self, path: &Path) -> Result<String, String>;
}

/// A field of a request that refers to something beside the plan.
struct Reference {
    address: String,
    /// The field's place in the plan as a value.
    pointer: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Template,
    Path,
}

/// A plan that stands by itself.
///
/// # Errors
///
/// What cannot be read, and template files that are named by templates: their text could not be known beforehand.
pub fn settle(plan: &Plan, catalog: &Catalog, beside: &dyn Beside) -> Result<Plan, Vec<Problem>> {
    let references = references(plan, catalog);
    if references.is_empty() {
        return Ok(plan.clone());
    }
    let Ok(mut value) = serde_json::to_value(plan) else { return Ok(plan.clone()) };
    let mut problems = Vec::new();
    for Reference { address, pointer, kind } in references {
        let Some(field) = value.pointer_mut(&pointer) else { continue };
        let Some(path) = field.as_str().map(str::to_owned) else { continue };
        let wrong = |code, message: String| Problem::new(code, address.clone(), pointer.clone(), message);
        match kind {
            // What a path that begins with a template comes to is only known when it is rendered.
            Kind::Path if path.is_empty() || path.starts_with("{{") || path.starts_with("{%") => {}
            Kind::Path => *field = Value::String(beside.absolute(&path)),
            Kind::Template if is_template(&path) => problems.push(
                wrong(code::BAD_REQUEST, "the path of a template file holds a template".to_owned())
                    .help("write it out: its text becomes part of the run when that is submitted; choose inside of the file, with `{% if %}`"),
            ),
            Kind::Template => match beside.template(Path::new(&beside.absolute(&path))) {
                Ok(text) => *field = serde_json::json!({ "file": path, "text": text }),
                Err(why) => {
                    let message = format!("the template file `{path}` cannot be read: {why}");
                    problems.push(wrong(code::FILE_UNREADABLE, message).help("a relative path begins beside the plan"));
                }
            },
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Plan::deserialize(&value).map_err(|why| vec![Problem::new(code::WRONG_TYPE, "", "", why.to_string())])
}

impl Loaded {
    /// The same plan, standing by itself.
    ///
    /// # Errors
    ///
    /// What is wrong with what it refers to, the templates in it included, drawn where the plan names them.
    pub fn settled(self, catalog: &Catalog, beside: &dyn Beside) -> Result<Self, Findings> {
        let settled = settle(&self.plan, catalog, beside);
        let settled = settled.map_err(|problems| self.findings(problems, &|_| None))?;
        if settled == *self.plan {
            return Ok(self);
        }
        let problems = validate(&settled, catalog).into_iter().map(|problem| in_file(problem, &settled));
        let problems: Vec<Problem> = problems.collect();
        if problems.is_empty() {
            Ok(Self { plan: Arc::new(settled), ..self })
        } else {
            Err(self.findings(problems, &|_| None))
        }
    }
}

/// A problem of a text that stands in another file says so.
fn in_file(mut problem: Problem, plan: &Plan) -> Problem {
    let Some(field) = problem.pointer.strip_suffix("/text").map(str::to_owned) else { return problem };
    let file = serde_json::to_value(plan)
        .ok()
        .and_then(|plan| Some(plan.pointer(&field)?.get("file")?.as_str()?.to_owned()));
    if let Some(file) = file {
        problem.message = format!("in the template file `{file}`: {}", problem.message);
        problem.pointer = field;
    }
    problem
}

fn references(plan: &Plan, catalog: &Catalog) -> Vec<Reference> {
    let mut references = Vec::new();
    walk::actions(plan, &mut |at| {
        let Some(facts) = catalog.get(&at.action.uses) else { return };
        let fields = facts.request.get("properties").and_then(Value::as_object);
        for (name, schema) in fields.into_iter().flatten() {
            let Some(kind) = kind(schema) else { continue };
            if at.action.with.get(name).is_some_and(Value::is_string) {
                let pointer = format!("{}/with/{name}", at.pointer);
                references.push(Reference { address: at.address.to_owned(), pointer, kind });
            }
        }
    });
    references
}

/// What a field refers to, by its mark. A field that may be left out has it in one of its forms.
fn kind(schema: &Value) -> Option<Kind> {
    let is = |mark: &str| schema.get(mark) == Some(&Value::Bool(true));
    match (is(TEMPLATE), is(ORIGIN_PATH)) {
        (true, _) => Some(Kind::Template),
        (false, true) => Some(Kind::Path),
        (false, false) => schema.get("anyOf")?.as_array()?.iter().find_map(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use windlass_model::fact::{PluginFacts, PluginKind};

    struct Folder;

    impl Beside for Folder {
        fn absolute(&self, path: &str) -> String {
            Path::new("/plans").join(path).to_str().unwrap().to_owned()
        }

        fn template(&self, path: &Path) -> Result<String, String> {
            match path.to_str() {
                Some("/plans/good.j2") => Ok("{{ params.port }}\n".into()),
                Some("/plans/bad.j2") => Ok("a\n{{ params.prot }}\n".into()),
                _ => Err("it does not exist".into()),
            }
        }
    }

    fn catalog() -> Catalog {
        let request = json!({"properties": {
            "template": {"anyOf": [{TEMPLATE: true, "anyOf": [{"type": "string"}, {"type": "object"}]}, {"type": "null"}]},
            "source": {"type": ["string", "null"], ORIGIN_PATH: true},
        }});
        Catalog::from_iter([PluginFacts {
            request: Arc::new(request),
            ..PluginFacts::plain("file", PluginKind::Acting)
        }])
    }

    fn loaded(with: &str) -> Loaded {
        let text = format!(
            "apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {{name: p}}\nspec:\n  params: {{port: {{type: int, default: 80}}}}\n  \
             blocks:\n  - name: b\n    targets: {{nodes: [a]}}\n    sequence:\n    - name: conf\n      use: file\n      with: {with}\n"
        );
        crate::load("plan.yaml", &text, &catalog()).unwrap().pop().unwrap()
    }

    fn with(loaded: &Loaded) -> Value {
        loaded.plan.spec.blocks[0].sequence.as_ref().unwrap().actions[0].with.clone()
    }

    #[test]
    fn texts_and_paths_are_put_into_the_plan() {
        let check = |written: &str| with(&loaded(written).settled(&catalog(), &Folder).unwrap());
        assert_eq!(
            check("{template: good.j2}"),
            json!({"template": {"file": "good.j2", "text": "{{ params.port }}\n"}})
        );
        assert_eq!(check("{source: files/a}"), json!({"source": "/plans/files/a"}));
        assert_eq!(check("{source: /a}"), json!({"source": "/a"}));
        assert_eq!(
            check("{source: 'files/{{ node.name }}'}"),
            json!({"source": "/plans/files/{{ node.name }}"})
        );
        assert_eq!(check("{source: '{{ params.port }}'}"), json!({"source": "{{ params.port }}"}));
    }

    #[test]
    fn a_settled_plan_stays_as_it_is() {
        let once = loaded("{template: good.j2}").settled(&catalog(), &Folder).unwrap();
        assert_eq!(settle(&once.plan, &catalog(), &Folder).unwrap(), *once.plan);
    }

    #[test]
    fn says_what_is_wrong_with_template_files() {
        let check = |written: &str| {
            let findings = loaded(written).settled(&catalog(), &Folder).unwrap_err();
            findings.problems().0.remove(0).message
        };
        assert_eq!(
            check("{template: none.j2}"),
            "the template file `none.j2` cannot be read: it does not exist"
        );
        assert_eq!(check("{template: '{{ node.name }}.j2'}"), "the path of a template file holds a template");
        assert!(check("{template: bad.j2}").starts_with("in the template file `bad.j2`: "));
    }
}
