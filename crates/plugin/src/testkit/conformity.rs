//! What every plugin must keep to, tried with its own examples.

use std::sync::Arc;
use std::time::Duration;

use windlass_model::Value;
use windlass_model::fact::PluginKind;

use crate::dynamic::{DynPlugin, Typed};
use crate::plugin::Plugin;
use crate::registry::Registry;
use crate::shape::{Shape, Strictness, resolve};
use crate::simulation::Simulation;

/// Everything that is wrong with a plugin: it must be accepted by a registry, explain itself and its
/// fields, and have examples that validate and can be simulated.
pub fn conforms<P: Plugin>(plugin: P) -> Result<(), Vec<String>> {
    conforms_dyn(Arc::new(Typed::new(plugin)))
}

/// The same for a plugin of which the types are not known.
pub fn conforms_dyn(plugin: Arc<dyn DynPlugin>) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    if let Err(error) = Registry::new().register_dyn(Arc::clone(&plugin)) {
        problems.push(error.to_string());
    }
    let about = plugin.about();
    if about.summary.trim().is_empty() || about.summary.ends_with('.') {
        problems.push("its summary must be a phrase without a full stop".into());
    }
    if about.examples.is_empty() {
        problems.push("it has no example".into());
    }
    problems.extend(
        undescribed("request", plugin.request())
            .into_iter()
            .chain(undescribed("response", plugin.response())),
    );
    for example in &about.examples {
        let mut say = |what: String| problems.push(format!("example `{}`: {what}", example.title));
        if let Err(wrong) = plugin.validate(&example.request) {
            say(wrong.join("; "));
            continue;
        }
        for draw in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            simulated(&*plugin, &example.request, draw).into_iter().for_each(&mut say);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn simulated(plugin: &dyn DynPlugin, request: &Value, draw: u64) -> Vec<String> {
    let about = plugin.about();
    let timeout = about.timeout.map_or(Duration::from_secs(30), |timeout| timeout.0);
    let simulation = Simulation { address: "trial/action", attempt: 1, node: None, draw, timeout };
    let first = plugin.simulate(&simulation, request);
    let mut problems = Vec::new();
    if first != plugin.simulate(&simulation, request) {
        problems.push("two simulations with the same draw differ".into());
    }
    if let Ok(reply) = &first.result {
        if reply.changed && about.kind == PluginKind::Check {
            problems.push("a check reports a change".into());
        }
        if let Some(response) = &reply.response {
            let misfits = plugin.response().misfits(response, Strictness::Rendered);
            problems.extend(
                misfits.iter().map(|misfit| format!("the simulated response does not fit: {misfit}")),
            );
        }
    }
    problems
}

/// Fields of the top level without a description. Deeper ones describe themselves by their type.
fn undescribed(side: &str, shape: &Shape) -> Vec<String> {
    let root = shape.schema();
    let top = root.get("$ref").and_then(Value::as_str).and_then(|at| resolve(root, at)).unwrap_or(root);
    let fields = top.get("properties").and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .filter(|(_, field)| {
            let target = field.get("$ref").and_then(Value::as_str).and_then(|at| resolve(root, at));
            field.get("description").is_none()
                && target.is_none_or(|target| target.get("description").is_none())
        })
        .map(|(name, _)| format!("the field {side}.{name} has no description; write a comment above it"))
        .collect()
}
