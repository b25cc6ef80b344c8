//! Each warning: where it is due, and where it is not.

use windlass_model::fact::{Catalog, PluginFacts, PluginKind, Recovery};

use crate::load;

fn catalog() -> Catalog {
    let safe =
        PluginFacts { recovery: Recovery::Idempotent, ..PluginFacts::plain("safe", PluginKind::Acting) };
    [PluginFacts::plain("go", PluginKind::Acting), PluginFacts::plain("look", PluginKind::Check), safe]
        .into_iter()
        .collect()
}

/// The warnings of a plan of this spec, `code pointer`.
fn check(spec: &str, expect: &[&str]) {
    let spec: String = spec.trim_end().lines().map(|line| format!("  {line}\n")).collect();
    let text = format!("apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {{name: p}}\nspec:\n{spec}");
    let loaded = load("p", &text, &catalog()).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let warnings = loaded[0].warnings.iter();
    let found: Vec<String> = warnings.map(|found| format!("{} {}", found.code, found.pointer)).collect();
    assert_eq!(found, expect, "\n{text}");
}

/// One block over ten nodes with these keys beside its action.
fn block(keys: &str, action: &str) -> String {
    format!(
        "blocks:\n- name: b\n  targets: {{nodes: ['n[0-9]']}}\n  {keys}\n  sequence: [{{name: a, use: go, {action}}}]\n"
    )
}

#[test]
fn what_nothing_reads() {
    let with = |params: &str, script: &str| {
        format!("{params}\n{}", block("", &format!("with: {{x: \"{script}\"}}")))
    };
    let unread = ["WL-0701 /spec/params/p"];
    check(&with("params: {p: {}}", "p params"), &unread);
    check(&with("params: {p: {}}", "{{ vars.p | default(1) }}"), &unread);
    for reads in [
        "{{ params.p }}",
        "{{ params['p'] }}",
        "{{ params | tojson }}",
        "{% for k in params %}{{ k }}{% endfor %}",
    ] {
        check(&with("params: {p: {}}", reads), &[]);
    }
    check(&format!("params: {{p: {{}}}}\n{}", block("", "when: params.p == 'x'")), &[]);
    check(
        "params: {p: {type: list}}\nblocks: [{name: b, targets: {nodes: ['{{ params.p }}']}, sequence: [{name: a, use: go}]}]",
        &[],
    );
    check(&with("vars: {v: 1, w: '{{ vars.v }}'}", "x"), &["WL-0702 /spec/vars/w"]);
    check(
        "blocks: [{name: b, sequences: [{name: s, vars: {v: 1}, actions: [{name: a, use: go}]}]}]",
        &["WL-0702 /spec/blocks/0/sequences/0/vars/v"],
    );
    check(&block("", "save: {v: x}"), &["WL-0703 /spec/blocks/0/sequence/0/save/v"]);
    for reads in [
        "{{ store.v | default('') }}",
        "{{ store['v'] | default('') }}",
        "{{ targets['n1'].store.v }}",
        "{{ targets | tojson }}",
    ] {
        let later = format!(
            "{}- {{name: c, sequences: [{{name: s, actions: [{{name: a, use: go, with: {{x: \"{reads}\"}}}}]}}]}}\n",
            block("", "save: {v: x}")
        );
        check(&later, &[]);
    }
}

#[test]
fn what_has_no_effect() {
    for (keys, action, expect) in [
        ("", "backoff: fast", "backoff"),
        ("", "backoff: thirtySeconds, retries: 3, deadline: 20s", "retries"),
        ("", "undo: {use: go}", "undo"),
    ] {
        let pointer = format!("WL-0704 /spec/blocks/0/sequence/0/{expect}");
        check(&block(keys, action), &[&pointer]);
    }
    for (keys, expect) in
        [("soak: 1m", "soak"), ("checks: {every: 5s}", "checks/every"), ("onFailure: undo", "onFailure")]
    {
        let pointer = format!("WL-0704 /spec/blocks/0/{expect}");
        check(&block(keys, ""), &[&pointer]);
    }
    for fine in
        ["backoff: fast, retries: 1", "backoff: thirtySeconds, retries: 3, deadline: 25s", "onInterrupt: ask"]
    {
        check(&block("", fine), &[]);
    }
    check(&block("onFailure: undo", "undo: {use: go}"), &[]);
    check(
        &block("{soak: 1m, batches: [1]}".trim_matches(['{', '}']).replace(", ", "\n  ").as_str(), ""),
        &[],
    );
    check(&block("soak: 1m\n  canary: 1", ""), &[]);
    check(
        &block("", "undo: {use: go, backoff: fast}").replace("  targets", "  onFailure: undo\n  targets"),
        &["WL-0704 /spec/blocks/0/sequence/0/undo/backoff"],
    );
}

#[test]
fn what_a_crash_does_not_ask() {
    let with = |action: &str| format!("blocks: [{{name: b, sequences: [{{name: s, actions: [{action}]}}]}}]");
    let said = ["WL-0704 /spec/blocks/0/sequences/0/actions/0/onInterrupt"];
    check(&with("{name: a, use: safe, onInterrupt: ask}"), &said);
    check(&with("{name: a, use: safe, onInterrupt: fail}"), &said);
    check(&with("{name: a, use: safe, onInterrupt: rerun}"), &[]);
    check(&with("{name: a, use: go, onInterrupt: ask}"), &[]);
    check(
        &format!(
            "checks: {{pre: [{{name: c, use: look, onInterrupt: ask}}]}}\n{}",
            with("{name: a, use: go}")
        ),
        &["WL-0704 /spec/checks/pre/0/onInterrupt"],
    );
}

#[test]
fn deferred_batches_that_fail_what_has_failed() {
    let with = |when: &str| {
        format!(
            "{}deferred: [{{name: d, when: {when}, failPlan: true, actions: [{{name: x, use: go}}]}}]",
            block("", "")
        )
    };
    check(&with("failure"), &["WL-0704 /spec/deferred/0/failPlan"]);
    check(&with("always"), &[]);
}

#[test]
fn timeouts_beyond_the_deadline() {
    check(&block("", "timeout: 5m, deadline: 1m"), &["WL-0705 /spec/blocks/0/sequence/0/timeout"]);
    check(&block("", "timeout: 1m, deadline: 1m"), &[]);
    check(&block("", "deadline: 1s"), &[]);
}

#[test]
fn limits_and_exclusions() {
    for (keys, expect) in
        [("failures: 10", "failures"), ("canary: 10", "canary"), ("maxPer: {rack: 1}", "maxPer/rack")]
    {
        let pointer = format!("WL-0706 /spec/blocks/0/{expect}");
        check(&block(keys, ""), &[&pointer]);
    }
    for fine in ["failures: 9", "failures: unlimited", "failures: 100%", "canary: 9", "concurrency: 50"] {
        check(&block(fine, ""), &[]);
    }
    let labelled = "blocks: [{name: b, targets: {nodes: [{name: n, labels: {rack: r1}}, m]}, maxPer: {rack: 1}, sequence: [{name: a, use: go}]}]";
    check(labelled, &[]);
    let excluding = "blocks: [{name: b, targets: {nodes: [n, m], excludeNodes: [m, 'x*']}, sequence: [{name: a, use: go}]}]";
    check(excluding, &["WL-0707 /spec/blocks/0/targets/excludeNodes/1"]);
    // Nobody knows how many there will be.
    let unknown = "params: {p: {type: list}}\nblocks: [{name: b, targets: {nodes: ['{{ params.p }}']}, failures: 99, sequence: [{name: a, use: go}]}]";
    check(unknown, &[]);
}

#[test]
fn late_targets_are_said_to_be_resolved_at_once() {
    check(&block("resolve: late", ""), &[]);
    check(&block("resolve: submit", ""), &[]);
}
