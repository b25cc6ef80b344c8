//! Actions: the plugin, its request, and what may stand around them.

use super::walk::{ActionAt, Role};
use super::{Checker, LARGEST, Place};
use crate::code;
use crate::eval::{has_template, is_template};
use crate::fact::{PluginFacts, PluginKind};
use crate::limit::BackoffChoice;
use crate::name;
use crate::plan::{Action, VerifyAfter};
use crate::schema::{self, Rules, SchemaProblemKind};
use crate::{Map, Value};

// === impl Checker ===

impl Checker<'_> {
    pub(super) fn action(&mut self, at: ActionAt<'_>) {
        let place = Place { address: at.address, pointer: at.pointer };
        let action = at.action;
        let what = match at.role {
            Role::Check(_) => "the check",
            _ => "the action",
        };
        match at.role {
            Role::Undo => {}
            // A check that verifies is called after its plugin when it has no name of its own.
            Role::Verify | Role::VerifyAfter if action.name.is_empty() => {}
            _ => self.name(&action.name, what, place, "/name"),
        }
        self.plugin(action, at.role, place);
        self.around(at, place);
        self.numbers(action, place);
        self.saved(action, place);
        if let Some(on) = action.on.as_deref().filter(|on| !is_template(on) && !name::is_target(on)) {
            let message = format!("`{on}` cannot be the name of a node");
            self.push(code::BAD_NAME, place, "/on", message);
        }
        if at.role == Role::Undo
            && let Some(undo) = at.of.and_then(|of| of.undo.as_ref())
            && undo.undo.is_some()
        {
            self.push(code::NESTED_UNDO, place, "/undo", "an undo cannot have an undo");
        }
    }

    fn plugin(&mut self, action: &Action, role: Role, place: Place<'_>) {
        if action.uses.trim().is_empty() {
            let help = "name a plugin: `use: command`";
            self.push_help(code::MISSING_KEY, place, "/use", "the plugin is missing", help);
            return;
        }
        let catalog = self.catalog;
        let Some(facts) = catalog.get(&action.uses) else {
            let help = match name::nearest(&action.uses, catalog.names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", catalog.names().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("there is no plugin `{}`", action.uses);
            self.push_help(code::UNKNOWN_PLUGIN, place, "/use", message, &help);
            return;
        };
        match (role, facts.kind) {
            (Role::Work | Role::Undo | Role::Deferred, PluginKind::Check) => {
                let message = format!("`{}` is a check, and work is expected here", action.uses);
                let help = "move it to `checks` or `verify`";
                self.push_help(code::CHECK_IN_SEQUENCE, place, "/use", message, help);
            }
            (Role::Check(_) | Role::Verify | Role::VerifyAfter, PluginKind::Acting) => {
                let message = format!("`{}` may change something, and a check is expected here", action.uses);
                let checks: Vec<&str> = catalog
                    .iter()
                    .filter(|facts| facts.kind == PluginKind::Check)
                    .map(|facts| facts.name.as_str())
                    .collect();
                let help = format!("checks are: {}", checks.join(", "));
                self.push_help(code::ACTION_IN_CHECK, place, "/use", message, &help);
            }
            _ => {}
        }
        self.request(action, facts, place);
    }

    fn request(&mut self, action: &Action, facts: &PluginFacts, place: Place<'_>) {
        let rules = Rules { templates: true, patterns: self.patterns };
        let empty = Value::Object(Map::new());
        // An action without `with` gives an empty request.
        let with = if action.with.is_null() { &empty } else { &action.with };
        let misfits = schema::check(&facts.request, with, rules);
        // What a template will give is not known; what does not fit the schema is nothing to ask a plugin about.
        if misfits.is_empty() && !has_template(with) {
            for message in facts.judge.of(with) {
                let field = field(&message, with);
                self.push(code::BAD_REQUEST, place, &format!("/with{field}"), message);
            }
        }
        for problem in misfits {
            let message = match problem.kind {
                SchemaProblemKind::UnknownKey | SchemaProblemKind::MissingKey => {
                    format!("{} in the request of `{}`", problem.message, facts.name)
                }
                SchemaProblemKind::WrongForm | SchemaProblemKind::OutOfRange => problem.message,
            };
            self.push(code::BAD_REQUEST, place, &format!("/with{}", problem.pointer), message);
            if let Some(found) = self.found.last_mut() {
                found.help = problem.help;
            }
        }
    }

    /// What may stand around an action of its role.
    fn around(&mut self, at: ActionAt<'_>, place: Place<'_>) {
        let action = at.action;
        let mut no = |wrong: bool, key: &str, message: &str| {
            if wrong {
                self.push(code::BAD_COMBINATION, place, key, message);
            }
        };
        if at.role != Role::Work {
            no(action.undo.is_some(), "/undo", "only an action of a sequence can be undone");
        }
        if matches!(at.role, Role::Check(_) | Role::Verify | Role::VerifyAfter) {
            no(!action.verify.is_empty(), "/verify", "a check cannot be verified by another");
            no(action.verify_after.is_some(), "/verifyAfter", "a check cannot be verified by another");
        }
        match &action.verify_after {
            Some(VerifyAfter::Same(true)) if action.verify.is_empty() => {
                no(
                    true,
                    "/verifyAfter",
                    "`verifyAfter: true` stands for the checks of `verify`, and there are none",
                );
            }
            Some(VerifyAfter::Checks(checks)) if checks.is_empty() => {
                self.push(code::EMPTY_CONTAINER, place, "/verifyAfter", "the list of checks is empty");
            }
            _ => {}
        }
        let named = |checks: &[Action]| -> Vec<String> {
            checks
                .iter()
                .map(|check| if check.name.is_empty() { check.uses.clone() } else { check.name.clone() })
                .collect()
        };
        self.unique(named(&action.verify).iter().map(String::as_str), "check", place, "/verify");
        if let Some(VerifyAfter::Checks(checks)) = &action.verify_after {
            self.unique(named(checks).iter().map(String::as_str), "check", place, "/verifyAfter");
        }
        if action.when.as_ref().is_some_and(|when| when.trim().is_empty()) {
            self.push(code::WRONG_TYPE, place, "/when", "the condition is empty");
        }
    }

    fn numbers(&mut self, action: &Action, place: Place<'_>) {
        self.span(action.timeout, "a timeout", place, "/timeout", true);
        self.span(action.deadline, "a deadline", place, "/deadline", true);
        if let Some(retries) = action.retries.filter(|retries| *retries > LARGEST) {
            self.push(
                code::BAD_NUMBER,
                place,
                "/retries",
                format!("{retries} retries: the most is {LARGEST}"),
            );
        }
        if let Some(BackoffChoice::Custom(backoff)) = action.backoff {
            self.backoff(backoff, place);
        }
    }

    fn saved(&mut self, action: &Action, place: Place<'_>) {
        for (name, path) in &action.save {
            let key = format!("/save/{}", schema::escape(name));
            if name.trim().is_empty() {
                self.push(code::BLANK_NAME, place, &key, "a saved value has no name");
            } else if !name::is_identifier(name) {
                let message = format!("`{name}` cannot name a saved value");
                let help = "use letters, digits and _, so that templates can say `store.name`";
                self.push_help(code::BAD_NAME, place, &key, message, help);
            }
            if !is_path(path) {
                let message = format!("`{path}` is not a path in a response");
                let help = "write `stdout`, `body.items[0].id`, or `.` for all of it";
                self.push_help(code::WRONG_TYPE, place, &key, message, help);
            }
        }
    }
}

/// The pointer to the field that a plugin's message begins with, as in "`hosts.0.port`: too low"; empty for none.
fn field(message: &str, request: &Value) -> String {
    let named = message.strip_prefix('`').and_then(|rest| rest.split_once("`:"));
    let pointer =
        named.map(|(path, _)| path.split('.').map(|key| format!("/{}", schema::escape(key))).collect());
    pointer.filter(|pointer: &String| request.pointer(pointer).is_some()).unwrap_or_default()
}

/// Whether a text is a path as [`crate::eval::pick`] reads them.
fn is_path(path: &str) -> bool {
    path == "."
        || (!path.is_empty()
            && path.split('.').all(|step| {
                let (key, indexes) = step.find('[').map_or((step, ""), |bracket| step.split_at(bracket));
                let indexed = indexes.is_empty()
                    || (indexes.ends_with(']')
                        && indexes.split('[').skip(1).all(|index| {
                            let digits = index.strip_suffix(']').unwrap_or("");
                            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
                        }));
                indexed && !(key.is_empty() && indexes.is_empty()) && !key.contains(char::is_whitespace)
            }))
}
