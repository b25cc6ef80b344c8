//! W18: every validation rule rejects, and names the object.

use super::problems;

/// A plan with this under `spec`, indented by two.
fn spec(text: &str) -> String {
    let body: String = text.lines().map(|line| format!("  {line}\n")).collect();
    format!("apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {{name: p}}\nspec:\n{body}")
}

/// One block with a sequence of these lines.
fn block(text: &str) -> String {
    let body: String = text.lines().map(|line| format!("    {line}\n")).collect();
    spec(&format!("blocks:\n  - name: b\n{body}"))
}

/// One action with these keys, in a sequence over one node.
fn action(keys: &str) -> String {
    block(&format!(
        "targets: {{nodes: [n]}}\nsequence:\n  - {{name: a, use: command, with: {{argv: [x]}}, {keys}}}"
    ))
}

const WORK: &str = "targets: {nodes: [n]}\nsequence: [{name: a, use: noop}]\n";

/// The problems without their lines.
fn check(text: &str, expect: &[&str]) {
    let found: Vec<String> = problems(text)
        .into_iter()
        .map(|problem| problem.split_once(' ').map(|(_, rest)| rest.to_owned()).unwrap_or_default())
        .collect();
    assert_eq!(found, expect, "\n{text}");
}

#[test]
fn w18_what_is_right_is_accepted() {
    check(&block(WORK), &[]);
    check(&action("timeout: 1h"), &[]);
    check(&spec("blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: noop}]}]}]"), &[]);
}

#[test]
fn w18_unknown_keys_and_wrong_types() {
    check(&block(&format!("{WORK}concurency: 5")), &["WL-0103 b"]);
    check(&action("retry: 5"), &["WL-0103 b/*/a"]);
    check(&action("undo: {use: noop, undoo: 1}"), &["WL-0103 b/*/a!undo"]);
    check(
        &action("verify: [{use: command.check, with: {argv: [x]}, nam: x}]"),
        &["WL-0103 b/*/a!verify/command.check"],
    );
    check(&spec("parms: {}\nblocks: []"), &["WL-0103"]);
    check(
        &spec(
            "params: {x: {tpye: int}}\nblocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: noop}]}]}]",
        ),
        &["WL-0103 params.x"],
    );
    check(&block(&format!("{WORK}soak: 5")), &["WL-0104 b"]);
    check(&block(&format!("{WORK}soak: 5x")), &["WL-0104 b"]);
    check(&block(&format!("{WORK}soak: -5s")), &["WL-0104 b"]);
    check(&block(&format!("{WORK}concurrency: lots")), &["WL-0104 b"]);
    check(&block(&format!("{WORK}concurrency: -1")), &["WL-0104 b"]);
    check(&block(&format!("{WORK}canary: -1")), &["WL-0104 b"]);
    check(&block(&format!("{WORK}failures: some")), &["WL-0104 b"]);
    check(&block(&format!("{WORK}failures: {{max: 1, strct: true}}")), &["WL-0103 b"]);
    check(&block(&format!("{WORK}onFailure: explode")), &["WL-0104 b"]);
    check(&block(&format!("{WORK}batches: all")), &["WL-0104 b"]);
    check(&action("retries: -1"), &["WL-0209 b/*/a"]);
    check(&action("backoff: slow"), &["WL-0104 b/*/a"]);
    check(&action("backoff: {factor: 2}"), &["WL-0105 b/*/a"]);
    check(&block("targets: n\nsequence: [{name: a, use: noop}]"), &["WL-0104 b"]);
    check(&block("targets: {nodes: [n]}\nsequence: 5"), &["WL-0104 b/*"]);
    check(&block("targets: {nodes: [n, 5]}\nsequence: [{name: a, use: noop}]"), &["WL-0104 b"]);
    check("apiVersion: windlass.dev/v1\nkind: Plan\nspec: {blocks: []}\n", &["WL-0105", "WL-0204"]);
}

#[test]
fn w18_kinds_of_documents() {
    for text in [
        "",
        "# nothing\n",
        "5",
        "a: 1",
        "apiVersion: windlass.dev/v2\nkind: Plan\n",
        "apiVersion: windlass.dev/v1\nkind: Pln\n",
        "[]",
    ] {
        check(text, &["WL-0107"]);
    }
}

#[test]
fn w18_names() {
    check(&spec("blocks: [{sequences: [{name: s, actions: [{name: a, use: noop}]}]}]"), &["WL-0201 [0]"]);
    check(
        &spec("blocks: [{name: ' ', sequences: [{name: s, actions: [{name: a, use: noop}]}]}]"),
        &["WL-0201 [0]"],
    );
    for name in ["a b", "a/b", "a!b", "a:b", "-a", "ä", "deferred", "checks.pre"] {
        let text = format!(
            "blocks: [{{name: '{name}', sequences: [{{name: s, actions: [{{name: a, use: noop}}]}}]}}]"
        );
        check(&spec(&text), &[format!("WL-0202 {name}").as_str()]);
    }
    check(&block("sequences: [{actions: [{name: a, use: noop}]}]"), &["WL-0201 b/[0]"]);
    check(&block("sequences: [{name: s, actions: [{use: noop}]}]"), &["WL-0201 b/s/[0]"]);
    check(&block("sequences: [{name: s, actions: [{name: a!b, use: noop}]}]"), &["WL-0202 b/s/a!b"]);
    check(
        &block(
            "sequences:\n  - {name: s, actions: [{name: a, use: noop}]}\n  - {name: s, actions: [{name: a, use: noop}]}",
        ),
        &["WL-0203 b/s"],
    );
    check(
        &block(&format!("{WORK}checks: {{pre: [{{use: command.check, with: {{argv: [x]}}}}]}}")),
        &["WL-0201 b/checks.pre/[0]"],
    );
    let check_twice = "{name: c, use: command.check, with: {argv: [x]}}";
    check(
        &block(&format!("{WORK}checks: {{post: [{check_twice}, {check_twice}]}}")),
        &["WL-0203 b/checks.post/c"],
    );
    check(
        &spec(
            "stepsets: {'a b': {blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: noop}]}]}]}}",
        ),
        &["WL-0202 a b"],
    );
    check(
        &format!(
            "{}  deferred:\n    - {{name: d, actions: [{{name: m, use: noop}}]}}\n    - {{name: d, actions: [{{name: m, use: noop}}]}}\n",
            block(WORK)
        ),
        &["WL-0203 d"],
    );
    check(&action("save: {'a b': stdout}"), &["WL-0202 b/*/a"]);
    check(&action("save: {a: 'x..y'}"), &["WL-0104 b/*/a"]);
    check(&action("on: 'a b'"), &["WL-0202 b/*/a"]);
    check(&block(&format!("{WORK}maxPer: {{'': 1}}")), &["WL-0201 b"]);
    check(
        "apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {name: ''}\nspec: {blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: noop}]}]}]}\n",
        &["WL-0201"],
    );
}

#[test]
fn w18_containers() {
    check(&spec("blocks: []"), &["WL-0204"]);
    check("apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {name: p}\nspec:\n", &["WL-0104"]);
    check(&spec("stepsets: {maint: {blocks: []}}"), &["WL-0204 maint"]);
    check(&block("description: nothing"), &["WL-0204 b"]);
    check(&block("targets: {nodes: [n]}\nsequence: []"), &["WL-0204 b/*"]);
    check(&block("sequences: [{name: s, actions: []}]"), &["WL-0204 b/s"]);
    check(&block(&format!("{WORK}batches: []")), &["WL-0209 b"]);
    check(&format!("{}  deferred: [{{name: d, actions: []}}]\n", block(WORK)), &["WL-0204 deferred/d"]);
    check(&action("verifyAfter: []"), &["WL-0204 b/*/a"]);
    check(&block("targets: {nodes: []}\nsequence: [{name: a, use: noop}]"), &["WL-0218 b"]);
    check(&block("targets: {allowEmpty: true}\nsequence: [{name: a, use: noop}]"), &[]);
}

#[test]
fn w18_combinations() {
    check(&block("targets: {nodes: [n]}"), &["WL-0212 b"]);
    check(&block("sequence: [{name: a, use: noop}]"), &["WL-0212 b"]);
    check(
        &block(&format!("{WORK}sequences: [{{name: s, actions: [{{name: a, use: noop}}]}}]")),
        &["WL-0212 b"],
    );
    check(
        &block("targets: {nodes: [n]}\nsequences: [{name: s, actions: [{name: a, use: noop}]}]"),
        &["WL-0212 b"],
    );
    check(
        &block("sequences: [{name: s, actions: [{name: a, use: noop}]}]\nmaxPer: {rack: 1}"),
        &["WL-0212 b"],
    );
    check(&block("sequences: [{name: s, actions: [{name: a, use: noop}]}]\nresolve: late"), &["WL-0212 b"]);
    check(&action("verifyAfter: true"), &["WL-0212 b/*/a"]);
    check(
        &format!(
            "{}  stepsets: {{m: {{blocks: [{{name: b, sequences: [{{name: s, actions: [{{name: a, use: noop}}]}}]}}]}}}}\n",
            block(WORK)
        ),
        &["WL-0212"],
    );
    check(&action("undo: {use: noop, undo: {use: noop}}"), &["WL-0211 b/*/a!undo"]);
    let verified = "{use: command.check, with: {argv: [x]}, verify: [{use: http.check, with: {url: u}}]}";
    check(&action(&format!("verify: [{verified}]")), &["WL-0212 b/*/a!verify/command.check"]);
    check(
        &block(&format!(
            "{WORK}checks: {{pre: [{{name: c, use: http.check, with: {{url: u}}, undo: {{use: noop}}}}]}}"
        )),
        &["WL-0212 b/checks.pre/c"],
    );
}

#[test]
fn w18_plugins_and_requests() {
    check(&block("targets: {nodes: [n]}\nsequence: [{name: a, use: comand}]"), &["WL-0205 b/*/a"]);
    check(&block("targets: {nodes: [n]}\nsequence: [{name: a}]"), &["WL-0105 b/*/a"]);
    check(
        &block("targets: {nodes: [n]}\nsequence: [{name: a, use: command.check, with: {argv: [x]}}]"),
        &["WL-0207 b/*/a"],
    );
    check(&action("undo: {use: http.check, with: {url: u}}"), &["WL-0207 b/*/a!undo"]);
    check(&action("verify: [{use: noop}]"), &["WL-0208 b/*/a!verify/noop"]);
    check(&action("verifyAfter: [{use: noop}]"), &["WL-0208 b/*/a!verifyAfter/noop"]);
    check(
        &block(&format!("{WORK}checks: {{continuous: [{{name: c, use: noop}}]}}")),
        &["WL-0208 b/checks.continuous/c"],
    );
    check(
        &format!(
            "{}  deferred: [{{name: d, actions: [{{name: m, use: http.check, with: {{url: u}}}}]}}]\n",
            block(WORK)
        ),
        &["WL-0207 deferred/d/m"],
    );
    let with = |with: &str| {
        block(&format!("targets: {{nodes: [n]}}\nsequence: [{{name: a, use: command, with: {with}}}]"))
    };
    check(&with("{}"), &["WL-0206 b/*/a"]);
    check(&with("{argv: []}"), &["WL-0206 b/*/a"]);
    check(&with("{argv: [x], arg: y, timeoutCode: 256}"), &["WL-0206 b/*/a", "WL-0206 b/*/a"]);
    check(&with("{argv: [x, 5]}"), &["WL-0206 b/*/a"]);
    check(&with("[x]"), &["WL-0206 b/*/a"]);
    check(&with("{argv: '{{ node.name }}', timeoutCode: '{{ 5 }}'}"), &[]);
}

#[test]
fn w18_numbers() {
    check(&action("timeout: 0s"), &["WL-0209 b/*/a"]);
    check(&action("timeout: 31d"), &["WL-0209 b/*/a"]);
    check(&action("deadline: 0"), &["WL-0104 b/*/a"]);
    check(&action("retries: 1000001"), &["WL-0209 b/*/a"]);
    check(&action("backoff: {initial: 1s, factor: 0.5}"), &["WL-0209 b/*/a"]);
    check(&action("backoff: {initial: 1s, jitter: 1.5}"), &["WL-0209 b/*/a"]);
    check(&action("backoff: {initial: 2m, max: 1m}"), &["WL-0209 b/*/a"]);
    for wrong in [
        "concurrency: 0",
        "concurrency: 0%",
        "concurrency: 101%",
        "concurrency: 1000001",
        "batches: [0]",
        "batches: [1, 101%]",
        "failures: 101%",
        "failures: {max: 200%}",
        "failures: 1000001",
        "maxPer: {rack: 0}",
        "soak: 31d",
        "entranceDelay: 31d",
        "exitDelay: 31d",
        "checks: {every: 0s}",
    ] {
        check(&block(&format!("{WORK}{wrong}")), &["WL-0209 b"]);
    }
    check(&format!("{}  approval: {{quorum: 0}}\n", block(WORK)), &["WL-0209"]);
    check(&format!("{}  approval: {{expires: 0s}}\n", block(WORK)), &["WL-0209"]);
    check(&format!("{}  checks: {{every: 0s}}\n", block(WORK)), &["WL-0209"]);
}

#[test]
fn w18_parameters() {
    let param = |spec: &str| format!("{}  params: {{p: {spec}}}\n", block(WORK));
    for wrong in [
        "{type: int, default: x}",
        "{type: int, enum: [1, b]}",
        "{type: string, default: 1.10}",
        "{type: int, min: 5, max: 1}",
        "{type: int, min: 5, default: 1}",
        "{type: duration, min: 5}",
        "{type: bool, min: 1}",
        "{pattern: '('}",
        "{type: int, pattern: x}",
        "{pattern: '^a', default: b}",
        "{pattern: '^a', enum: [a, b]}",
        "{required: true, default: x}",
        "{type: secret, default: hunter2}",
        "{enum: [a, b], default: c}",
    ] {
        check(&param(wrong), &["WL-0214 params.p"]);
    }
    check(&param("{type: strng}"), &["WL-0104 params.p"]);
    check(&format!("{}  params: {{'a-b': {{}}}}\n", block(WORK)), &["WL-0202 params.a-b"]);
}

#[test]
fn w18_templates() {
    let shell = |script: &str| {
        block(&format!(
            "targets: {{nodes: [n]}}\nsequence:\n  - {{name: first, use: noop, save: {{v: x}}}}\n  - {{name: a, use: shell, with: {{script: \"{script}\"}}}}\n  - {{name: last, use: noop}}"
        ))
    };
    for fine in [
        "{{ node.name }}",
        "{{ facts.os }}",
        "{{ store.v }}",
        "{{ steps.first.response }}",
        "{{ steps['first'].response }}",
        "{{ targets['x'].store.y }}",
        "{{ run.id }}",
        "{{ vars.x | default('y') }}",
        "{% for x in range(3) %}{{ x }}{{ loop.index }}{% endfor %}",
        "{% if vars.x is defined %}x{% endif %}",
        "{% raw %}${#x} {{ y }}{% endraw %}",
    ] {
        check(&shell(fine), &[]);
    }
    for unknown in [
        "{{ params.release }}",
        "{{ vars.x }}",
        "{{ store.w }}",
        "{{ steps.last.response }}",
        "{{ steps.a.response }}",
        "{{ steps['nope'].response }}",
        "{{ parms.x }}",
        "x {{ params.a }} {{ node.name }}",
        "{% for x in params.list %}{{ x }}{% endfor %}",
    ] {
        check(&shell(unknown), &["WL-0210 b/*/a"]);
    }
    for broken in [
        "{{ node.name",
        "{% if x %}",
        "{{ a b }}",
        "{{ node.name | nofilter }}",
        "{{ node.name is notest }}",
        "{% include 'x' %}",
        "{{ }}",
    ] {
        check(&shell(broken), &["WL-0108 b/*/a"]);
    }
    check(&action("when: node.name =="), &["WL-0108 b/*/a"]);
    check(&action("when: params.x"), &["WL-0210 b/*/a"]);
    check(&action("when: node.name == 'n'"), &[]);
    check(&action("when: ''"), &["WL-0104 b/*/a", "WL-0108 b/*/a"]);
    check(&action("on: '{{ params.x }}'"), &["WL-0210 b/*/a"]);
    check(
        &block(
            "targets: {nodes: ['{{ params.nodes }}', '{{ node.name }}']}\nsequence: [{name: a, use: noop}]",
        ),
        &["WL-0210 b", "WL-0210 b"],
    );
    let explicit = |script: &str| {
        block(&format!(
            "sequences: [{{name: s, actions: [{{name: a, use: shell, with: {{script: \"{script}\"}}}}]}}]"
        ))
    };
    check(&explicit("{{ node.name }}"), &["WL-0210 b/s/a"]);
    let before = |url: &str| {
        block(&format!("{WORK}checks: {{pre: [{{name: c, use: http.check, with: {{url: \"{url}\"}}}}]}}"))
    };
    check(&before("{{ node.name }}"), &["WL-0210 b/checks.pre/c"]);
    check(&before("{{ steps.a.response }}"), &["WL-0210 b/checks.pre/c"]);
    check(&before("{{ run.id }}"), &[]);
}

#[test]
fn a_lock_is_named_by_what_does_not_change_while_its_sequence_runs() {
    let template = |lock: &str| {
        let node = "targets: {nodes: [{name: n, labels: {rack: r}}]}";
        block(&format!("{node}\nsequence: {{lock: \"{lock}\", actions: [{{name: a, use: noop}}]}}"))
    };
    let explicit = |lock: &str| {
        block(&format!("sequences: [{{name: s, lock: \"{lock}\", actions: [{{name: a, use: noop}}]}}]"))
    };
    check(&template("rack-{{ node.labels.rack }}"), &[]);
    check(&template("{{ run.plan }}-{{ facts.os | default('x') }}"), &[]);
    check(&template("{{ store.shard | default('x') }}"), &["WL-0210 b/*"]);
    check(&template("{{ targets['x'].store.y }}"), &["WL-0210 b/*"]);
    check(&explicit("{{ run.user }}"), &[]);
    check(&explicit("{{ steps.a.response }}"), &["WL-0210 b/s"]);
}
