//! The parameters that were given: `-p`, `--params-file` and the environment, as values of the types that the plan
//! declares. Whether they are acceptable is for the language to say.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use windlass_model::param::{ParamSpec, ParamType};
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;
use windlass_model::{Map, Value, code};

use crate::args::{ParamArg, ParamArgs, ParamValue};
use crate::failure::Failure;
use crate::printer::Printer;

/// What a variable of the environment begins with that gives a parameter its value.
const VARIABLE: &str = "WINDLASS_PARAM_";

/// The most that is read for one parameter from a file.
const MAX_BYTES: u64 = 16 << 20;

/// The values that were given: those of `-p` before those of files before those of the environment.
pub(crate) fn gather(args: &ParamArgs, plan: &Plan, printer: &mut Printer) -> Result<Map, Failure> {
    let mut given = Map::new();
    let mut problems = Vec::new();
    let mut put = |given: &mut Map, name: &str, text: &str| match read(plan.spec.params.get(name), text) {
        Ok(value) => {
            given.insert(name.to_owned(), value);
        }
        Err(why) => problems.push(Problem::new(code::BAD_PARAM, format!("params.{name}"), "", why)),
    };
    for name in plan.spec.params.keys() {
        if let Ok(text) = std::env::var(format!("{VARIABLE}{}", name.replace(['-', '.'], "_"))) {
            put(&mut given, name, &text);
        }
    }
    for file in &args.params_file {
        given.extend(from_file(file)?);
    }
    let mut seen = BTreeSet::new();
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
        put(&mut given, name, &text(name, value)?);
    }
    if problems.is_empty() { Ok(given) } else { Err(Failure::Problems(problems)) }
}

fn read(spec: Option<&ParamSpec>, text: &str) -> Result<Value, String> {
    let Some(spec) = spec else { return Ok(Value::from(text)) };
    spec.kind.read(text)
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

fn from_file(path: &Path) -> Result<Map, Failure> {
    let name = path.display().to_string();
    let text = windlass_lang::decode(&name, bounded(std::fs::File::open(path), path)?)?;
    let mut documents = windlass_lang::parse(&name, &text)?;
    match (documents.pop().map(|document| document.value), documents.len()) {
        (None | Some(Value::Null), 0) => Ok(Map::new()),
        (Some(Value::Object(map)), 0) => Ok(map),
        _ => Err(Failure::usage(format!("{name} does not hold a map of parameters"))
            .help("write one parameter a line, such as `release: \"1.4\"`")),
    }
}
