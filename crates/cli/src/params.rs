//! The parameters that were given: `-p`, `--params-file` and the environment, as values of the types that the plan
//! declares. Whether they are acceptable is for the language to say.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use windlass_lang::{Excerpt, Source};
use windlass_model::Value;
use windlass_model::param::{ParamSpec, ParamType};
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;
use windlass_model::secret;

use crate::args::{InventoryArgs, ParamArg, ParamArgs, ParamValue};
use crate::failure::Failure;
use crate::printer::Printer;

/// What a variable of the environment begins with that gives a parameter its value.
const VARIABLE: &str = "WINDLASS_PARAM_";

/// The most that is read for one parameter from a file.
const MAX_BYTES: u64 = 16 << 20;

/// The parameters that were given, and where.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) values: BTreeMap<String, windlass_lang::Given>,
    places: BTreeMap<String, Excerpt>,
}

/// Standard input can be read once: as the plan, as the inventory, or as one parameter.
pub(crate) fn one_reader(
    plan: Option<&Path>,
    inventory: Option<&InventoryArgs>,
    args: &ParamArgs,
) -> Result<(), Failure> {
    let params = args.params.iter().filter(|param| param.value == ParamValue::Stdin).count();
    let inventory = inventory.is_some_and(crate::inventory::reads_stdin);
    if params + usize::from(inventory) + usize::from(plan.is_some_and(|plan| plan.as_os_str() == "-")) <= 1 {
        return Ok(());
    }
    Err(Failure::usage("standard input is to be read twice").help("give `-` once, and files for the others"))
}

/// The values that were given: those of `-p` before those of files before those of the environment.
pub(crate) fn gather(args: &ParamArgs, plan: &Plan, printer: &mut Printer) -> Result<Given, Failure> {
    let mut given = Given::default();
    for (name, spec) in &plan.spec.params {
        // As the parameter is written, or in the capitals that variables usually have.
        let variable = format!("{VARIABLE}{}", name.replace(['-', '.'], "_"));
        let found = [variable.clone(), variable.to_uppercase()].into_iter().find_map(|variable| {
            let text = std::env::var(&variable).ok()?;
            Some((variable, text))
        });
        if let Some((variable, text)) = found {
            let place = excerpt("environment", &format!("{variable}="), shown(Some(spec), &text));
            given.put(name, windlass_lang::Given::Text(text), place);
        }
    }
    for file in &args.params_file {
        from_file(file, &mut given)?;
    }
    let mut seen = std::collections::BTreeSet::new();
    for ParamArg { name, value } in &args.params {
        if !seen.insert(name) {
            return Err(Failure::usage(format!("the parameter `{name}` is given twice with -p"))
                .help("give it once; a list is written a,b,c"));
        }
        let spec = plan.spec.params.get(name);
        if spec.is_some_and(|spec| spec.kind == ParamType::Secret) && matches!(value, ParamValue::Given(_)) {
            printer.warn(format_args!(
                "the secret `{name}` stands on the command line, where every user of this machine can read it;\n  \
                 give -p {name}=@FILE, or set {VARIABLE}{name}"
            ));
        }
        let place = match value {
            ParamValue::Given(text) => excerpt(COMMAND_LINE, &format!("-p {name}="), shown(spec, text)),
            ParamValue::File(path) => {
                excerpt(COMMAND_LINE, &format!("-p {name}="), &format!("@{}", path.display()))
            }
            ParamValue::Stdin => excerpt(COMMAND_LINE, &format!("-p {name}="), "@-"),
        };
        // What nobody asked for is meant by its name.
        let place = if spec.is_none() { Excerpt { span: 3..3 + name.len(), ..place } } else { place };
        given.put(name, windlass_lang::Given::Text(text(name, value)?), place);
    }
    for (name, _) in plan.spec.params.iter().filter(|(_, spec)| spec.kind == ParamType::Secret) {
        let text = match given.values.get(name) {
            Some(windlass_lang::Given::Text(text) | windlass_lang::Given::Value(Value::String(text))) => text,
            _ => continue,
        };
        if text.len() < secret::SHORTEST {
            printer.warn(format_args!(
                "the secret `{name}` has fewer than {} bytes: what programs print and answer is not searched for it",
                secret::SHORTEST
            ));
        }
    }
    Ok(given)
}

/// What the command line is called in drawings.
pub(crate) const COMMAND_LINE: &str = "command line";

/// A part of what was given, with what stands before it.
pub(crate) fn excerpt(source: &str, before: &str, meant: &str) -> Excerpt {
    let source = Source::new(source, &format!("{before}{meant}"));
    Excerpt { source, span: before.len()..before.len() + meant.len() }
}

/// A value as it may be shown: not that of a secret, nor of what may be one under a mistyped name.
fn shown<'a>(spec: Option<&ParamSpec>, text: &'a str) -> &'a str {
    match spec {
        Some(spec) if spec.kind != ParamType::Secret => text,
        _ => "…",
    }
}

// === impl Given ===

impl Given {
    fn put(&mut self, name: &str, value: windlass_lang::Given, place: Excerpt) {
        self.values.insert(name.to_owned(), value);
        self.places.insert(name.to_owned(), place);
    }

    /// Where the parameter was given that a problem is about.
    pub(crate) fn place(&self, problem: &Problem) -> Option<Excerpt> {
        self.places.get(problem.address.strip_prefix("params.")?).cloned()
    }
}

fn text(name: &str, value: &ParamValue) -> Result<String, Failure> {
    let text = match value {
        ParamValue::Given(text) => return Ok(text.clone()),
        ParamValue::File(path) => bounded(std::fs::File::open(path), path)?,
        ParamValue::Stdin => bounded(Ok(std::io::stdin().lock()), Path::new("standard input"))?,
    };
    let text = String::from_utf8(text)
        .map_err(|_| Failure::usage(format!("what was read for the parameter `{name}` is not UTF-8 text")))?;
    // Editors and `echo` end a file with a line break that is not part of the value.
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(text.to_owned())
}

fn bounded(source: std::io::Result<impl Read>, path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = source.and_then(|source| source.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::file("read", path, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::usage(format!("{} is larger than a parameter may be", path.display())));
    }
    Ok(bytes)
}

fn from_file(path: &Path, given: &mut Given) -> Result<(), Failure> {
    let name = path.display().to_string();
    let source =
        Source::new(&name, &windlass_lang::decode(&name, bounded(std::fs::File::open(path), path)?)?);
    let mut documents = windlass_lang::parse(&name, source.text())?;
    let (document, others) = (documents.pop(), documents.len());
    let map = match document.as_ref().map(|document| &document.value) {
        None if others == 0 => return Ok(()),
        Some(Value::Object(map)) if others == 0 => map,
        _ => {
            return Err(Failure::usage(format!("{name} does not hold a map of parameters"))
                .help("write one parameter a line, such as `release: \"1.4\"`"));
        }
    };
    for (name, value) in map {
        let pointer = format!("/{}", windlass_model::schema::escape(name));
        let place = document.as_ref().map(|document| document.spans.locate(&document.value, &pointer));
        let span = place.and_then(|place| place.key).map_or(0..0, |key| key.bytes());
        given.put(name, windlass_lang::Given::Value(value.clone()), Excerpt { source: source.clone(), span });
    }
    Ok(())
}
