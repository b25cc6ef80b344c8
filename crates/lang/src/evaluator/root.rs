//! The values of a scope as the template engine sees them: looked up one by one, converted when needed.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value as Inner};
use minijinja::{Error, ErrorKind, State};
use windlass_model::eval::{Scope, is_template};
use windlass_model::foresight;
use windlass_model::target::Node;
use windlass_model::vars::Vars;
use windlass_model::{Map, Value, secret};

use super::cache::{Cache, Kind};
use super::trace::{NOTES, Notes, Trace};
use super::{convert, sole_expression};

/// All that a template can see.
#[derive(Clone, Debug)]
pub(super) struct Root {
    pub(super) trace: Arc<Trace>,
    seen: Arc<Visible>,
}

#[derive(Debug)]
struct Visible {
    scope: Scope,
    cache: Arc<Cache>,
    masked: bool,
}

/// A map, or a map in a map: never copied, only pointed into.
#[derive(Clone, Debug)]
struct View {
    root: Root,
    map: Held,
    path: Vec<Step>,
    name: String,
    kind: Sort,
}

#[derive(Clone, Debug)]
enum Held {
    Map(Arc<Map>),
    Vars(Arc<Vars>),
    NodeFacts(Arc<Node>),
}

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

/// What sort of values these are, beyond being values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Plain,
    /// Some of them are secret.
    Params,
    /// Their texts may be templates themselves.
    Vars,
    /// All of them are secret: what a sensitive action answered.
    Sealed,
}

#[derive(Debug)]
struct NodeView {
    root: Root,
    node: Arc<Node>,
    /// How it was asked for: `node`, or `targets['web01']`.
    name: String,
}

/// A node of the run, and what was saved for it.
#[derive(Debug)]
struct TargetView {
    node: Option<Arc<NodeView>>,
    store: Inner,
    name: String,
    root: Root,
}

/// `secret('name')`.
#[derive(Debug)]
struct Lookup {
    root: Root,
}

#[derive(Debug)]
struct TargetsView {
    root: Root,
}

// === impl Root ===

impl Root {
    /// The values of a scope, in clear or with tokens in the places of secrets.
    pub(super) fn new(scope: &Scope, cache: &Arc<Cache>, masked: bool) -> Self {
        let seen = Visible { scope: scope.clone(), cache: Arc::clone(cache), masked };
        Self { trace: Arc::new(Trace::default()), seen: Arc::new(seen) }
    }

    /// The same, and what is written is noted.
    pub(super) fn noting(scope: &Scope, cache: &Arc<Cache>, masked: bool) -> Self {
        let root = Self::new(scope, cache, masked);
        Self { trace: Arc::new(Trace::noting()), ..root }
    }

    pub(super) fn value(&self) -> Inner {
        Inner::from_object(self.clone())
    }

    pub(super) fn into_value(self) -> Inner {
        Inner::from_object(self)
    }

    fn view(&self, map: Held, name: &str, kind: Sort) -> Inner {
        let view = View { root: self.clone(), map, path: Vec::new(), name: name.to_owned(), kind };
        Inner::from_object(view)
    }

    /// A variable that is a template itself, rendered.
    fn computed(&self, name: &str, text: &str) -> Inner {
        if let Err(why) = self.trace.begin(name) {
            return Error::new(ErrorKind::InvalidOperation, why).into();
        }
        let result = self.render(text);
        self.trace.end();
        result.unwrap_or_else(Inner::from)
    }

    fn render(&self, text: &str) -> Result<Inner, Error> {
        match sole_expression(text) {
            Some(expression) => {
                let value = self.seen.cache.get(Kind::Expression, expression)?.evaluate(self.value())?;
                if value.is_undefined() {
                    let what = self.trace.missing().unwrap_or_else(|| expression.to_owned());
                    return Err(Error::new(ErrorKind::UndefinedError, format!("{what} is not defined")));
                }
                Ok(value)
            }
            None => self.seen.cache.get(Kind::Template, text)?.render(self.value()).map(Inner::from),
        }
    }
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Inner) -> Option<Inner> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Inner> {
        let scope = &self.seen.scope;
        let plain = |map: &Arc<Map>| Some(self.view(Held::Map(Arc::clone(map)), key, Sort::Plain));
        match key {
            "params" => Some(self.view(Held::Map(Arc::clone(&scope.params)), key, Sort::Params)),
            "vars" => Some(self.view(Held::Vars(Arc::clone(&scope.vars)), key, Sort::Vars)),
            "store" => plain(&scope.store),
            "steps" => plain(&scope.steps),
            "run" => plain(&scope.run),
            "targets" => Some(Inner::from_object(TargetsView { root: Self::clone(self) })),
            "secret" => Some(Inner::from_object(Lookup { root: Self::clone(self) })),
            "node" | "facts" => {
                let Some(node) = &scope.node else {
                    self.trace.miss(key.to_owned());
                    return None;
                };
                let node = Arc::clone(node);
                Some(if key == "node" {
                    Inner::from_object(NodeView { root: Self::clone(self), node, name: key.to_owned() })
                } else {
                    self.view(Held::NodeFacts(node), key, Sort::Plain)
                })
            }
            NOTES => self.trace.is_noting().then(|| Inner::from_object(Notes(Arc::clone(&self.trace)))),
            _ => {
                if !super::explain::is_builtin(key) {
                    self.trace.miss(key.to_owned());
                }
                None
            }
        }
    }
}

// === impl View ===

impl View {
    /// The map that this view is of; `None` when it is all of what is held.
    fn inner(&self) -> Option<&Map> {
        let mut steps = self.path.iter();
        let Some(Step::Key(first)) = steps.next() else { return None };
        let mut value = self.map.get(first)?;
        for step in steps {
            value = match step {
                Step::Key(key) => value.get(key)?,
                Step::Index(index) => value.get(*index)?,
            };
        }
        value.as_object()
    }

    fn get(&self, key: &str) -> Option<&Value> {
        if self.path.is_empty() { self.map.get(key) } else { self.inner()?.get(key) }
    }

    fn keys(&self) -> Vec<Inner> {
        if self.path.is_empty() {
            return self.map.keys();
        }
        self.inner().into_iter().flat_map(Map::keys).map(|key| Inner::from(key.as_str())).collect()
    }

    fn convert(&self, value: &Value, key: &str, path: &mut Vec<Step>) -> Inner {
        match value {
            Value::Object(_) => Inner::from_object(Self {
                path: path.clone(),
                name: format!("{}.{key}", self.name),
                ..self.clone()
            }),
            Value::Array(items) => {
                let converted = items.iter().enumerate().map(|(index, item)| {
                    path.push(Step::Index(index));
                    let item = self.convert(item, key, path);
                    path.pop();
                    item
                });
                converted.collect::<Vec<_>>().into()
            }
            Value::String(text) if self.kind == Sort::Vars && is_template(text) => {
                let mut name = format!("{}.{key}", self.name);
                for step in path.iter().rev().map_while(|step| match step {
                    Step::Index(index) => Some(index),
                    Step::Key(_) => None,
                }) {
                    name.push_str(&format!("[{step}]"));
                }
                self.root.computed(&name, text)
            }
            scalar => self.scalar(scalar),
        }
    }

    /// A scalar, which may hold a secret wherever it comes from.
    fn scalar(&self, value: &Value) -> Inner {
        let (trace, visible) = (&self.root.trace, &self.root.seen);
        let secrets = &visible.scope.secrets;
        let text = match value {
            Value::String(text) => text.as_str(),
            Value::Number(number) if self.kind == Sort::Sealed || !secrets.is_empty() => &number.to_string(),
            _ => return convert::scalar(value),
        };
        if self.kind == Sort::Sealed {
            let token =
                secret::token(self.name.splitn(3, '.').take(2).collect::<Vec<_>>().join(".").as_str());
            trace.touch(&token);
            trace.derive(text);
            return if visible.masked { token.into() } else { convert::scalar(value) };
        }
        let tokens = match value {
            Value::String(text) if !secrets.is_empty() => secrets.tokens_of(text),
            Value::Number(_) => secrets.token_of_number(text).into_iter().collect(),
            _ => Vec::new(),
        };
        if tokens.is_empty() {
            trace.plain(text);
            return convert::scalar(value);
        }
        tokens.iter().for_each(|token| trace.touch(token));
        match (visible.masked, value) {
            (false, _) => convert::scalar(value),
            (true, Value::String(text)) => secrets.redact(text).into(),
            (true, _) => tokens.concat().into(),
        }
    }
}

impl Object for View {
    fn get_value(self: &Arc<Self>, key: &Inner) -> Option<Inner> {
        match key.as_str() {
            Some(key) => self.get_value_by_str(key),
            None => self.get_value_by_str(&key.to_string()),
        }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Inner> {
        let Some(value) = self.get(key) else {
            self.root.trace.miss(format!("{}.{key}", self.name));
            return None;
        };
        if self.root.seen.scope.noop
            && let Some(why) = foresight::why_unknown(value)
        {
            let text = format!("{}.{key} is not known: {why}", self.name);
            self.root.trace.is_unknown(text.clone());
            return Some(Error::new(ErrorKind::InvalidOperation, text).into());
        }
        if self.kind == Sort::Params && self.path.is_empty() {
            let visible = &self.root.seen;
            if visible.scope.secret_params.iter().any(|secret| secret == key) {
                self.root.trace.touch(&secret::token(key));
                if visible.masked {
                    return Some(secret::token(key).into());
                }
                return Some(convert::scalar(value));
            }
        }
        if self.name == "steps" && self.path.is_empty() {
            let sealed = self.root.seen.scope.sealed_steps.iter().any(|step| step == key);
            let kind = if sealed { Sort::Sealed } else { self.kind };
            return Some(Self { kind, ..View::clone(self) }.convert(
                value,
                key,
                &mut vec![Step::Key(key.to_owned())],
            ));
        }
        if let Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null = value
            && self.kind != Sort::Vars
        {
            return Some(self.scalar(value));
        }
        let mut path = self.path.clone();
        path.push(Step::Key(key.to_owned()));
        Some(self.convert(value, key, &mut path))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Iter(Box::new(self.keys().into_iter()))
    }
}

// === impl Held ===

impl Held {
    fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Map(map) => map.get(key),
            Self::Vars(vars) => vars.get(key),
            Self::NodeFacts(node) => node.facts.get(key),
        }
    }

    fn keys(&self) -> Vec<Inner> {
        let inner = |key: &String| Inner::from(key.as_str());
        match self {
            Self::Map(map) => map.keys().map(inner).collect(),
            Self::Vars(vars) => vars.keys().map(Inner::from).collect(),
            Self::NodeFacts(node) => node.facts.keys().map(inner).collect(),
        }
    }
}

// === impl NodeView ===

impl Object for NodeView {
    fn get_value(self: &Arc<Self>, key: &Inner) -> Option<Inner> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Inner> {
        let node = &self.node;
        match key {
            "name" => Some(node.name.as_str().into()),
            "labels" => {
                let labels: Map =
                    node.labels.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
                Some(self.root.view(
                    Held::Map(Arc::new(labels)),
                    &format!("{}.labels", self.name),
                    Sort::Plain,
                ))
            }
            "addresses" if node.addresses.is_empty() => Some(vec![Inner::from(node.name.as_str())].into()),
            "addresses" => Some(texts(&node.addresses)),
            "groups" => Some(texts(&node.groups)),
            "roles" => Some(texts(&node.roles)),
            "parent" => Some(node.parent.as_deref().map_or_else(|| Inner::from(()), Inner::from)),
            "vars" => {
                let own = Arc::new(self.root.seen.scope.vars.of_target());
                Some(self.root.view(Held::Vars(own), &format!("{}.vars", self.name), Sort::Vars))
            }
            "facts" => {
                let facts = Held::NodeFacts(Arc::clone(node));
                Some(self.root.view(facts, &format!("{}.facts", self.name), Sort::Plain))
            }
            _ => {
                self.root.trace.miss(format!("{}.{key}", self.name));
                None
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["name", "addresses", "labels", "groups", "parent", "roles", "vars", "facts"])
    }
}

fn texts(texts: &[String]) -> Inner {
    texts.iter().map(|text| Inner::from(text.as_str())).collect::<Vec<_>>().into()
}

// === impl Lookup ===

impl Object for Lookup {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Inner]) -> Result<Inner, Error> {
        let [name] = args else {
            return Err(Error::new(ErrorKind::MissingArgument, "secret takes the name of one secret"));
        };
        let (trace, visible) = (&self.root.trace, &self.root.seen);
        let name = name.as_str().unwrap_or_default();
        let Some(clear) = visible.scope.secrets.get(name).filter(|_| secret::is_given(name)) else {
            trace.miss(format!("secret('{name}')"));
            return Err(Error::new(ErrorKind::UndefinedError, format!("there is no secret `{name}`")));
        };
        let token = secret::token(name);
        trace.touch(&token);
        Ok(if visible.masked { token.into() } else { clear.into() })
    }
}

// === impl TargetsView ===

impl Object for TargetsView {
    fn get_value(self: &Arc<Self>, key: &Inner) -> Option<Inner> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Inner> {
        let scope = &self.root.seen.scope;
        let name = format!("targets['{key}']");
        let node = scope.nodes.as_ref().and_then(|nodes| Some((nodes.node(key)?, nodes)));
        let saved = scope.targets.get(key);
        if node.is_none() && saved.is_none() {
            self.root.trace.miss(name);
            return None;
        }
        let node = node.map(|(node, nodes)| {
            // Its variables may be templates, which then speak of it and not of us.
            let (vars, node_of) = (Arc::new(nodes.vars(key)), Some(Arc::clone(&node)));
            let (store, steps) = (saved.cloned().unwrap_or_default(), Arc::default());
            let scope = Scope { vars, node: node_of, store, steps, ..scope.clone() };
            let seen =
                Visible { scope, cache: Arc::clone(&self.root.seen.cache), masked: self.root.seen.masked };
            let root = Root { trace: Arc::clone(&self.root.trace), seen: Arc::new(seen) };
            Arc::new(NodeView { root, node, name: name.clone() })
        });
        let held = Held::Map(saved.cloned().unwrap_or_default());
        let store = self.root.view(held, &format!("{name}.store"), Sort::Plain);
        Some(Inner::from_object(TargetView { node, store, name, root: self.root.clone() }))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let scope = &self.root.seen.scope;
        let mut names = scope.nodes.as_ref().map(|nodes| nodes.names()).unwrap_or_default();
        let known: std::collections::BTreeSet<String> = names.iter().cloned().collect();
        names.extend(scope.targets.keys().filter(|name| !known.contains(*name)).cloned());
        Enumerator::Iter(Box::new(names.into_iter().map(Inner::from)))
    }
}

// === impl TargetView ===

impl Object for TargetView {
    fn get_value(self: &Arc<Self>, key: &Inner) -> Option<Inner> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Inner> {
        match (&self.node, key) {
            (_, "store") => Some(self.store.clone()),
            (Some(node), key) => node.get_value_by_str(key),
            (None, key) => {
                self.root.trace.miss(format!("{}.{key}", self.name));
                None
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.node {
            None => Enumerator::Str(&["store"]),
            Some(_) => Enumerator::Str(&[
                "name",
                "addresses",
                "labels",
                "groups",
                "parent",
                "roles",
                "vars",
                "facts",
                "store",
            ]),
        }
    }
}
