//! What templates give, what they cannot do, and what of a secret is shown.

use std::collections::BTreeMap;

use serde_json::json;
use windlass_model::eval::RunNodes;
use windlass_model::target::Node;
use windlass_model::vars::{Layer, Origin, Vars};

use super::*;

fn map(value: Value) -> Arc<Map> {
    match value {
        Value::Object(map) => Arc::new(map),
        _ => Arc::default(),
    }
}

fn vars() -> Arc<Vars> {
    let plan = json!({
        "unit": "nginx", "url": "https://{{ params.release }}/", "loop": "{{ vars.loop }}",
        "a": "{{ vars.b }}", "b": ["x", "{{ vars.c.d }}"], "c": {"d": "{{ vars.a }}"},
    });
    let group = json!({"port": 80, "listen": "{{ vars.port }}/{{ node.name }}"});
    let mut vars = Vars::from((*map(plan)).clone());
    vars.push(&Layer::new(Origin::Group("web".into()), (*map(group)).clone()));
    for depth in 0..40 {
        let computed = json!({format!("v{depth}"): format!("{{{{ vars.v{} }}}}", depth + 1)});
        vars.push(&Layer::new(Origin::Plan, (*map(computed)).clone()));
    }
    vars.push(&Layer::new(Origin::Plan, (*map(json!({"v40": 1}))).clone()));
    Arc::new(vars)
}

/// Two nodes of the run; `port` is said by the plan, `listen` by the group of both.
#[derive(Debug)]
struct Two;

impl RunNodes for Two {
    fn node(&self, name: &str) -> Option<Arc<Node>> {
        let facts = (*map(json!({"ip": format!("10.0.0.{}", name.trim_start_matches("web0"))}))).clone();
        self.names().contains(&name.to_owned()).then(|| {
            Arc::new(Node {
                name: name.into(),
                facts,
                roles: ["web".to_owned()].into_iter().collect(),
                ..Node::default()
            })
        })
    }

    fn vars(&self, _: &str) -> Vars {
        let mut vars = Vars::from((*map(json!({"port": 8080}))).clone());
        let group = json!({"listen": "{{ node.name }}:{{ vars.port }}"});
        vars.push(&Layer::new(Origin::Group("web".into()), (*map(group)).clone()));
        vars
    }

    fn names(&self) -> Vec<String> {
        vec!["web01".to_owned(), "web02".to_owned()]
    }
}

/// What configuration of a load balancer is made from.
#[test]
fn other_targets_are_seen() {
    for (text, expect) in [
        ("{{ targets['web02'].facts.ip }}", "\"10.0.0.2\""),
        ("{{ targets.web02.vars.listen }}", "\"web02:8080\""),
        ("{{ targets.web01.store.ip }}", "\"10.0.0.1\""),
        ("{% for name in targets %}{{ targets[name].facts.ip }} {% endfor %}", "\"10.0.0.1 10.0.0.2 \""),
        ("{{ targets | length }}", "2"),
        (
            "{{ node.name }} {{ targets['web02'].name }} {{ targets['web02'].roles[0] }}",
            "\"web03 web02 web\"",
        ),
        ("{{ targets['web09'].facts.ip }}", "targets['web09'] is not defined"),
        ("{{ targets['web02'].facts.nope }}", "targets['web02'].facts.nope is not defined"),
        ("{{ targets['web02'].store.ip }}", "targets['web02'].store.ip is not defined"),
        ("{{ targets['web02'].color }}", "targets['web02'].color is not defined"),
    ] {
        assert_eq!(render(json!(text)), expect, "{text}");
    }
}

#[test]
fn a_node_that_has_told_nothing_is_said_to_be_asked() {
    let node = Arc::new(Node::named("web09"));
    let scope = Scope { node: Some(node), ..scope() };
    let said = Evaluator::new().render(&json!("{{ facts.os }}"), &scope).unwrap_err().text;
    assert_eq!(said, "facts.os is not defined: no facts of `web09` are known; `--fresh-facts` asks for them");
}

fn scope() -> Scope {
    Scope {
        params: map(
            json!({"release": "1.4", "count": 3, "pw": "hunter22", "list": ["a", {"b": 1}], "off": false}),
        ),
        vars: vars(),
        node: Some(Arc::new(Node {
            name: "web03".into(),
            labels: [("rack".to_owned(), "r1".to_owned())].into_iter().collect(),
            facts: (*map(json!({"os": "debian", "cpus": 4}))).clone(),
            ..Node::default()
        })),
        store: map(json!({"kernel": "6.1"})),
        targets: Arc::new(BTreeMap::from([("web01".to_owned(), map(json!({"ip": "10.0.0.1"})))])),
        nodes: Some(Arc::new(Two)),
        steps: map(json!({"get": {"response": {"status": 200, "items": [{"id": 7}]}}})),
        run: map(json!({"id": "r-1", "user": "ann"})),
        secret_params: Arc::new(vec!["pw".into()]),
        secrets: Arc::new([("pw", "hunter22")].into_iter().collect()),
        sealed_steps: Vec::new(),
        noop: false,
    }
}

fn render(text: Value) -> String {
    match Evaluator::new().render(&text, &scope()) {
        Ok(Rendered { clear, shown: None, .. }) => clear.to_string(),
        Ok(Rendered { clear, shown: Some(shown), .. }) => format!("{clear} | {shown}"),
        Err(why) => why.to_string(),
    }
}

#[test]
fn renders() {
    for (text, expect) in [
        (json!("plain"), r#""plain""#),
        (json!(5), "5"),
        (json!("{{ node.name }}"), r#""web03""#),
        (json!("a {{ node.name }}.{{ node.labels.rack }}\n"), r#""a web03.r1\n""#),
        (json!("{{ params.count }}"), "3"),
        (json!("{{ params.count * 2 + 1 }}"), "7"),
        (json!("{{ params.off }}"), "false"),
        (json!("{{ params.list }}"), r#"["a",{"b":1}]"#),
        (json!("{{ params.list[1].b }}"), "1"),
        (json!("{{ params.list[1] }}"), r#"{"b":1}"#),
        (json!("x={{ params.list }}"), r#""x=[\"a\",{\"b\":1}]""#),
        (json!("{{ {'a': {'b': 1}} }}"), r#"{"a":{"b":1}}"#),
        (json!("{{ params.count }}{{ params.count }}"), r#""33""#),
        (json!("{{ vars.url }}"), r#""https://1.4/""#),
        (json!("{{ store.kernel }} {{ facts.os }} {{ run.user }}"), r#""6.1 debian ann""#),
        (json!("{{ targets['web01'].store.ip }}"), r#""10.0.0.1""#),
        (json!("{{ steps.get.response.items[0].id }}"), "7"),
        (json!("{% for x in params.list %}{{ loop.index }}{% endfor %}"), r#""12""#),
        (json!("{% raw %}{{ x }}{% endraw %}"), r#""{{ x }}""#),
        (json!("{{ params.nope | default('d') }}"), r#""d""#),
        (json!("{{ \"it's\" | quote }}"), r#""'it'\\''s'""#),
        (json!("{{ params.list | tojson }}"), r#""[\"a\",{\"b\":1}]""#),
        (json!("{{ 'ab' | b64encode }}"), r#""YWI=""#),
        (json!("{{ 'YWI=' | b64decode }}"), r#""ab""#),
        (json!("{{ '1m30s' | seconds }}"), "90"),
        (json!("{{ '{\"a\": [1]}' | fromjson }}"), r#"{"a":[1]}"#),
        (json!({"{{ node.name }}": ["{{ params.count }}"]}), r#"{"web03":[3]}"#),
        (json!("{{ none }}"), "null"),
        (json!("{{ vars.listen }}"), r#""80/web03""#),
        (json!("{{ vars.v10 }}"), "1"),
        (json!("{{ node.vars }}"), r#"{"port":80,"listen":"80/web03"}"#),
        (json!("{{ node.vars.unit | default('none') }}"), r#""none""#),
        (json!("{{ node.roles }} {{ node.addresses }} {{ node.parent }}"), r#""[] [\"web03\"] null""#),
    ] {
        assert_eq!(render(text.clone()), expect, "{text}");
    }
}

#[test]
fn names_what_is_missing() {
    for (text, expect) in [
        ("{{ params.relese }}", "params.relese is not defined; did you mean params.release?"),
        ("x {{ params.relese }}", "params.relese is not defined; did you mean params.release?"),
        ("{{ parms.release }}", "parms is not defined; did you mean params?"),
        ("{{ steps.got.response }}", "steps.got is not defined; did you mean steps.get?"),
        ("{{ steps.get.response.body }}", "steps.get.response.body is not defined"),
        ("{{ targets['web09'].store.ip }}", "targets['web09'] is not defined"),
        ("{{ targets.web01.store.x }}", "targets['web01'].store.x is not defined"),
        ("{{ store.x ~ 'y' }}", "store.x is not defined"),
        (
            "{{ vars.loop }}",
            "`vars.loop` cannot be rendered: variables refer to each other in a circle: vars.loop → vars.loop",
        ),
        (
            "x {{ vars.a }}",
            "`x {{ vars.a }}` cannot be rendered: variables refer to each other in a circle: \
             vars.a → vars.b[1] → vars.c.d → vars.a",
        ),
        (
            "{{ vars.v0 }}",
            "`vars.v0` cannot be rendered: variables refer to each other more than 32 deep, at vars.v32",
        ),
    ] {
        assert_eq!(render(json!(text)), expect, "{text}");
    }
    let bare = Scope { node: None, ..scope() };
    let why = Evaluator::new().render(&json!("{{ node.name }}"), &bare).unwrap_err();
    assert_eq!(why.to_string(), "node is not defined: there is no target here");
}

#[test]
fn hides_what_touched_a_secret() {
    for (text, expect) in [
        ("{{ params.pw }}", r#""hunter22" | "«secret:pw»""#),
        ("u:{{ params.pw }}@h", r#""u:hunter22@h" | "u:«secret:pw»@h""#),
        ("{{ params.pw | b64encode }}", r#""aHVudGVyMjI=" | "«secret:pw»""#),
        ("{{ params.pw | upper }}!", r#""HUNTER22!" | "«secret:pw»""#),
        ("{{ params.pw | length }}", r#"8 | "«secret:pw»""#),
    ] {
        assert_eq!(render(json!(text)), expect, "{text}");
    }
    let nested = render(json!({"a": [1, "{{ params.pw }}"], "b": "{{ params.release }}"}));
    assert_eq!(nested, r#"{"a":[1,"hunter22"],"b":"1.4"} | {"a":[1,"«secret:pw»"],"b":"1.4"}"#);
    let all = render(json!("{{ params | tojson }}"));
    assert!(!all.split(" | ").nth(1).unwrap().contains("hunter22"), "{all}");
    let failed = render(json!("{{ params.pw | fromjson }}"));
    assert!(!failed.contains("hunter22"), "{failed}");
}

#[test]
fn hides_secrets_wherever_they_come_from() {
    let secrets = [("pw", "hunter22"), ("@7.0", "t0k3n"), ("@9.0", "47110815")];
    let scope = Scope {
        store: map(
            json!({"dsn": "db://u:hunter22@h", "token": "t0k3n", "pin": 47110815, "deep": {"list": ["t0k3n"]}}),
        ),
        vars: Arc::new(Vars::from(
            (*map(json!({"dsn": "x hunter22", "nested": "{{ store.token | upper }}"}))).clone(),
        )),
        steps: map(
            json!({"ask": {"response": {"stdout": "fresh one\n", "code": 815}}, "plain": {"response": 1}}),
        ),
        secrets: Arc::new(secrets.into_iter().collect()),
        sealed_steps: vec!["ask".into()],
        ..scope()
    };
    for (text, expect) in [
        ("{{ store.dsn }}", r#""db://u:hunter22@h" | "db://u:«secret:pw»@h""#),
        ("{{ store.token }} {{ vars.dsn }}", r#""t0k3n x hunter22" | "«secret:@7.0» x «secret:pw»""#),
        ("{{ store.token | upper }}", r#""T0K3N" | "«secret:@7.0»""#),
        ("{{ vars.nested }}", r#""T0K3N" | "«secret:@7.0»""#),
        ("{{ store.deep.list }}", r#"["t0k3n"] | "«secret:@7.0»""#),
        ("{{ store.pin + 1 }}", r#"47110816 | "«secret:@9.0/number»""#),
        ("{{ steps.ask.response.stdout | trim }}!", r#""fresh one!" | "«secret:steps.ask»!""#),
        ("{{ steps.ask.response.code }}", r#"815 | "«secret:steps.ask»""#),
        ("{{ steps.plain.response }}", "1"),
    ] {
        let shown = match Evaluator::new().render(&json!(text), &scope).unwrap() {
            Rendered { clear, shown: Some(shown), .. } => format!("{clear} | {shown}"),
            Rendered { clear, .. } => clear.to_string(),
        };
        assert_eq!(shown, expect, "{text}");
    }
    let why = Evaluator::new().render(&json!("{{ store.token | fromjson }}"), &scope).unwrap_err();
    assert!(!why.to_string().contains("t0k3n"), "{why}");
}

#[test]
fn tells_what_was_made_of_secrets() {
    let creds = r#"{"user": "administrator", "password": "correct horse", "port": 5432}"#;
    let scope = Scope {
        params: map(json!({"pw": "hunter22", "creds": creds, "release": "release-1.4"})),
        steps: map(json!({"ask": {"response": {"stdout": "fresh one\n", "code": 815}}})),
        secret_params: Arc::new(vec!["pw".into(), "creds".into()]),
        secrets: Arc::new([("pw", "hunter22"), ("creds", creds)].into_iter().collect()),
        sealed_steps: vec!["ask".into()],
        ..scope()
    };
    for (text, expect) in [
        // What is found by looking for the secret needs no care of its own.
        ("{{ params.pw }}", vec![]),
        ("u:{{ params.pw }} {{ params.pw | b64encode }} {{ 'user:' ~ params.pw }}", vec![]),
        ("{{ params.pw | upper }} on {{ params.release }}", vec!["HUNTER22"]),
        ("{% set x = params.pw | upper %}{{ params.release }} {{ x }}", vec!["HUNTER22"]),
        ("{{ params.release }} {{ params.pw | reverse }} {{ node.name }}", vec!["22retnuh"]),
        ("{% for part in params.creds | split(':') %}{{ part | length }}{% endfor %}", vec![]),
        (
            "{{ (params.creds | fromjson).password }} of {{ node.name }} {{ params.release }}",
            vec!["correct horse"],
        ),
        ("{{ params.creds | fromjson }}", vec!["administrator", "correct horse"]),
        // Too short, or no text: they would be found everywhere.
        ("{{ params.pw | length }} {{ params.pw == 'hunter22' }} {{ params.pw | first }}", vec![]),
        ("{{ 'prod' if params.pw == 'hunter22' else 'test' }}", vec![]),
        ("{{ steps.ask.response.stdout | trim }}", vec!["fresh one", "fresh one\n"]),
    ] {
        let rendered = Evaluator::new().render(&json!(text), &scope).unwrap();
        assert_eq!(rendered.derived, expect, "{text}");
    }
}

#[test]
fn a_secret_with_two_names_is_found_by_either() {
    for name in ["a", "b"] {
        let url = json!({"url": format!("https://app:{{{{ params.{name} }}}}@db/")});
        let scope = Scope {
            params: map(json!({"a": "hunter22", "b": "hunter22"})),
            vars: Arc::new(Vars::from((*map(url)).clone())),
            secret_params: Arc::new(vec!["a".into(), "b".into()]),
            secrets: Arc::new([("a", "hunter22"), ("b", "hunter22")].into_iter().collect()),
            ..scope()
        };
        let rendered = Evaluator::new().render(&json!("{{ vars.url }}"), &scope).unwrap();
        assert_eq!(rendered.clear, "https://app:hunter22@db/");
        assert!(rendered.derived.is_empty(), "{name}: {:?}", rendered.derived);
    }
}

#[test]
fn judges_conditions() {
    let judge = |text: &str| match Evaluator::new().condition(text, &scope()) {
        Ok(yes) => yes.to_string(),
        Err(why) => why.to_string(),
    };
    for (text, expect) in [
        ("facts.os == 'debian'", "true"),
        ("{{ facts.os == 'debian' }}", "true"),
        ("facts.cpus > 4", "false"),
        ("params.off", "false"),
        ("params.list", "true"),
        ("not params.off and 'a' in params.list", "true"),
        ("params.nope is defined", "false"),
        ("params.nope", "params.nope is not defined"),
        ("facts.oss == 'debian'", "facts.oss is not defined; did you mean facts.os?"),
        ("steps.get.response.status == 200", "true"),
    ] {
        assert_eq!(judge(text), expect, "{text}");
    }
    assert!(judge("a ==").contains("does not parse"));
}

/// What depends on a change that was not made is not known, and not wrong.
#[test]
fn a_noop_knows_what_it_does_not_know() {
    use windlass_model::eval::EvalErrorKind;
    use windlass_model::foresight;
    let mark = foresight::unknown("`get` would change something");
    let values = |noop| Scope {
        store: map(json!({"kernel": "6.1", "ip": mark.clone()})),
        steps: map(json!({"get": {"response": mark.clone(), "changed": true}})),
        targets: Arc::new(BTreeMap::from([("web01".to_owned(), map(json!({"ip": mark.clone()})))])),
        noop,
        ..scope()
    };
    let evaluator = Evaluator::new();
    for (text, name) in [
        ("{{ store.ip }}", "store.ip"),
        ("{{ steps.get.response.stdout }}", "steps.get.response"),
        ("{{ targets['web01'].store.ip | upper }}", "targets['web01'].store.ip"),
        ("{{ store.ip | default('none') }}", "store.ip"),
        ("{{ store.ip is defined }}", "store.ip"),
        ("{% for key, value in store | items %}{{ value }}{% endfor %}", "store.ip"),
        ("{{ store | tojson }}", "store.ip"),
        ("{{ store }}", "store.ip"),
    ] {
        let why = evaluator.render(&json!(text), &values(true)).unwrap_err();
        assert_eq!(why.kind, EvalErrorKind::Unknown, "{text}: {why}");
        assert_eq!(why.text, format!("{name} is not known: `get` would change something"), "{text}");
    }
    let known = |text| evaluator.render(&json!(text), &values(true)).unwrap().clear;
    assert_eq!(known("{{ store.kernel }}{{ steps.get.changed }}"), json!("6.1True"));
    assert_eq!(known("{{ params.off and store.ip }}"), json!(false));
    let judged = evaluator.condition("store.ip == 'x'", &values(true)).unwrap_err();
    assert_eq!(judged.kind, EvalErrorKind::Unknown);
    assert_eq!(evaluator.condition("steps.get.changed", &values(true)), Ok(true));
    // Elsewhere it is a value like any other.
    assert!(evaluator.render(&json!("{{ store.ip }}"), &values(false)).is_ok());
    let wrong = evaluator.render(&json!("{{ store.nope }}"), &values(true)).unwrap_err();
    assert_eq!(wrong.kind, EvalErrorKind::Wrong);
}

#[test]
fn is_bounded() {
    for text in [
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 99999999 }}",
        "{% for a in range(1000) %}{{ 'xxxxxxxxxx' * 10000 }}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ 'x' | indent(99999999999) }}",
        "{{ range(99999999999) }}",
        "{% include 'x' %}",
    ] {
        assert!(Evaluator::new().render(&json!(text), &scope()).is_err(), "{text}");
    }
}

#[test]
fn compiles_each_text_once() {
    let evaluator = Evaluator::new();
    let scope = scope();
    for _ in 0..50_000 {
        let rendered = evaluator.render(&json!({"argv": ["drain", "{{ node.name }}"]}), &scope).unwrap();
        assert_eq!(rendered.clear["argv"][1], json!("web03"));
    }
}
