//! Values: what templates see, and how secrets get in and out of the log.

use std::sync::Arc;

use windlass_model::element::{ElementId, Work};
use windlass_model::eval::Scope;
use windlass_model::layout::BlockDef;
use windlass_model::payload::Payload;
use windlass_model::secret::{self, SEALED, Secrets};
use windlass_model::target::Node;
use windlass_model::vars::Vars;
use windlass_model::{Map, Value};

use crate::input::Seal;
use crate::run::Turn;

/// Shorter numbers stand everywhere: ports, exit codes, statuses.
const SHORTEST_NUMBER: usize = 4;

/// A recorded value with its secrets in clear again.
pub(crate) fn reveal(secrets: &Secrets, payload: &Payload) -> Value {
    let value = payload.value();
    if secrets.is_idle() {
        return value;
    }
    match secret::sealed_as(&value) {
        Some(name) => secrets.get(name).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        None => secrets.reveal_value(&value),
    }
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
            secrets: self.secrets.clone(),
            nodes: Some(self.env.nodes.clone()),
            noop: self.is_noop(),
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
            let body = def.sequences.body(seq);
            let sealed = body.into_iter().flat_map(|body| &body.actions).filter(|def| def.action.sensitive);
            scope.sealed_steps = sealed.map(|def| def.action.name.clone()).collect();
        }
        scope
    }

    /// The node that an element works on.
    pub(crate) fn node(&self, element: ElementId) -> Option<Arc<Node>> {
        let (block, seq) = element.work().and_then(Work::sequence)?;
        let targets = self.layout.block(block)?.sequences.targets()?;
        targets.node(seq)
    }

    /// What a plugin answered, as it may stand in the log; [`reveal`] gives it back as it was.
    pub(crate) fn hidden(&self, value: Value) -> Value {
        if self.secrets.is_idle() { value } else { self.secrets.hide_value(&value) }
    }

    /// What is only shown, as it may stand in the log.
    pub(crate) fn shown(&self, value: &Value) -> Payload {
        Payload::of(&self.secrets.redact_value(value))
    }

    /// Keeps a value apart from the log, and gives what stands in the log in its place.
    pub(crate) fn seal(&mut self, value: &Value) -> Payload {
        let name = secret::name_of_value(self.state.seq, self.out.seals.len());
        self.keep(name.clone(), value.to_string());
        let mut map = Map::new();
        map.insert(SEALED.into(), Value::String(name));
        Payload::of(&Value::Object(map))
    }

    /// Keeps the texts in a value as secrets, so that they are redacted wherever they turn up later.
    pub(crate) fn keep_secret(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.keep_text(text),
            Value::Number(number) if number.to_string().len() >= SHORTEST_NUMBER => {
                self.keep_text(&number.to_string());
            }
            Value::Array(items) => items.iter().for_each(|item| self.keep_secret(item)),
            Value::Object(map) => map.values().for_each(|item| self.keep_secret(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The same for one text. What is too short to be looked for, or is looked for already, is left.
    pub(crate) fn keep_text(&mut self, text: &str) {
        let text = text.trim();
        if text.len() >= secret::SHORTEST && !self.secrets.covers(text) {
            self.keep(secret::name_of_text(self.state.seq, self.out.seals.len()), text.to_owned());
        }
    }

    fn keep(&mut self, name: String, clear: String) {
        Arc::make_mut(self.secrets).insert(name.clone(), clear.clone());
        self.out.seals.push(Seal { name, clear });
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
