//! What a run needs of the objects: the nodes that its namespace may touch, its variables and secrets, and whether
//! anything of it is frozen.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use serde_json::json;
use windlass_inventory::{Contents, Inventory, Item, Level, NodeGroup, NodeGroupSpec, NodeSpec};
use windlass_lang::Evaluator;
use windlass_model::eval::Scope;
use windlass_model::plan::{API_VERSION, Plan};
use windlass_model::target::{Node, Targets};
use windlass_model::{Map, Value, code};
use windlass_objects::kinds::{
    self, BudgetSpec, ClusterVariablesBindingSpec, FreezeSpec, NamespaceSpec, PolicySpec, Rate,
};
use windlass_objects::{Error, Kind, Name, Object, Objects, Query};
use windlass_plugin::{BoxFuture, Secret, SecretError, SecretProvider};
use windlass_runtime::Budget;

use crate::answer::Problem;

/// The objects, as runs need them.
#[derive(Clone, Debug)]
pub struct Gathered {
    objects: Objects,
    /// The inventory of each namespace.
    made: Arc<Mutex<HashMap<String, Made>>>,
}

/// An inventory that was made.
#[derive(Clone, Debug)]
struct Made {
    /// How often objects had been changed before.
    changes: u64,
    inventory: Arc<Inventory>,
    /// Whether variables look at what nodes report.
    looks: bool,
}

/// What inventories are made of.
const PARTS: [&Kind; 6] = [
    &kinds::NAMESPACE,
    &kinds::NODE,
    &kinds::NODE_GROUP,
    &kinds::CLUSTER_VARIABLES,
    &kinds::CLUSTER_VARIABLES_BINDING,
    &kinds::VARIABLES,
];

/// The secrets of a namespace: `OBJECT/KEY`, or `KEY` where one object alone has it.
struct Secrets {
    objects: Objects,
    namespace: String,
    names: Vec<String>,
}

const PAGE: usize = 1000;
/// What templates call what nodes report.
const FACTS: &str = "facts";

// === impl Gathered ===

impl Gathered {
    /// Reads them from these.
    #[must_use]
    pub fn new(objects: Objects) -> Self {
        Self { objects, made: Arc::default() }
    }

    /// The nodes that a namespace may touch. Others are not there for it: neither by name, nor by group, nor by label.
    pub async fn inventory(&self, namespace: &str) -> Result<Arc<Inventory>, Problem> {
        Ok(self.made(namespace).await?.inventory)
    }

    async fn made(&self, namespace: &str) -> Result<Made, Problem> {
        let changes = self.objects.changes(&PARTS);
        let lock = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = lock().get(namespace).filter(|made| made.changes == changes) {
            return Ok(made.clone());
        }
        let contents = self.granted(namespace, false).await?;
        let looks = vars_look_at_facts(&contents);
        let made = Made { changes, inventory: Arc::new(build(contents)?), looks };
        lock().insert(namespace.to_owned(), made.clone());
        Ok(made)
    }

    /// The same with what nodes report of themselves, where a plan or a selection looks at that. It is much, and most do not.
    pub async fn inventory_for(
        &self,
        namespace: &str,
        plan: &Plan,
        selection: Option<&Targets>,
    ) -> Result<Arc<Inventory>, Problem> {
        let text = |text: serde_json::Result<String>| text.unwrap_or_default();
        let texts = [text(serde_json::to_string(plan)), text(serde_json::to_string(&selection))];
        // What `maxPer` counts by may be a fact without being called one.
        let looks = texts.iter().any(|text| text.contains(FACTS) || text.contains("maxPer"));
        let made = self.made(namespace).await?;
        match looks || made.looks {
            true => self.inventory_with_facts(namespace).await,
            false => Ok(made.inventory),
        }
    }

    /// The same in any case.
    pub(crate) async fn inventory_with_facts(&self, namespace: &str) -> Result<Arc<Inventory>, Problem> {
        Ok(Arc::new(build(self.granted(namespace, true).await?)?))
    }

    /// The same as a document, with what nodes report or without.
    pub(crate) async fn document(&self, namespace: &str, with_facts: bool) -> Result<Value, Problem> {
        let Contents { cluster, namespace, groups, nodes, .. } = self.granted(namespace, with_facts).await?;
        let nodes: Vec<Node> = nodes.into_iter().map(|item| item.what).collect();
        let groups: Vec<NodeGroup> = groups.into_iter().map(|item| item.what).collect();
        Ok(json!({
            "apiVersion": API_VERSION,
            "kind": "Inventory",
            "spec": {
                "cluster": cluster.map(|item| item.what),
                "namespace": namespace.map(|item| item.what),
                "groups": groups,
                "nodes": nodes,
            },
        }))
    }

    /// When nodes last reported facts of themselves.
    pub(crate) async fn reported(&self) -> Result<HashMap<String, String>, Problem> {
        let nodes = self.all(&kinds::NODE, None).await?;
        let at = |node: &Object| Some(node.status.get("factsAt")?.as_str()?.to_owned());
        Ok(nodes.into_iter().filter_map(|node| Some((node.metadata.name.clone(), at(&node)?))).collect())
    }

    /// What the inventory of a namespace is made of.
    async fn granted(&self, namespace: &str, with_facts: bool) -> Result<Contents, Problem> {
        let of = self.objects.get(&kinds::NAMESPACE, &Name::global(namespace)).await?;
        let spec: NamespaceSpec = read(&of)?;
        let (mut contents, mut reported) = self.contents(namespace, with_facts).await?;
        // What nodes report of themselves is no reason to grant them.
        let whole = build(contents.clone())?;
        let granted = match &spec.nodes {
            None => HashSet::new(),
            Some(targets) => {
                let asked = Targets { allow_empty: true, ..targets.clone() };
                let choice = whole.select(&asked, &Evaluator::new(), &Scope::default());
                if !choice.problems.is_empty() {
                    return Err(Problem::invalid(&choice.problems));
                }
                choice.targets.names().map(str::to_owned).collect()
            }
        };
        for item in &mut contents.nodes {
            if !granted.contains(&item.what.name) {
                // What others are a part of lends them its variables, and is itself never chosen.
                item.what.active = false;
            }
        }
        let needed: HashSet<String> = granted
            .iter()
            .filter_map(|name| whole.find(name))
            .flat_map(|id| std::iter::once(id).chain(whole.ancestors(id)))
            .filter_map(|id| whole.node(id).map(|node| node.name.clone()))
            .collect();
        contents.nodes.retain(|item| needed.contains(&item.what.name));
        for Item { what: node, .. } in &mut contents.nodes {
            if let Some(mut facts) = reported.remove(&node.name) {
                facts.extend(std::mem::take(&mut node.facts));
                node.facts = facts;
            }
        }
        Ok(contents)
    }

    /// Whoever answers for the secrets of a namespace.
    pub async fn secrets(&self, namespace: &str) -> Result<Arc<dyn SecretProvider>, Problem> {
        let found = self.all(&kinds::SECRET, Some(namespace)).await?;
        let mut names = Vec::new();
        for object in &found {
            let keys = object.spec.get("data").and_then(Value::as_object).into_iter().flat_map(Map::keys);
            names.extend(keys.map(|key| format!("{}/{key}", object.metadata.name)));
        }
        let (objects, namespace) = (self.objects.clone(), namespace.to_owned());
        Ok(Arc::new(Secrets { objects, namespace, names }))
    }

    /// Every budget, with the nodes that it counts now. One that cannot be read counts every node that its namespace may
    /// touch, and leaves no room: in doubt, nothing more begins.
    pub async fn budgets(&self) -> Result<Vec<Budget>, Problem> {
        let mut budgets = Vec::new();
        let objects = self.all(&kinds::BUDGET, None).await?;
        let gone = if objects.is_empty() { HashSet::new() } else { self.gone().await? };
        for object in objects {
            let namespace = object.metadata.namespace.clone().unwrap_or_default();
            let name = Self::budget_name(&object);
            let inventory = self.inventory(&namespace).await?;
            let counted = read::<BudgetSpec>(&object).and_then(|spec| {
                let asked = Targets { allow_empty: true, ..spec.targets.clone() };
                let choice = inventory.select(&asked, &Evaluator::new(), &Scope::default());
                if !choice.problems.is_empty() {
                    return Err(Problem::invalid(&choice.problems));
                }
                let nodes: BTreeSet<String> = choice.targets.names().map(str::to_owned).collect();
                let gone = nodes.iter().filter(|node| gone.contains(*node)).count();
                Ok((spec.seats(count(nodes.len()), count(gone)), nodes))
            });
            let (most, nodes) = counted.unwrap_or_else(|problem| {
                tracing::error!(
                    budget = name,
                    problem = problem.detail,
                    "a budget cannot be read: it leaves no room"
                );
                let nodes = inventory.nodes().filter(|node| node.active).map(|node| node.name.clone());
                (0, nodes.collect())
            });
            budgets.push(Budget { name, most, nodes });
        }
        Ok(budgets)
    }

    /// What the runs call a budget.
    pub(crate) fn budget_name(object: &Object) -> String {
        format!("{}/{}", object.metadata.namespace.as_deref().unwrap_or_default(), object.metadata.name)
    }

    /// How often anything was changed that budgets depend on.
    #[must_use]
    pub fn budget_changes(&self) -> u64 {
        self.objects.changes(&PARTS).saturating_add(self.objects.changes(&[&kinds::BUDGET]))
    }

    /// The nodes whose agents are away.
    async fn gone(&self) -> Result<HashSet<String>, Error> {
        let nodes = self.all(&kinds::NODE, None).await?.into_iter();
        let is_gone = |node: &Object| {
            let state = node.status.get("agent").and_then(|agent| agent.get("state"));
            state.and_then(Value::as_str).is_some_and(|state| state != "connected")
        };
        Ok(nodes.filter(is_gone).map(|node| node.metadata.name).collect())
    }

    /// Why something may not change now, if it may not. What cannot be read freezes everything.
    pub async fn frozen<'a>(
        &self,
        namespace: &str,
        plan: &str,
        label: impl Fn(&str) -> Option<&'a str> + Copy,
    ) -> Option<String> {
        let found = match self.all(&kinds::FREEZE, None).await {
            Ok(found) => found,
            Err(error) => return Some(format!("freezes cannot be read: {error}")),
        };
        found.into_iter().find_map(|object| {
            let name = &object.metadata.name;
            match serde_json::from_value::<FreezeSpec>(object.spec) {
                Ok(spec) if spec.covers(namespace, plan, label) => Some(format!("{name}: {}", spec.reason)),
                Ok(_) => None,
                Err(error) => Some(format!("{name} cannot be read: {error}")),
            }
        })
    }

    /// The policies that are asked about runs of a namespace: name and what it says.
    pub(crate) async fn policies(&self, namespace: &str) -> Result<Vec<(String, PolicySpec)>, Problem> {
        let mut found = Vec::new();
        for object in self.all(&kinds::POLICY, None).await? {
            let spec: PolicySpec = read(&object)?;
            if spec.covers(namespace) && !spec.cedar.is_empty() {
                found.push((object.metadata.name, spec));
            }
        }
        if found.is_empty() {
            let of = self.objects.get(&kinds::NAMESPACE, &Name::global(namespace)).await?;
            if read::<NamespaceSpec>(&of)?.policy_required {
                let detail =
                    format!("the namespace {namespace} says `policyRequired`, and no policy covers it");
                return Err(Problem::new(StatusCode::FORBIDDEN, &code::POLICY, detail)
                    .hint("somebody who is admin can make one: `windlass apply` a Policy"));
            }
        }
        Ok(found)
    }

    /// The policies that say how often runs of a namespace may begin.
    pub(crate) async fn rates(&self, namespace: &str) -> Result<Vec<(String, PolicySpec, Rate)>, Problem> {
        let mut found = Vec::new();
        for object in self.all(&kinds::POLICY, None).await? {
            let spec: PolicySpec = read(&object)?;
            if let Some(rate) = spec.rate.filter(|_| spec.covers(namespace)) {
                found.push((object.metadata.name, spec, rate));
            }
        }
        Ok(found)
    }

    /// Whether a namespace may touch a node now.
    pub async fn may_touch(&self, namespace: &str, node: &str) -> Result<bool, Problem> {
        let inventory = self.inventory(namespace).await?;
        Ok(inventory.find(node).and_then(|id| inventory.node(id)).is_some_and(|node| node.active))
    }

    /// What is said of nodes, and what they report of themselves.
    async fn contents(
        &self,
        namespace: &str,
        with_facts: bool,
    ) -> Result<(Contents, HashMap<String, Map>), Problem> {
        let (mut contents, mut reported) = (Contents::default(), HashMap::new());
        for mut object in self.all(&kinds::NODE, None).await? {
            let spec: NodeSpec = read(&object)?;
            if with_facts && let Some(Value::Object(facts)) = object.status.get_mut("facts").map(Value::take)
            {
                reported.insert(object.metadata.name.clone(), facts);
            }
            contents.nodes.push(Item::unplaced(node(object, spec)));
        }
        for object in self.all(&kinds::NODE_GROUP, None).await? {
            let spec: NodeGroupSpec = read(&object)?;
            contents.groups.push(Item::unplaced(group(object.metadata.name, spec)));
        }
        let cluster = vars(self.cluster_variables(namespace).await?);
        contents.cluster = Some(level("cluster", cluster));
        let own = vars(self.all(&kinds::VARIABLES, Some(namespace)).await?);
        contents.namespace = Some(level(namespace, own));
        Ok((contents, reported))
    }

    /// The variables of the cluster that count in a namespace: those that are bound to it, and those that are bound to none.
    async fn cluster_variables(&self, namespace: &str) -> Result<Vec<Object>, Problem> {
        let (mut bound, mut here) = (HashSet::new(), HashSet::new());
        for binding in self.all(&kinds::CLUSTER_VARIABLES_BINDING, None).await? {
            let spec: ClusterVariablesBindingSpec = read(&binding)?;
            if spec.namespaces.has(namespace) {
                here.extend(spec.variables.iter().cloned());
            }
            bound.extend(spec.variables.iter().cloned());
        }
        let mut found = self.all(&kinds::CLUSTER_VARIABLES, None).await?;
        found.retain(|object| {
            let name = &object.metadata.name;
            here.contains(name) || !bound.contains(name)
        });
        Ok(found)
    }

    async fn all(&self, kind: &'static Kind, namespace: Option<&str>) -> Result<Vec<Object>, Error> {
        let mut query = Query { namespace: namespace.map(str::to_owned), limit: PAGE, ..Query::default() };
        let mut found = Vec::new();
        loop {
            let page = self.objects.list(kind, &query).await?;
            found.extend(page.objects);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(found),
            }
        }
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

fn vars_look_at_facts(contents: &Contents) -> bool {
    let Contents { cluster, namespace, groups, nodes, .. } = contents;
    let levels = cluster.iter().chain(namespace).map(|level| &level.what.vars);
    let groups = groups.iter().map(|group| &group.what.vars);
    let mut all = levels.chain(groups).chain(nodes.iter().map(|node| &node.what.vars));
    all.any(|vars| vars.iter().any(|(_, value)| value.to_string().contains(FACTS)))
}

fn build(contents: Contents) -> Result<Inventory, Problem> {
    Inventory::build(contents).map_err(|placed| {
        let problems: Vec<_> = placed.into_iter().map(|placed| placed.problem).collect();
        Problem::invalid(&problems)
    })
}

fn read<T: serde::de::DeserializeOwned>(object: &Object) -> Result<T, Problem> {
    serde_json::from_value(object.spec.clone())
        .map_err(|error| Error::Damaged(format!("{} {}: {error}", object.kind, object.name())).into())
}

fn node(object: Object, spec: NodeSpec) -> Node {
    let NodeSpec { addresses, groups, parent, roles, transport, vars, facts, active } = spec;
    let (name, labels) = (object.metadata.name, object.metadata.labels);
    Node { name, labels, addresses, groups, parent, roles, transport, vars, facts, active }
}

fn group(name: String, spec: NodeGroupSpec) -> NodeGroup {
    let NodeGroupSpec { labels, nodes, parent, priority, vars, transport } = spec;
    NodeGroup { name, labels, nodes, parent, priority, vars, transport, ..NodeGroup::default() }
}

fn vars(objects: Vec<Object>) -> Map {
    let mut all = Map::new();
    for mut object in objects {
        if let Some(Value::Object(vars)) = object.spec.get_mut("vars").map(Value::take) {
            all.extend(vars);
        }
    }
    all
}

fn level(name: &str, vars: Map) -> Item<Level> {
    Item::unplaced(Level { name: name.to_owned(), vars, transport: None })
}

// === impl Secrets ===

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl SecretProvider for Secrets {
    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn place(&self) -> String {
        format!("the secrets of namespace {}", self.namespace)
    }

    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        Box::pin(async move {
            let unknown = || SecretError::Unknown { name: name.to_owned() };
            let failed = |why: String| SecretError::Failed { name: name.to_owned(), from: self.place(), why };
            let mut meant = self
                .names
                .iter()
                .filter(|known| *known == name || known.split_once('/').is_some_and(|(_, key)| key == name));
            let found = meant.next().ok_or_else(unknown)?;
            if let Some(other) = meant.next().filter(|_| found != name) {
                return Err(failed(format!("both {found} and {other} may be meant; write one of them")));
            }
            let (object, key) = found.split_once('/').ok_or_else(unknown)?;
            let at = Name::within(&self.namespace, object);
            let object =
                self.objects.reveal(&kinds::SECRET, &at).await.map_err(|error| failed(error.to_string()))?;
            let clear = object.spec.get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
            clear.map(|clear| Secret::new(clear.to_owned())).ok_or_else(unknown)
        })
    }
}
