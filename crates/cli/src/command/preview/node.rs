//! `windlass preview --node NAME`: what a run would do on one node, and with which values.

use std::fmt::Write;

use serde_json::{Value, json};
use windlass_lang::Evaluator;
use windlass_model::element::{ElementId, Work};
use windlass_model::eval::{Evaluate, Scope, is_template};
use windlass_model::layout::{ActionDef, BlockDef};
use windlass_model::name;
use windlass_report::legible;
use windlass_report::words::{count, grouped};

use super::locks::{before, scope};
use super::text::call;
use crate::failure::Failure;
use crate::prepare::Prepared;
use crate::printer::{FAINT, STRONG, Styled, WARN};

/// How long a value may be on its line.
const VALUE: usize = 200;
/// Variables are compared with those of so many other targets.
const COMPARED: u32 = 10_000;

/// What a node has to do with a run.
#[derive(Debug)]
pub(super) struct NodeSeen {
    name: String,
    blocks: Vec<Part>,
}

/// What is to be done on it in one block.
#[derive(Debug)]
struct Part {
    address: String,
    position: u32,
    total: u32,
    /// `None` where chance decides.
    batch: Option<u32>,
    lock: Option<Result<String, String>>,
    vars: Vec<Var>,
    actions: Vec<Asked>,
}

#[derive(Debug)]
struct Var {
    key: String,
    value: Result<Value, String>,
    from: String,
    /// How many other targets of the block have another value, or none.
    differs: u32,
}

#[derive(Debug)]
struct Asked {
    title: String,
    name: String,
    uses: String,
    on: Option<Result<String, String>>,
    request: Result<Value, String>,
}

struct Looker<'a> {
    prepared: &'a Prepared,
    eval: Evaluator,
}

/// Everything about the nodes of these names.
pub(super) fn look(prepared: &Prepared, names: &[String]) -> Result<Vec<NodeSeen>, Failure> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let looker = Looker { prepared, eval: Evaluator::new() };
    let mut run = before(prepared);
    let mut all = Vec::new();
    for name in names {
        let mut blocks = Vec::new();
        for (block, def) in (0_u32..).zip(&prepared.layout.blocks) {
            let Some(seq) = def.sequences.targets().and_then(|targets| targets.find(name)) else { continue };
            let seen = scope(&mut run, Work::Action { block, seq, action: 0 });
            blocks.push(looker.part(block, def, seq, &seen));
        }
        if blocks.is_empty() {
            return Err(unknown(prepared, name));
        }
        all.push(NodeSeen { name: name.clone(), blocks });
    }
    Ok(all)
}

fn unknown(prepared: &Prepared, name: &str) -> Failure {
    let targets = prepared.layout.blocks.iter().filter_map(|block| block.sequences.targets());
    let near = name::nearest(name, targets.flat_map(|targets| targets.names()).take(100_000));
    let failure = Failure::usage(format!("`{name}` is no target of this plan"));
    match near {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help("`windlass preview FILE --show 0` lists all targets"),
    }
}

// === impl Looker ===

impl Looker<'_> {
    fn part(&self, block: u32, def: &BlockDef, seq: u32, scope: &Scope) -> Part {
        let body = def.sequences.body(seq);
        let lock = match body.and_then(|body| body.lock.as_deref()) {
            None => Some(Ok(format!("node/{}", def.sequences.name(seq).unwrap_or_default()))),
            Some("" | "none") => None,
            Some(lock) => Some(self.text(lock, scope)),
        };
        Part {
            address: self.prepared.layout.address(ElementId::Block(block)),
            position: seq.saturating_add(1),
            total: def.sequences.len(),
            batch: batch_of(def, seq),
            lock,
            vars: self.vars(def, seq, scope),
            actions: body
                .map_or(&[][..], |body| &body.actions)
                .iter()
                .map(|def| self.asked(def, scope))
                .collect(),
        }
    }

    /// Its variables, those in which it differs from others first.
    fn vars(&self, def: &BlockDef, seq: u32, scope: &Scope) -> Vec<Var> {
        let targets = def.sequences.targets().filter(|targets| targets.len() <= COMPARED);
        let others: Vec<_> = targets
            .into_iter()
            .flat_map(|targets| {
                (0..targets.len()).filter(|other| *other != seq).map(move |other| (targets, other))
            })
            .map(|(targets, other)| {
                let mut vars = windlass_model::vars::Vars::default();
                targets.add_vars(other, &mut vars);
                vars
            })
            .collect();
        let of_target = |blame: &windlass_model::vars::Blame| blame.from.is_of_target();
        let one = |blame: windlass_model::vars::Blame| {
            let differs =
                others.iter().filter(|vars| of_target(&blame) && vars.get(&blame.key) != Some(&blame.value));
            let differs = u32::try_from(differs.count()).unwrap_or(u32::MAX);
            Var {
                value: self.value(&blame.value, scope),
                from: blame.from.to_string(),
                key: blame.key,
                differs,
            }
        };
        let mut vars: Vec<Var> = scope.vars.blame().into_iter().map(one).collect();
        vars.sort_by_key(|var| var.differs == 0);
        vars
    }

    fn asked(&self, def: &ActionDef, scope: &Scope) -> Asked {
        let request = match def.action.sensitive {
            true => Err("kept back, because the action is sensitive".to_owned()),
            false => self.value(&def.request, scope),
        };
        Asked {
            title: call(def),
            name: def.action.name.clone(),
            uses: def.action.uses.clone(),
            on: def.action.on.as_deref().map(|on| self.text(on, scope)),
            request,
        }
    }

    /// A value as it may be shown, or why it is not known yet.
    fn value(&self, value: &Value, scope: &Scope) -> Result<Value, String> {
        let rendered = self.eval.render(value, scope).map_err(|why| why.to_string())?;
        Ok(scope.secrets.redact_value(&rendered.shown.unwrap_or(rendered.clear)))
    }

    fn text(&self, text: &str, scope: &Scope) -> Result<String, String> {
        if !is_template(text) {
            return Ok(text.to_owned());
        }
        let value = self.value(&Value::from(text), scope)?;
        Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

/// The batch that a target is in when nothing fails.
fn batch_of(def: &BlockDef, seq: u32) -> Option<u32> {
    if def.canary.is_some() || !def.done.is_empty() {
        return None;
    }
    let (mut end, mut n) = (0_u32, 0);
    while end <= seq {
        n += 1;
        end = end.saturating_add(def.batch_size(n).max(1));
    }
    Some(n)
}

// === impl NodeSeen ===

impl NodeSeen {
    /// For programs.
    pub(super) fn document(&self) -> Value {
        let or_null = |result: &Result<String, String>| result.as_ref().ok().cloned();
        let blocks = self.blocks.iter().map(|part| {
            let vars = part.vars.iter().map(|var| {
                json!({
                    "key": var.key, "value": var.value.as_ref().ok(), "unknown": var.value.as_ref().err(),
                    "from": var.from, "differsFrom": var.differs,
                })
            });
            let actions = part.actions.iter().map(|asked| {
                json!({
                    "name": asked.name, "use": asked.uses, "on": asked.on.as_ref().and_then(or_null),
                    "request": asked.request.as_ref().ok(), "unknown": asked.request.as_ref().err(),
                })
            });
            json!({
                "address": part.address, "position": part.position, "total": part.total, "batch": part.batch,
                "lock": part.lock.as_ref().and_then(or_null),
                "vars": vars.collect::<Vec<_>>(), "actions": actions.collect::<Vec<_>>(),
            })
        });
        json!({"name": self.name, "blocks": blocks.collect::<Vec<_>>()})
    }
}

/// For people.
pub(super) fn text(nodes: &[NodeSeen]) -> String {
    let mut out = String::new();
    // Writing into a text cannot fail.
    for node in nodes {
        for part in &node.blocks {
            let _ = write_part(&mut out, node, part);
        }
    }
    out
}

fn write_part(out: &mut String, node: &NodeSeen, part: &Part) -> std::fmt::Result {
    let batch = part.batch.map_or_else(|| "batch drawn at random".to_owned(), |n| format!("batch {n}"));
    let at = format!(
        "target {} of {} · {batch}",
        grouped(u64::from(part.position)),
        grouped(u64::from(part.total))
    );
    let (name, address) = (legible::line(&node.name, VALUE), legible::line(&part.address, VALUE));
    writeln!(out, "{} in {}  {}", Styled(STRONG, name), Styled(STRONG, address), Styled(FAINT, at))?;
    let mut field =
        |name: &str, value: String| writeln!(out, "   {} {value}", Styled(FAINT, format_args!("{name:<12}")));
    field("lock", part.lock.as_ref().map_or_else(|| "none".to_owned(), shown))?;
    for (index, var) in part.vars.iter().enumerate() {
        let differs = match var.differs {
            0 => String::new(),
            n => format!(", another on {}", count(u64::from(n), "target")),
        };
        let note = Styled(FAINT, format_args!("({}{differs})", legible::line(&var.from, VALUE))).to_string();
        let value = shown(&var.value.as_ref().map(brief).map_err(Clone::clone));
        field(
            if index == 0 { "vars" } else { "" },
            format!("{} = {value}  {note}", legible::line(&var.key, VALUE)),
        )?;
    }
    for (index, asked) in part.actions.iter().enumerate() {
        let on = asked.on.as_ref().map(|on| format!(" on {}", shown(on))).unwrap_or_default();
        let request = shown(&asked.request.as_ref().map(brief).map_err(Clone::clone));
        field(
            if index == 0 { "asked" } else { "" },
            format!("{}. {}{on}  {request}", index + 1, asked.title),
        )?;
    }
    writeln!(out)
}

fn brief(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text that is known, or why it is not.
fn shown(text: &Result<String, String>) -> String {
    match text {
        Ok(text) => legible::line(text, VALUE),
        Err(why) => {
            Styled(WARN, format_args!("known only in the run: {}", legible::line(why, VALUE))).to_string()
        }
    }
}
