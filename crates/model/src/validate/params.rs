//! Parameters: definitions that do not contradict themselves.

use indexmap::IndexMap;

use super::{Checker, Place};
use crate::param::{ParamSpec, ParamType};
use crate::schema::escape;
use crate::{Value, code, name};

// === impl Checker ===

impl Checker<'_> {
    pub(super) fn params(&mut self, params: &IndexMap<String, ParamSpec>) {
        for (name, spec) in params {
            let address = format!("params.{name}");
            let pointer = format!("/spec/params/{}", escape(name));
            let place = Place { address: &address, pointer: &pointer };
            if name.trim().is_empty() {
                self.push(code::BLANK_NAME, place, "", "a parameter has no name");
            } else if !name::is_identifier(name) {
                let help = "use letters, digits and _, so that templates can say `params.name`";
                let message = format!("`{name}` cannot name a parameter");
                self.push_help(code::BAD_NAME, place, "", message, help);
            }
            self.param(spec, place);
        }
    }

    fn param(&mut self, spec: &ParamSpec, place: Place<'_>) {
        let kind = spec.kind.word();
        let textual = matches!(spec.kind, ParamType::String | ParamType::Secret);
        let mut pattern = None;
        if let Some(written) = &spec.pattern {
            if !textual {
                let message = format!("a pattern is for texts, and this is of type {kind}");
                self.push(code::BAD_PARAM_SPEC, place, "/pattern", message);
            } else if let Err(why) = self.patterns.compile(written) {
                self.push(
                    code::BAD_PARAM_SPEC,
                    place,
                    "/pattern",
                    format!("the pattern is not understood: {why}"),
                );
            } else {
                pattern = Some(written.as_str());
            }
        }
        self.bounds(spec, place);
        if spec.required && spec.default.is_some() {
            let message = "what is required has no default, and what has a default is never missing";
            self.push(code::BAD_PARAM_SPEC, place, "/default", message);
        }
        if spec.kind == ParamType::Secret {
            let is_written = spec.default.is_some() && spec.default_secret().is_none();
            if is_written || !spec.one_of.is_empty() {
                let key = if is_written { "/default" } else { "/enum" };
                let help = "say where it comes from: default: \"{{ secret('name') }}\"";
                self.push_help(code::BAD_PARAM_SPEC, place, key, "a secret must not stand in a plan", help);
            }
            return;
        }
        for (index, choice) in spec.one_of.iter().enumerate() {
            let alone = ParamSpec { one_of: Vec::new(), ..spec.clone() };
            self.fits(&alone, choice, pattern, place, &format!("/enum/{index}"));
        }
        if let Some(default) = &spec.default {
            self.fits(spec, default, pattern, place, "/default");
        }
    }

    fn fits(&mut self, spec: &ParamSpec, value: &Value, pattern: Option<&str>, place: Place<'_>, key: &str) {
        if let Err(why) = spec.check(value) {
            self.push(code::BAD_PARAM_SPEC, place, key, why);
            if spec.kind == ParamType::String
                && (value.is_number() || value.is_boolean())
                && let Some(found) = self.found.last_mut()
            {
                found.help = Some(format!("write it in quotes: \"{value}\""));
            }
        } else if let (Some(pattern), Some(text)) = (pattern, value.as_str())
            && self.patterns.matches(pattern, text) == Some(false)
        {
            let message = format!("`{text}` does not match the pattern {pattern}");
            self.push(code::BAD_PARAM_SPEC, place, key, message);
        }
    }

    fn bounds(&mut self, spec: &ParamSpec, place: Place<'_>) {
        let kind = spec.kind.word();
        for (bound, key) in [(&spec.min, "/min"), (&spec.max, "/max")] {
            let Some(written) = bound else { continue };
            if spec.kind == ParamType::Bool {
                self.push(code::BAD_PARAM_SPEC, place, key, "true and false have no least and no most");
                return;
            }
            if spec.bound(Some(written)).is_none() {
                let expected =
                    if spec.kind == ParamType::Duration { "a duration such as 5m" } else { "a number" };
                let message = format!("expected {expected} for a parameter of type {kind}, got `{written}`");
                self.push(code::BAD_PARAM_SPEC, place, key, message);
            }
        }
        if let (Some(least), Some(most)) = (spec.bound(spec.min.as_ref()), spec.bound(spec.max.as_ref()))
            && least > most
        {
            self.push(code::BAD_PARAM_SPEC, place, "/max", "the most is less than the least");
        }
    }
}
