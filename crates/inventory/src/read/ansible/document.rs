//! The YAML form, and what dynamic inventories print: groups with `hosts`, `children` and `vars`, as maps or lists.

use windlass_model::problem::Problem;
use windlass_model::schema::escape;
use windlass_model::{Map, Value, code, name};

use super::{ALL, Estate, Rank, range};
use crate::contents::{Place, Spot};
use crate::read::{Gathered, Pointers};

const KEYS: [&str; 3] = ["hosts", "children", "vars"];
const META: &str = "_meta";

/// Whether a document has this form.
pub(in crate::read) fn is_ours(value: &Value) -> bool {
    let Value::Object(map) = value else { return false };
    if ["kind", "apiVersion", "spec"].iter().any(|key| map.contains_key(*key)) {
        return false;
    }
    let is_group = |value: &Value| match value {
        Value::Object(group) => group.keys().any(|key| KEYS.contains(&key.as_str())),
        Value::Array(hosts) => hosts.iter().all(Value::is_string),
        _ => false,
    };
    map.contains_key(META) || map.contains_key(ALL) || map.values().any(is_group)
}

/// Takes in a document of this form.
pub(in crate::read) fn document(
    value: &Value,
    source: u32,
    document: u32,
    estate: &mut Estate,
    out: &mut Gathered,
) {
    let mut walk = Walk { source, document, estate, out, pointers: Pointers::default() };
    let Value::Object(map) = value else { return };
    for (name, group) in map.iter().filter(|(name, _)| *name != META) {
        walk.group(name, group, &format!("/{}", escape(name)));
    }
    if let Some(meta) = map.get(META) {
        walk.meta(meta);
    }
    let pointers = walk.pointers;
    out.pointers.insert((source, document), pointers);
}

struct Walk<'a> {
    source: u32,
    document: u32,
    estate: &'a mut Estate,
    out: &'a mut Gathered,
    pointers: Pointers,
}

// === impl Walk ===

impl Walk<'_> {
    /// A place that is found again by its pointer.
    fn at(&mut self, pointer: &str) -> Place {
        let index = self.pointers.put(pointer);
        Place { source: self.source, spot: Spot::Entry { document: self.document, index } }
    }

    fn wrong(&mut self, problem: Problem) {
        let place = Place { source: self.source, spot: Spot::Entry { document: self.document, index: 0 } };
        self.out.wrong(problem, place);
    }

    fn misfit(&mut self, name: &str, pointer: &str, message: &str) {
        self.wrong(Problem::new(code::WRONG_TYPE, format!("group {name}"), pointer, message));
    }

    fn group(&mut self, name: &str, value: &Value, pointer: &str) {
        let place = self.at(pointer);
        self.estate.defined(name, place);
        let map = match value {
            Value::Null => return,
            Value::Array(_) => return self.hosts(name, value, pointer),
            Value::Object(map) => map,
            _ => {
                return self.misfit(
                    name,
                    pointer,
                    "expected a group: a map with `hosts`, `children` and `vars`",
                );
            }
        };
        for (key, value) in map {
            let pointer = format!("{pointer}/{}", escape(key));
            match key.as_str() {
                "hosts" => self.hosts(name, value, &pointer),
                "children" => self.children(name, value, &pointer),
                "vars" => self.vars(name, value, &pointer),
                _ => {
                    let problem = Problem::new(
                        code::UNKNOWN_KEY,
                        format!("group {name}"),
                        pointer,
                        format!("unknown key `{key}`"),
                    );
                    let near = name::nearest(key, KEYS).map(|near| format!("did you mean `{near}`? "));
                    let near = near.unwrap_or_default();
                    self.wrong(problem.help(format!("{near}Known in a group: {}", KEYS.join(", "))));
                }
            }
        }
    }

    fn children(&mut self, of: &str, value: &Value, pointer: &str) {
        match value {
            Value::Null => {}
            Value::Object(map) => {
                for (name, group) in map {
                    let pointer = format!("{pointer}/{}", escape(name));
                    self.group(name, group, &pointer);
                    let place = self.at(&pointer);
                    self.estate.child(of, name, place);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let pointer = format!("{pointer}/{index}");
                    match item.as_str() {
                        Some(name) => {
                            let place = self.at(&pointer);
                            self.estate.child(of, name, place);
                            // A program may name groups that it says nothing of.
                            self.estate.group(name, place).is_defined = true;
                        }
                        None => self.misfit(of, &pointer, "expected the name of a group"),
                    }
                }
            }
            _ => self.misfit(of, pointer, "expected groups: a map or a list"),
        }
    }

    fn hosts(&mut self, group: &str, value: &Value, pointer: &str) {
        match value {
            Value::Null => {}
            Value::Object(map) => {
                for (host, vars) in map {
                    self.host(group, host, vars, &format!("{pointer}/{}", escape(host)));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    match item.as_str() {
                        Some(host) => {
                            let place = self.at(&format!("{pointer}/{index}"));
                            self.estate.host(host, group, place);
                        }
                        None => {
                            self.misfit(group, &format!("{pointer}/{index}"), "expected the name of a host")
                        }
                    }
                }
            }
            _ => self.misfit(group, pointer, "expected hosts: a map or a list"),
        }
    }

    /// A host of the YAML form; its name may be a range and may have a port.
    fn host(&mut self, group: &str, written: &str, vars: &Value, pointer: &str) {
        let (hosts, port) = match range::hosts(written) {
            Ok(hosts) => hosts,
            Err(why) => {
                let problem = Problem::new(code::BAD_PATTERN, format!("group {group}"), pointer, why);
                return self.wrong(problem);
            }
        };
        let vars = match vars {
            Value::Null => None,
            Value::Object(map) => Some(map),
            _ => return self.misfit(group, pointer, "expected the variables of a host: a map"),
        };
        let place = self.at(pointer);
        for host in hosts {
            self.estate.host(&host, group, place);
            if let Some(port) = port {
                self.host_var(&host, "ansible_port", port.into(), place, pointer);
            }
            self.host_vars(&host, vars, pointer);
        }
    }

    fn host_vars(&mut self, host: &str, vars: Option<&Map>, pointer: &str) {
        let Some(vars) = vars.filter(|vars| !vars.is_empty()) else { return };
        let place = self.at(pointer);
        for (key, value) in vars {
            let pointer = format!("{pointer}/{}", escape(key));
            self.host_var(host, key, value.clone(), place, &pointer);
        }
    }

    fn host_var(&mut self, host: &str, key: &str, value: Value, place: Place, pointer: &str) {
        let Some(known) = self.estate.hosts.get_mut(host) else { return };
        if let Err(first) = known.vars.set(key, value, place, Rank::Inventory) {
            self.out.disagree(&format!("node {host}"), key, pointer, place, first);
        }
    }

    fn vars(&mut self, group: &str, value: &Value, pointer: &str) {
        let vars = match value {
            Value::Null => return,
            Value::Object(vars) => vars,
            _ => return self.misfit(group, pointer, "expected variables: a map"),
        };
        let place = self.at(pointer);
        for (key, value) in vars {
            let known = self.estate.group(group, place);
            if let Err(first) = known.vars.set(key, value.clone(), place, Rank::Inventory) {
                let pointer = format!("{pointer}/{}", escape(key));
                self.out.disagree(&format!("group {group}"), key, &pointer, place, first);
            }
        }
    }

    /// What a dynamic inventory says of its hosts.
    fn meta(&mut self, meta: &Value) {
        let hosts = match meta.get("hostvars") {
            None | Some(Value::Null) => return,
            Some(Value::Object(hosts)) => hosts,
            Some(_) => return self.misfit(META, "/_meta/hostvars", "expected the variables of hosts: a map"),
        };
        for (host, vars) in hosts {
            let pointer = format!("/_meta/hostvars/{}", escape(host));
            match vars {
                Value::Null => {}
                Value::Object(vars) => self.host_vars(host, Some(vars), &pointer),
                _ => self.misfit(META, &pointer, "expected the variables of a host: a map"),
            }
        }
    }
}
