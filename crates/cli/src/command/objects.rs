//! `apply`, `get`, `describe`, `edit`, `diff`, `delete`, `freeze`: the objects of a server.

mod apply;
mod describe;
mod diff;
mod edit;
mod files;
mod freeze;
mod get;
pub(super) mod print;

use windlass_client::Place;
use windlass_model::code;
use windlass_model::name::nearest;
use windlass_objects::{Kind, Scope, kinds};

pub(super) use self::apply::{apply, delete};
pub(super) use self::describe::describe;
pub(super) use self::diff::diff;
pub(super) use self::edit::edit;
pub(super) use self::freeze::freeze;
pub(super) use self::get::get;

use crate::exit::Exit;
use crate::failure::Failure;

/// The kind that somebody means by a word.
fn kind(word: &str) -> Result<&'static Kind, Failure> {
    kinds::all().iter().copied().find(|kind| kind.is_called(word)).ok_or_else(|| {
        let known: Vec<&str> = kinds::all().iter().map(|kind| kind.plural).collect();
        let singular = kinds::all().iter().map(|kind| kind.name);
        let near = nearest(word, known.iter().copied().chain(singular))
            .map(|near| format!("did you mean `{near}`? "));
        let message = format!("there is no kind of objects called `{word}`");
        Failure::new(Exit::Invalid, code::UNKNOWN_OBJECT_KIND, message).help(format!(
            "{}there are: {}",
            near.unwrap_or_default(),
            known.join(", ")
        ))
    })
}

/// Where objects of a kind are, for a namespace.
fn place(kind: &Kind, namespace: &str) -> Place {
    match kind.scope {
        Scope::Global => Place::global(kind.plural),
        Scope::Namespaced => Place::within(kind.plural, namespace),
    }
}

/// What an object is called in what is said of it: `node web01`, `plan web/patch`.
fn called(kind: &Kind, namespace: &str, name: &str) -> String {
    let word = kind.name.to_lowercase();
    match kind.scope {
        Scope::Global => format!("{word} {name}"),
        Scope::Namespaced => format!("{word} {namespace}/{name}"),
    }
}
