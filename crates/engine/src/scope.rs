//! Values: what templates see, and how secrets get in and out of the log.

use std::sync::Arc;

use windlass_model::element::{ElementId, Work};
use windlass_model::eval::Scope;
use windlass_model::layout::BlockDef;
use windlass_model::payload::Payload;
use windlass_model::secret::{self, Secrets};
use windlass_model::target::Node;
use windlass_model::vars::Vars;
use windlass_model::{Map, Value};

use crate::input::Seal;
use crate::run::Turn;

/// The key under which a sealed value stands in the log in the place of the value.
const SEALED: &str = "$sealed";

/// A recorded value with its secrets in clear again.
pub(crate) fn reveal(secrets: &Secrets, payload: &Payload) -> Value {
    let value = payload.value();
    if let Some(name) = value.get(SEALED).and_then(Value::as_str) {
        return secrets.get(name).and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    }
    secrets.reveal_value(&value)
}

impl Turn<'_> {
    /// What the templates of an element see.
    pub(crate) fn scope(&self, element: ElementId) -> Scope {
        let env = self.env;
        let mut scope = Scope {
            params: env.params.clone(),
            vars: env.vars.clone(),
            store: self.state.store.clone(),
            targets: self.state.targets.clone(),
            run: env.run.clone(),
            secret_params: env.secret_params.clone(),
            ..Scope::default()
        };
        let Some(work) = element.work() else { return scope };
        let Some(def) = work.block().and_then(|block| self.layout.block(block)) else { return scope };
        scope.vars = layered(&env.vars, def, work);
        let Some((block, seq)) = work.sequence() else { return scope };
        scope.node = self.node(element);
        let own = self.state.block_at(block).and_then(|state| match state.active.get(&seq) {
            Some(sequence) => Some((&sequence.store, &sequence.steps)),
            None => state.undoable.get(&seq).map(|undoable| (&undoable.store, &undoable.steps)),
        });
        if let Some((store, steps)) = own {
            scope.store = overlay(&scope.store, store);
            scope.steps = steps.clone();
        }
        scope
    }

    /// The node that an element works on.
    pub(crate) fn node(&self, element: ElementId) -> Option<Arc<Node>> {
        let (block, seq) = element.work().and_then(Work::sequence)?;
        let targets = self.layout.block(block)?.sequences.targets()?;
        targets.node(seq)
    }

    /// A value as it may stand in the log.
    pub(crate) fn recordable(&self, value: &Value) -> Payload {
        if self.secrets.is_empty() {
            Payload::of(value)
        } else {
            Payload::of(&self.secrets.redact_value(value))
        }
    }

    /// A text as it may stand in the log.
    pub(crate) fn recordable_text(&self, text: String) -> String {
        if self.secrets.is_empty() { text } else { self.secrets.redact(&text) }
    }

    /// Keeps a value apart from the log, and gives what stands in the log in its place.
    pub(crate) fn seal(&mut self, value: &Value) -> Payload {
        let name = format!("@{}.{}", self.state.seq, self.out.seals.len());
        let clear = value.to_string();
        self.secrets.insert(name.clone(), clear.clone());
        self.out.seals.push(Seal { name: name.clone(), clear });
        let mut map = Map::new();
        map.insert(SEALED.into(), Value::String(name));
        Payload::of(&Value::Object(map))
    }

    /// Keeps the texts in a value as secrets, so that they are redacted wherever they turn up later.
    pub(crate) fn keep_secret(&mut self, value: &Value) {
        match value {
            Value::String(text) if !text.is_empty() && !self.secrets.occur_in(text) => {
                let name = format!("@{}.{}", self.state.seq, self.out.seals.len());
                self.secrets.insert(name.clone(), text.clone());
                self.out.seals.push(Seal { name, clear: text.clone() });
            }
            Value::Array(items) => items.iter().for_each(|item| self.keep_secret(item)),
            Value::Object(map) => map.values().for_each(|item| self.keep_secret(item)),
            _ => {}
        }
    }
}

/// What stands for a secret parameter in the frozen parameters.
#[must_use]
pub(crate) fn is_token(value: &Value, name: &str) -> bool {
    value.as_str() == Some(&*secret::token(name))
}

fn overlay(base: &Arc<Map>, over: &Map) -> Arc<Map> {
    if over.is_empty() {
        return base.clone();
    }
    let mut merged = (**base).clone();
    merged.extend(over.iter().map(|(key, value)| (key.clone(), value.clone())));
    Arc::new(merged)
}

/// The plan's variables, then those of the target, the block and the sequence, layer over layer: nothing is copied.
fn layered(plan: &Arc<Vars>, def: &BlockDef, work: Work) -> Arc<Vars> {
    let seq = work.sequence().map(|(_, seq)| seq);
    let body = seq.and_then(|seq| def.sequences.body(seq));
    let target = seq.and_then(|seq| Some((def.sequences.targets()?, seq)));
    let target = target.filter(|(targets, seq)| targets.details(*seq).is_some());
    if target.is_none() && def.vars.vars.is_empty() && body.is_none_or(|body| body.vars.vars.is_empty()) {
        return plan.clone();
    }
    let mut vars = (**plan).clone();
    if let Some((targets, seq)) = target {
        targets.add_vars(seq, &mut vars);
    }
    vars.push(&def.vars);
    if let Some(body) = body {
        vars.push(&body.vars);
    }
    Arc::new(vars)
}
