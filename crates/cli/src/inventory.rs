//! The inventory and the selection that were given: read, with everything that is wrong or odd about them.

use std::path::PathBuf;
use std::sync::Arc;

use windlass_contract::NodeLock;
use windlass_inventory::{Form, Id, Inventory, Text};
use windlass_lang::{Evaluator, Findings, Found, Source};
use windlass_model::eval::Scope;
use windlass_model::freeze::{KnownVars, Nodes};
use windlass_model::late::Late;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;
use windlass_model::target::{Node, Targets};
use windlass_model::{code, name};

use crate::args::{AmongArgs, ContextArgs, INVENTORY_VARIABLE, InventoryArgs, NodesPlaceArgs, PlaceArgs};
use crate::context::Context;
use crate::drawing;
use crate::exit::Exit;
use crate::facts::{self, Kept};
use crate::failure::Failure;
use crate::params::COMMAND_LINE;
use crate::printer::Printer;
use crate::session::tokio_runtime;

/// What the targets of a plan are chosen among.
#[derive(Debug, Default)]
pub(crate) struct Among {
    inventory: Option<Arc<Inventory>>,
    /// Where it was read from.
    paths: Vec<PathBuf>,
    pub(crate) selection: Option<Selected>,
    /// Whether a flag, rather than the environment, says where the inventory is.
    is_asked_for: bool,
}

/// A selection as it was given.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) text: String,
    pub(crate) targets: Targets,
}

/// What stands before a selection that a flag gives.
pub(crate) const SELECTION_FLAG: &str = "--selection ";

/// Reads what was given to a command that takes a plan.
pub(crate) fn among(args: &AmongArgs, printer: &mut Printer) -> Result<Among, Failure> {
    let selection = args.selection.as_deref().map(|text| selected(SELECTION_FLAG, text)).transpose()?;
    let paths = paths(&args.inventory);
    let inventory = read(&args.inventory, printer)?.map(Arc::new);
    Ok(Among { inventory, paths, selection, is_asked_for: !args.inventory.inventory.is_empty() })
}

/// The same for a command that can look at the nodes of a server.
pub(crate) fn among_at(
    args: &AmongArgs,
    context: &ContextArgs,
    printer: &mut Printer,
) -> Result<Among, Failure> {
    let Some(server) = server(&args.inventory, context)? else { return among(args, printer) };
    let selection = args.selection.as_deref().map(|text| selected(SELECTION_FLAG, text)).transpose()?;
    let inventory = Some(Arc::new(of_server(&server, printer)?));
    Ok(Among { inventory, selection, ..Among::default() })
}

/// The nodes of a server, or of this side; a command cannot do without them.
pub(crate) fn must_read_at(args: &NodesPlaceArgs, printer: &mut Printer) -> Result<Inventory, Failure> {
    must_read_for(args, "", printer)
}

/// The same, with what nodes reported where a selection looks at that.
pub(crate) fn must_read_for(
    args: &NodesPlaceArgs,
    selection: &str,
    printer: &mut Printer,
) -> Result<Inventory, Failure> {
    match server_at(args)? {
        // A server says what nodes reported to it.
        Some(server) => inventory_of(&server, facts::are_looked_at(selection), printer),
        None => with_facts_for(must_read(&args.inventory, printer)?, selection),
    }
}

/// The server whose nodes are meant, if it is those of one.
pub(crate) fn server_at(args: &NodesPlaceArgs) -> Result<Option<Context>, Failure> {
    server(&args.inventory, &args.context)
}

/// Who has the lock of a node, where nodes are those of a server that says so.
pub(crate) fn lock_at(args: &NodesPlaceArgs, node: &str) -> Result<Option<NodeLock>, Failure> {
    let Some(server) = server_at(args)? else { return Ok(None) };
    match tokio_runtime()?.block_on(server.client.node_lock(&server.namespace, node)) {
        Ok(lock) => Ok(Some(lock)),
        // An older server does not know the question; the rest is told all the same.
        Err(windlass_client::Error::Refused(problem)) if problem.status == 404 => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The server whose nodes are meant, if it is those of one: what a flag says counts before what variables say.
fn server(args: &InventoryArgs, context: &ContextArgs) -> Result<Option<Context>, Failure> {
    if context.context.is_some() && !args.inventory.is_empty() {
        let message = "--inventory and --context are given, and nodes are listed in one place";
        return Err(Failure::usage(message).help("leave one of them out"));
    }
    if context.context.is_none() && !paths(args).is_empty() {
        return Ok(None);
    }
    PlaceArgs { context: context.clone(), ..PlaceArgs::default() }.server()
}

/// The nodes that the namespace of a server may touch, with their variables.
pub(crate) fn of_server(server: &Context, printer: &mut Printer) -> Result<Inventory, Failure> {
    inventory_of(server, true, printer)
}

/// The same, with what they report of themselves or without, which is much.
fn inventory_of(server: &Context, with_facts: bool, printer: &mut Printer) -> Result<Inventory, Failure> {
    let document = tokio_runtime()?.block_on(server.client.inventory(&server.namespace, with_facts))?;
    let name = format!("the inventory of {} at {}", server.namespace, server.client.url());
    let text = Text { source: Source::new(&name, &document.to_string()), form: Form::Yaml };
    let windlass_inventory::Read { inventory, warnings } =
        windlass_inventory::read(&[text]).map_err(|wrong| {
            wrong.into_iter().next().map_or_else(|| Failure::usage("it is no inventory"), Failure::from)
        })?;
    for findings in &warnings {
        drawing::show(findings, printer);
    }
    Ok(inventory)
}

/// Reads the inventory that a command cannot do without.
pub(crate) fn must_read(args: &InventoryArgs, printer: &mut Printer) -> Result<Inventory, Failure> {
    read(args, printer)?.ok_or_else(|| {
        Failure::new(Exit::Invalid, code::NEEDS_INVENTORY, "there is no inventory to look into")
            .help(format!("give --inventory PATH, set {INVENTORY_VARIABLE}, or name a server with --context"))
    })
}

/// Adds what nodes reported to an inventory that a selection looks into, where it looks at that.
pub(crate) fn with_facts_for(mut inventory: Inventory, selection: &str) -> Result<Inventory, Failure> {
    if facts::are_looked_at(selection) {
        Kept::usual()?.add(&mut inventory);
    }
    Ok(inventory)
}

fn read(args: &InventoryArgs, printer: &mut Printer) -> Result<Option<Inventory>, Failure> {
    let paths = paths(args);
    if paths.is_empty() {
        return Ok(None);
    }
    let windlass_inventory::Read { inventory, warnings } = windlass_sources::load(&paths)?;
    for findings in &warnings {
        drawing::show(findings, printer);
    }
    Ok(Some(inventory))
}

fn paths(args: &InventoryArgs) -> Vec<PathBuf> {
    match args.inventory.as_slice() {
        [] => of_environment(),
        given => given.to_vec(),
    }
}

fn of_environment() -> Vec<PathBuf> {
    let paths = std::env::var_os(INVENTORY_VARIABLE).unwrap_or_default();
    std::env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty()).collect()
}

/// Whether standard input is read for an inventory.
pub(crate) fn reads_stdin(args: &InventoryArgs) -> bool {
    args.inventory.iter().any(|path| path.as_os_str() == "-")
}

/// Reads a selection that was given.
pub(crate) fn selected(before: &str, text: &str) -> Result<Selected, Failure> {
    match text.parse::<Targets>() {
        Ok(targets) => Ok(Selected { text: text.to_owned(), targets }),
        Err(why) => {
            let problem = Problem::new(code::BAD_SELECTOR, "", "", why.to_string())
                .help("`windlass nodes select --help` shows how selections are written");
            Err(drawn(before, text, [problem]).into())
        }
    }
}

/// Problems of a selection, drawn where it was given.
pub(crate) fn drawn(before: &str, text: &str, problems: impl IntoIterator<Item = Problem>) -> Findings {
    let source = Source::new(COMMAND_LINE, &format!("{before}{text}"));
    let span = before.len()..before.len() + text.len();
    let found = problems.into_iter().map(|mut problem| {
        problem.pointer.clear();
        Found::at(problem, span.clone())
    });
    Findings::of(&source, found.collect())
}

/// The node of this name.
pub(crate) fn find(inventory: &Inventory, wanted: &str) -> Result<Id, Failure> {
    inventory.find(wanted).ok_or_else(|| {
        let near = name::nearest(wanted, inventory.nodes().map(|node| node.name.as_str()));
        let message = format!("there is no node `{wanted}` in the inventory");
        Failure::new(Exit::Invalid, code::UNKNOWN_NODE, message).help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`windlass nodes list` lists all".to_owned(),
        })
    })
}

// === impl Among ===

impl Among {
    /// Adds what nodes reported, where a plan or the selection looks at that, or counts by it.
    pub(crate) fn add_facts(&mut self, plan: &Plan) -> Result<(), Failure> {
        let looks = self.selection.as_ref().is_some_and(|selected| facts::are_looked_at(&selected.text))
            || serde_json::to_string(plan)
                .is_ok_and(|text| facts::are_looked_at(&text) || text.contains("maxPer"));
        // A server says itself what its nodes reported.
        let is_here = !self.paths.is_empty();
        if let Some(inventory) = self.inventory.as_mut().filter(|_| looks && is_here)
            && let Some(inventory) = Arc::get_mut(inventory)
        {
            Kept::usual()?.add(inventory);
        }
        Ok(())
    }

    /// The nodes in service that a run could be about: those of the selection, all where there is none.
    pub(crate) fn in_question(&self) -> Vec<Arc<Node>> {
        let Some(inventory) = &self.inventory else { return Vec::new() };
        let in_service = |node: &&Arc<Node>| node.active;
        // What is selected by facts is not known before they are.
        match self.selection.as_ref().filter(|selected| !facts::are_looked_at(&selected.text)) {
            None => inventory.nodes().filter(in_service).cloned().collect(),
            Some(selected) => {
                let choice = inventory.select(&selected.targets, &Evaluator::new(), &Scope::default());
                let ids = choice.targets.names().filter_map(|name| inventory.find(name));
                ids.filter_map(|id| inventory.node(id)).filter(in_service).cloned().collect()
            }
        }
    }

    /// What a submission keeps for blocks that choose their targets when they begin.
    pub(crate) fn late(&self, blocks: impl Iterator<Item = u32>) -> Late {
        let blocks: Vec<u32> = blocks.collect();
        if blocks.is_empty() {
            return Late::default();
        }
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let inventory = self.paths.iter().map(|path| match path.as_os_str() == "-" {
            true => path.clone(),
            false => absolute(path),
        });
        Late {
            blocks,
            inventory: inventory.map(|path| path.to_string_lossy().into_owned()).collect(),
            selection: self.selection.as_ref().map(|selected| selected.targets.clone()),
        }
    }

    /// How many nodes can be chosen at the most.
    pub(crate) fn most(&self) -> Option<u32> {
        self.inventory.as_ref()?;
        u32::try_from(self.in_question().len()).ok()
    }

    /// The nodes to select from.
    pub(crate) fn nodes(&self) -> Option<&dyn Nodes> {
        self.inventory.as_deref().map(|inventory| inventory as &dyn Nodes)
    }

    /// The variables that nodes bring along.
    pub(crate) fn vars(&self) -> Option<&dyn KnownVars> {
        self.inventory.as_deref().map(|inventory| inventory as &dyn KnownVars)
    }

    /// That an inventory was asked for and no block selects from it.
    pub(crate) fn unused(&self, plan: &Plan, step_set: &str) -> Option<Problem> {
        let blocks = plan.step_set(step_set)?;
        if !self.is_asked_for || blocks.iter().any(|block| block.targets.is_some()) {
            return None;
        }
        let message = "an inventory is given, and no block of this plan selects nodes from it";
        let help = "write `targets: {nodes: [...]}` and a `sequence` in the place of `sequences`, or leave --inventory out";
        Some(Problem::new(code::UNUSED_INVENTORY, "", "", message).help(help))
    }
}
