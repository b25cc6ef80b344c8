//! Parameters as they are given, read and refused.

use serde_json::json;

use super::*;

fn plan() -> Plan {
    let mut plan = Plan::named("p");
    plan.spec.params = serde_json::from_value(json!({
        "release": {"type": "string", "pattern": "^\\d+\\.\\d+$", "required": true, "description": "What to roll out."},
        "count": {"type": "int", "min": 1, "max": 10, "default": 3},
        "site": {"enum": ["north", "south"], "default": "north"},
        "wait": {"type": "duration", "max": "1h"},
        "hosts": {"type": "list", "default": []},
        "pw": {"type": "secret", "pattern": "^.{4,}$"},
        "fast": {"type": "bool", "default": false},
    }))
    .unwrap();
    plan
}

fn check(given: &[(&str, &str)], expect: &str) {
    let given = given.iter().map(|(name, text)| ((*name).to_owned(), Given::Text((*text).to_owned())));
    let (params, problems) = read(&plan(), given.collect());
    let shown = match Problems::check(problems) {
        Ok(()) => serde_json::to_string(&params.values).unwrap(),
        Err(problems) => problems.to_string(),
    };
    assert_eq!(shown, expect);
}

#[test]
fn reads_and_fills_up() {
    check(&[("release", "1.10")], r#"{"release":"1.10","count":3,"site":"north","hosts":[],"fast":false}"#);
    check(
        &[
            ("release", "1.4"),
            ("count", "5"),
            ("hosts", "a,b"),
            ("pw", "hunter22"),
            ("wait", "5m"),
            ("fast", "yes"),
        ],
        r#"{"release":"1.4","count":5,"site":"north","wait":"5m","hosts":["a","b"],"pw":"hunter22","fast":true}"#,
    );
}

#[test]
fn names_everything_that_is_wrong_at_once() {
    check(
        &[
            ("relase", "1"),
            ("count", "11"),
            ("site", "nort"),
            ("pw", "abc"),
            ("wait", "2h"),
            ("fast", "perhaps"),
        ],
        "WL-0216 params.relase: there is no parameter `relase`\n\
         WL-0217 params.release: the parameter `release` (string) is missing\n\
         WL-0215 params.count: the number must be at most 10\n\
         WL-0215 params.site: `nort` is not one of north, south; did you mean `north`?\n\
         WL-0215 params.wait: the duration must be at most 1h\n\
         WL-0215 params.pw: the value does not match the pattern ^.{4,}$\n\
         WL-0215 params.fast: `perhaps` is not of type bool",
    );
}

#[test]
fn takes_values_and_knows_secrets() {
    let given = json!({"release": "1.4", "pw": "hunter22", "count": 4});
    let params = params(&plan(), given.as_object().unwrap()).unwrap();
    assert_eq!(params.secrets, ["pw"]);
    assert_eq!(params.values["count"], json!(4));
    let wrong = json!({"release": 1.4, "pw": 12345});
    let why = super::params(&plan(), wrong.as_object().unwrap()).unwrap_err().to_string();
    assert_eq!(
        why,
        "WL-0215 params.release: expected string, got the number 1.4; a text stands in quotes\nWL-0215 params.pw: expected a text"
    );
}
