//! The variables that lie beside an inventory: `group_vars/NAME.yaml`, `host_vars/NAME.yaml`.

use windlass_model::problem::Problem;
use windlass_model::{Value, code};

use super::{ALL, Estate, Rank};
use crate::contents::{Place, Placed, Spot};
use crate::read::{Form, Gathered};

/// Takes in a document of variables.
pub(in crate::read) fn vars_file(
    value: &Value,
    form: &Form,
    (source, document): (u32, u32),
    estate: &mut Estate,
    out: &mut Gathered,
) {
    let place = Place { source, spot: Spot::Entry { document, index: 0 } };
    let odd = |message: String, out: &mut Gathered| {
        let problem = Problem::new(code::NOT_TAKEN_OVER, "", "", message);
        out.warnings.push(Placed { problem, place, first: None });
    };
    let map = match value {
        Value::Object(map) => map,
        value if super::is_encrypted(value) => {
            return odd("these variables are encrypted by Ansible Vault and left out".to_owned(), out);
        }
        _ => {
            let problem =
                Problem::new(code::WRONG_TYPE, "", "", "expected variables: a map from names to values");
            return out.wrong(problem, place);
        }
    };
    let vars = match form {
        Form::GroupVars(name) => match estate.groups.get_mut(name) {
            Some(group) => &mut group.vars,
            None if name == ALL => &mut estate.defined(ALL, place).vars,
            None => return odd(format!("there is no group `{name}` that these variables could be of"), out),
        },
        Form::HostVars(name) => match estate.hosts.get_mut(name) {
            Some(host) => &mut host.vars,
            None => return odd(format!("there is no host `{name}` that these variables could be of"), out),
        },
        Form::Yaml | Form::Ini => return,
    };
    for (key, value) in map {
        // Of several files the later one wins, as there.
        let _ = vars.set(key, value.clone(), place, Rank::Beside);
    }
}
