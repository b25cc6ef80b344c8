//! The short way reads what the long way reads, or gives up.

use proptest::prelude::*;
use windlass_lang::Source;
use windlass_model::target::Node;

use super::*;
use crate::read::Form;

fn text(text: &str) -> Text {
    Text { source: Source::new("hosts.yaml", text), form: Form::Yaml }
}

/// The nodes by the short way, if it takes the text.
fn short(yaml: &str) -> Option<Vec<Node>> {
    let mut out = Gathered::default();
    take(&text(yaml), 0, &mut out).then(|| out.contents.nodes.into_iter().map(|item| item.what).collect())
}

/// The nodes by the long way, if nothing is wrong with the text.
fn long(yaml: &str) -> Option<Vec<Node>> {
    let out = Gathered::exactly(&[text(yaml)]);
    let is_fine = out.problems.is_empty() && out.broken.is_empty();
    is_fine.then(|| out.contents.nodes.into_iter().map(|item| item.what).collect())
}

fn file(nodes: &str) -> String {
    format!("apiVersion: windlass.dev/v1\nkind: Inventory\nspec:\n  groups: [{{name: g}}]\n  nodes:\n{nodes}")
}

#[test]
fn plain_lists_are_taken() {
    for nodes in [
        "    - {name: a, labels: {role: web, rack: r1}, vars: {n: 5, t: '5', l: [1, x y], m: {a: true}}}\n",
        "  - {name: a}\n  - b\n\n  # a comment\n  - {name: c, active: false}   # another\n",
        "    - name: a\n      labels:\n        role: web\n      groups: [g]\n      addresses:\n      - 10.0.0.1\n      - \"::1\"\n      vars:\n        l:\n          - 1\n          - {x: y}\n        u: http://x:80/y\n    - name: 'b c'\r\n",
        "    - {name: 'web[01-20]', transport: {use: ssh, port: 22, jump: [gate]}, parent: a, roles: db}\n",
    ] {
        let yaml = file(nodes);
        let taken = short(&yaml);
        assert!(taken.is_some(), "{yaml}");
        assert_eq!(taken, long(&yaml), "{yaml}");
    }
    let followed = format!("{}  cluster: {{name: east}}\n", file("    - {name: a}\n"));
    assert_eq!(short(&followed), long(&followed));
    assert!(short(&followed).is_some());
}

#[test]
fn what_is_not_plain_is_given_up() {
    for nodes in [
        "    - &a {name: a}\n    - *a\n",
        "    - {name: a, labels: {role: 5}}\n",
        "    - {name: a, labels: {role: no, on: null}}\n",
        "    - {name: a, name: b}\n",
        "    - {name: a, vars: {x: 1, x: 2}}\n",
        "    - {name: a, nmae: b}\n",
        "    - {name: \"a\\u0020b\"}\n",
        "    - {name: 'it''s'}\n",
        "    - {name: a,\n       labels: {}}\n",
        "    - {name: a} x\n",
        "    - name: a\n       labels: {}\n",
        "    - name: |\n        a\n",
        "    - name: a\n      vars:\n    - name: b\n",
        "    - {labels: {a: b}}\n",
        "    - name: a # c: d\n      vars: {a:1}\n",
        "    - {name: a, transport: {credentials: [{key: ''}]}}\n",
        "    - {name: a, transport: {port: 99999}}\n",
        "    - {name: a, transport: []}\n",
        "    - {name: a, transport: [ssh, root]}\n",
        "    - {name: a, transport: {become: [root]}}\n",
        "    - name: a\n---\nkind: Node\n",
        "    - name: a: b\n",
    ] {
        let yaml = file(nodes);
        assert_eq!(short(&yaml), None, "{yaml}");
    }
    // A list of that name elsewhere is none of ours.
    for yaml in [
        "apiVersion: windlass.dev/v1\nkind: Inventory\nmetadata:\n  description: |\n    spec:\n      nodes:\n        - x\nspec: {}\n",
        "apiVersion: windlass.dev/v1\nkind: Inventory\nspec:\n  groups:\n    - name: g\n      nodes:\n        - x\n",
        "kind: Plan\nspec:\n  nodes:\n    - x\n",
    ] {
        assert_eq!(short(yaml), None, "{yaml}");
    }
}

/// Pieces of which lists are made, well-formed and not.
fn piece() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "name",
        "labels",
        "vars",
        "a",
        "web01",
        "5",
        "0644",
        "1.5",
        "true",
        "null",
        "~",
        "x y",
        "'q'",
        "\"d\"",
        "it's",
        "{a: b}",
        "[1, b]",
        "{a: {b: [c]}}",
        "{}",
        "[]",
        "http://h:1/p",
        "a:b",
        "a: b",
        "#c",
        "- x",
        "-5",
        "&x",
        "*x",
        "%a",
        "@b",
        "|",
        ">",
        "10.0.0.1",
        "2001:db8::1",
        "é",
        "'é'",
        "[a",
        "b}",
        "'",
        "\"",
        "<<",
        "!t",
        "a #b",
        "1e3",
        "0x1f",
        "+1",
        ".5",
        "_a",
        "/p",
        "a,b",
        "[ssh, root]",
        "{use: local}",
        "{user: '', port: 22}",
        "{become: [root]}",
        "{jump: [a, {name: b}]}",
        "{credentials: [agent, {key: k}]}",
    ];
    prop::sample::select(WORDS).prop_map(str::to_owned)
}

fn entry() -> impl Strategy<Value = String> {
    const KEYS: &[&str] = &[
        "name",
        "labels",
        "vars",
        "groups",
        "addresses",
        "parent",
        "roles",
        "active",
        "facts",
        "transport",
        "x",
    ];
    let key = prop::sample::select(KEYS);
    let pair = (key, piece()).prop_map(|(key, value)| (key.to_owned(), value));
    let pairs = prop::collection::vec(pair, 0..4);
    (piece(), pairs, any::<bool>(), 0_usize..3).prop_map(|(name, pairs, is_flow, deeper)| {
        let mut fields = vec![format!("name: {name}")];
        fields.extend(pairs.into_iter().map(|(key, value)| format!("{key}: {value}")));
        match is_flow {
            true => format!("    - {{{}}}\n", fields.join(", ")),
            false => format!("    - {}\n", fields.join(&format!("\n{:width$}", "", width = 5 + deeper))),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_the_short_way_reads_the_long_way_reads_alike(entries in prop::collection::vec(entry(), 1..4)) {
        let yaml = file(&entries.concat());
        if let Some(nodes) = short(&yaml) {
            prop_assert_eq!(Some(nodes), long(&yaml), "{}", yaml);
        }
    }
}
