//! From texts to an inventory: what kind of text each is, what all of them hold together, and where everything stood.
//!
//! ```text
//! Text ─┬─ quick: values without places ─┬─ build ─► Inventory
//!       └─ exact: values with places ────┘    │
//!             ▲                                └─ anything wrong or odd? once more, exactly
//! ```
//!
//! Places are worked out only when there is something to say about them: nearly always there is not.
//! Opens no file and starts no program: that is for whoever hands the texts in.

use std::collections::BTreeMap;

use windlass_lang::{Document, Findings, Found, Source};
use windlass_model::code;
use windlass_model::problem::Problem;
use windlass_model::schema::escape;

use crate::contents::{Contents, Item, Level, Place, Placed, Spot};
use crate::inventory::Inventory;

mod ansible;
mod kinds;
mod native;
mod quick;
mod redact;

pub use self::kinds::{NodeGroupSpec, NodeSpec, inventory_schema};

/// A text that is part of an inventory.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its name and what it says.
    pub source: Source,
    /// How it is written.
    pub form: Form,
}

/// How a text of an inventory is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// YAML or JSON: kinds of ours, or the form that Ansible reads.
    Yaml,
    /// The INI form of Ansible.
    Ini,
    /// Variables of a group of Ansible's.
    GroupVars(String),
    /// Variables of a host of Ansible's.
    HostVars(String),
}

/// An inventory that was read, and what is odd about its texts.
#[derive(Debug)]
pub struct Read {
    /// The inventory.
    pub inventory: Inventory,
    /// Not wrong, but worth a look; text by text.
    pub warnings: Vec<Findings>,
}

/// Reads an inventory from all of its texts together.
///
/// # Errors
///
/// Everything that is wrong with any of them, text by text.
pub fn read(texts: &[Text]) -> Result<Read, Vec<Findings>> {
    match Gathered::quickly(texts).and_then(|gathered| gathered.build(texts).ok()) {
        Some(read) if read.warnings.is_empty() => Ok(read),
        _ => Gathered::exactly(texts).build(texts),
    }
}

/// What is gathered from texts.
#[derive(Default)]
struct Gathered {
    contents: Contents,
    /// What is not even a document.
    broken: Vec<Findings>,
    problems: Vec<Placed>,
    warnings: Vec<Placed>,
    /// The documents of each text.
    documents: Vec<Vec<Document>>,
    /// Where in a document things stand that are not in a list of ours.
    pointers: BTreeMap<(u32, u32), Pointers>,
    /// Whether something is left out because it is wrong, so that others may miss it.
    is_incomplete: bool,
}

/// Places in a document by number.
#[derive(Default)]
struct Pointers(Vec<String>);

// === impl Form ===

impl Form {
    /// How a text is written whose name does not say it.
    #[must_use]
    pub fn guess(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let first =
            lines.clone().find(|line| !line.is_empty() && !line.starts_with(['#', ';'])).unwrap_or_default();
        let is_section = |line: &str| line.starts_with('[') && line.contains(']') && !line.contains("[{");
        // A key stands alone; a host has its variables beside it.
        let is_key = |before: &str| !before.contains(['=', ' ']);
        let is_yaml = first.starts_with(['{', '%'])
            || first.starts_with("---")
            || first.strip_suffix(':').is_some_and(is_key)
            || first.split_once(": ").is_some_and(|(before, _)| is_key(before));
        let has_sections = lines.clone().any(|line| is_section(line) && !line.contains(": "));
        if is_yaml && !is_section(first) || !has_sections && first.starts_with("- ") {
            Self::Yaml
        } else {
            Self::Ini
        }
    }
}

// === impl Text ===

impl Text {
    /// Whether it is written as Ansible's inventories are.
    #[must_use]
    pub fn is_of_ansible(&self) -> bool {
        match self.form {
            Form::Ini | Form::GroupVars(_) | Form::HostVars(_) => true,
            // What names its kind is ours.
            Form::Yaml => {
                let text = self.source.text();
                let is_json = text.trim_start().starts_with(['{', '[']);
                let names_kind = |line: &str| line.starts_with("kind:") || line.starts_with("apiVersion:");
                if is_json { !text.contains("\"apiVersion\"") } else { !text.lines().any(names_kind) }
            }
        }
    }

    fn documents(&self) -> Result<Vec<Document>, Findings> {
        let text = self.source.text();
        if self.is_of_ansible() && (text.contains("!vault") || text.contains("!unsafe")) {
            // Tags of Ansible's that make texts; what they hold keeps its place.
            let plain = text.replace("!vault ", "!!str  ").replace("!unsafe ", "!!str   ");
            return windlass_lang::documents(&Source::new(self.source.name(), &plain));
        }
        windlass_lang::documents(&self.source)
    }
}

// === impl Pointers ===

impl Pointers {
    fn put(&mut self, pointer: &str) -> u32 {
        self.0.push(pointer.to_owned());
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }
}

// === impl Gathered ===

impl Gathered {
    /// Everything without places, where all texts are of the plain sort.
    fn quickly(texts: &[Text]) -> Option<Self> {
        let mut gathered = Self::default();
        let all = (0_u32..)
            .zip(texts)
            .all(|(number, text)| text.form == Form::Yaml && quick::take(text, number, &mut gathered));
        all.then_some(gathered)
    }

    fn exactly(texts: &[Text]) -> Self {
        let mut gathered = Self::default();
        let mut estate = ansible::Estate::default();
        // Variables beside an inventory come after it, wherever they lie.
        let is_beside = |text: &Text| matches!(text.form, Form::GroupVars(_) | Form::HostVars(_));
        let mut beside: Vec<(u32, u32)> = Vec::new();
        for (number, text) in (0_u32..).zip(texts) {
            if text.form == Form::Ini {
                ansible::ini(&text.source, number, &mut estate, &mut gathered);
                gathered.documents.push(Vec::new());
                continue;
            }
            let documents = match text.documents() {
                Ok(documents) => documents,
                Err(findings) => {
                    gathered.broken.push(findings);
                    gathered.is_incomplete = true;
                    Vec::new()
                }
            };
            for (at, document) in (0_u32..).zip(&documents) {
                if is_beside(text) {
                    beside.push((number, at));
                } else if ansible::is_ours(&document.value) {
                    ansible::document(&document.value, number, at, &mut estate, &mut gathered);
                } else {
                    native::document(&document.value, number, at, &mut gathered);
                }
            }
            gathered.documents.push(documents);
        }
        let documents = std::mem::take(&mut gathered.documents);
        for (number, at) in beside {
            let document = documents.get(number as usize).and_then(|all| all.get(at as usize));
            if let (Some(document), Some(text)) = (document, texts.get(number as usize)) {
                ansible::vars_file(&document.value, &text.form, (number, at), &mut estate, &mut gathered);
            }
        }
        gathered.documents = documents;
        estate.settle(&mut gathered);
        gathered
    }

    /// Notes a problem of something that stands at a place.
    fn misplaced(&mut self, mut problem: Problem, place: Place) {
        if let Spot::Entry { index, .. } = place.spot {
            problem.pointer = format!("/spec/groups/{index}");
        }
        self.wrong(problem, place);
    }

    /// Notes that a variable has two values.
    fn disagree(&mut self, owner: &str, key: &str, pointer: &str, place: Place, first: Place) {
        let message = format!("the variable `{key}` has another value here than elsewhere");
        let help = "an inventory has no order that would say which of them counts: leave one out";
        let problem = Problem::new(code::DUPLICATE_KEY, owner, pointer, message).help(help);
        self.problems.push(Placed { problem, place, first: Some(first) });
    }

    /// Notes a problem in a document.
    fn wrong(&mut self, problem: Problem, place: Place) {
        self.is_incomplete = true;
        self.problems.push(Placed { problem, place, first: None });
    }

    /// Takes a level, of which there may be one.
    fn level(&mut self, kind: &'static str, level: Level, place: Place) {
        let slot = match kind {
            "cluster" => &mut self.contents.cluster,
            _ => &mut self.contents.namespace,
        };
        match slot {
            None => *slot = Some(Item { what: level, place }),
            Some(first) => {
                let message = format!("an inventory is of one {kind}, and this one has a second");
                let pointer = format!("/spec/{kind}");
                let problem = Problem::new(code::DUPLICATE_NAME, kind, pointer, message);
                let first = Some(first.place);
                self.problems.push(Placed { problem, place, first });
            }
        }
    }

    fn build(self, texts: &[Text]) -> Result<Read, Vec<Findings>> {
        let Self { contents, broken, mut problems, mut warnings, documents, pointers, is_incomplete } = self;
        let places = Places { texts, documents: &documents, pointers: &pointers };
        match Inventory::build(contents) {
            Ok(inventory) if problems.is_empty() && broken.is_empty() => {
                warnings.extend(inventory.warnings().iter().cloned());
                let warnings = places.findings(warnings);
                Ok(Read { inventory, warnings })
            }
            built => {
                // What only follows from something that could not be taken in is not said.
                let follows = |placed: &Placed| {
                    is_incomplete && [code::UNKNOWN_NODE, code::UNKNOWN_GROUP].contains(&placed.problem.code)
                };
                let found = built.err().unwrap_or_default();
                problems.extend(found.into_iter().filter(|placed| !follows(placed)));
                let mut all = broken;
                all.extend(places.findings(problems));
                Err(all)
            }
        }
    }
}

/// Where things stood.
struct Places<'a> {
    texts: &'a [Text],
    documents: &'a [Vec<Document>],
    pointers: &'a BTreeMap<(u32, u32), Pointers>,
}

// === impl Places ===

impl Places<'_> {
    /// Problems text by text, each at its place.
    fn findings(&self, placed: Vec<Placed>) -> Vec<Findings> {
        let mut by_text: BTreeMap<u32, Vec<Found>> = BTreeMap::new();
        for one in placed {
            let source = one.place.source;
            let found = self.found(one);
            by_text.entry(source).or_default().push(found);
        }
        let drawn = by_text.into_iter().filter_map(|(number, found)| {
            let text = self.texts.get(number as usize)?;
            Some(Findings::of(&redact::passwords(&text.source), found))
        });
        drawn.collect()
    }

    fn found(&self, placed: Placed) -> Found {
        let Placed { mut problem, place, first } = placed;
        if let Some(first) = first.filter(|first| *first != place) {
            let key = problem.pointer.rsplit('/').next().unwrap_or_default();
            let at = self.shown(first, &problem.pointer, key);
            let said = problem.help.take().map(|said| format!("{said}\n")).unwrap_or_default();
            problem.help = Some(format!("{said}the first one stands at {at}"));
        }
        self.at(problem, place)
    }

    fn at(&self, mut problem: Problem, place: Place) -> Found {
        let source = self.texts.get(place.source as usize).map(|text| &text.source);
        match (place.spot, source) {
            (Spot::Bytes { start, end }, _) => Found::at(problem, start as usize..end as usize),
            (Spot::Entry { document: number, .. }, Some(source)) => {
                let document = self
                    .documents
                    .get(place.source as usize)
                    .and_then(|documents| documents.get(number as usize));
                match document {
                    Some(document) => {
                        problem.pointer = self.pointer(&problem.pointer, place, number, document);
                        document.found(problem, source)
                    }
                    None => Found { problem, span: None, given: None },
                }
            }
            (_, None) => Found { problem, span: None, given: None },
        }
    }

    fn is_of_ansible(&self, place: Place) -> bool {
        matches!(place.spot, Spot::Entry { document, .. } if self.pointers.contains_key(&(place.source, document)))
    }

    /// Where a pointer leads that says at which number of a list something is.
    fn pointer(&self, pointer: &str, place: Place, number: u32, document: &Document) -> String {
        let Some(pointers) = self.pointers.get(&(place.source, number)) else {
            return native::pointer(&document.value, pointer);
        };
        let numbered = pointer.strip_prefix("/spec/nodes/").or_else(|| pointer.strip_prefix("/spec/groups/"));
        let index = numbered.and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
        match index.and_then(|index| pointers.0.get(index)) {
            Some(known) => known.clone(),
            None => pointer.to_owned(),
        }
    }

    /// `hosts.yaml:3:5`
    fn shown(&self, place: Place, pointer: &str, key: &str) -> String {
        let Some(text) = self.texts.get(place.source as usize) else { return String::new() };
        // The same key of the other one: only its position in the list differs.
        let pointer = match place.spot {
            Spot::Entry { index, .. } => {
                let list = pointer.split('/').nth(2).unwrap_or_default();
                match list {
                    _ if self.is_of_ansible(place) => format!("/spec/nodes/{index}/{}", escape(key)),
                    "nodes" | "groups" => format!("/spec/{list}/{index}/{key}"),
                    level => format!("/spec/{level}"),
                }
            }
            Spot::Bytes { .. } => String::new(),
        };
        let found = self.at(Problem::new(code::DUPLICATE_NAME, "", pointer, ""), place);
        match found.span {
            Some(span) => {
                let (line, column) = text.source.position(span.start);
                format!("{}:{line}:{column}", text.source.name())
            }
            None => text.source.name().to_owned(),
        }
    }
}
