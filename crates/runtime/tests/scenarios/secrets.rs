//! W36: a secret stands nowhere in clear.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use windlass_model::outcome::RunStatus;
use windlass_report::{
    HtmlOptions, JsonOptions, TextOptions, event_json, write_html, write_json, write_text,
};
use windlass_runtime::{Filter, Handle, Logs, Options, RunView};
use windlass_store::{Range, Store};

use crate::stage::{Play, World, end, fjall, log, plan, request};

const SECRET: &str = "c4n4ry-in-the-mine";

fn contains(bytes: &[u8]) -> bool {
    // Also as it stands in a URL or in a header.
    [SECRET, "YzRuNHJ5LWluLXRoZS1taW5l"]
        .iter()
        .any(|form| bytes.windows(form.len()).any(|part| part == form.as_bytes()))
}

fn search(directory: &Path, files: &mut usize) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, files);
        } else {
            *files += 1;
            assert!(!contains(&fs::read(&path).unwrap()), "the secret stands in {}", path.display());
        }
    }
}

#[tokio::test]
async fn w36_a_secret_is_in_no_log_no_report_no_output_and_no_attempt() {
    let directory = tempfile::tempdir().unwrap();
    let logs = directory.path().join("logs");
    let world = World::default();
    world.plays("b/n1/prints", [Play::Print(format!("the password is {SECRET}!"))]);
    world.plays("b/n1/answers", [Play::Answer(serde_json::json!({"token": format!("x{SECRET}x")}))]);
    world.plays("b/n1/fails", [Play::Says(format!("cannot log in with {SECRET}"))]);
    let store: Arc<dyn Store> = Arc::new(fjall(&directory.path().join("store")));
    let options = Options { logs: Logs::Files(logs.clone()), ..Options::default() };
    let runtime = world.runtime_with(Arc::clone(&store), options).await;
    let handle = runtime.handle();
    let spec = "  params: {password: {type: secret, required: true}}
  blocks: [{name: b, targets: {nodes: [n1]}, sequence: [
    {name: prints, use: act, with: {note: '{{ params.password }}'}},
    {name: answers, use: act, save: {token: token}},
    {name: uses, use: act, with: {note: 'again {{ store.token }}'}},
    {name: shows, use: shell, with: {script: 'echo \"{{ params.password }}\" >&2'}},
    {name: fails, use: act}]}]";
    let request = request(plan(spec)).param("password", SECRET).starting();
    let run = handle.submit(request).await.unwrap();
    let view = end(&handle, run).await;
    assert_eq!(view.status, RunStatus::Failed);
    assert!(view.reason.as_ref().unwrap().message.contains("«secret:password»"));
    assert!(!contains(format!("{view:?}").as_bytes()));

    // The store: once the run is over, not even in its sealed part.
    let entries = store.range(Range::all()).await.unwrap();
    assert!(entries.iter().any(|entry| entry.key.starts_with(b"log/")));
    for entry in entries {
        assert!(!contains(&entry.key) && !contains(&entry.value), "{}", entry.key.escape_ascii());
    }
    // The output of plugins.
    let mut files = 0;
    search(&logs, &mut files);
    assert_eq!(files, 2);
    let output = handle.logs(run).await.unwrap().unwrap();
    let all = fs::read_to_string(output.join("all.log")).unwrap();
    assert!(all.contains(" info out b/n1/prints#1 @n1 | the password is «secret:password»!\n"), "{all}");
    let own = fs::read_to_string(output.join("nodes/n1.log")).unwrap();
    assert!(own.lines().skip(1).all(|line| line.contains(" @n1 ") && all.contains(line)), "{own}");

    // Events, reports, lists.
    let layout = handle.layout(run).await.unwrap();
    for event in log(&handle, run).await {
        assert!(!contains(format!("{event:?}").as_bytes()));
        let json = event_json(&event, &layout, windlass_report::Clock::Wall);
        assert!(!contains(json.to_string().as_bytes()));
    }
    let fold = handle.fold(run).await.unwrap();
    let mut report = Vec::new();
    write_json(&fold, &JsonOptions::default(), &mut report).unwrap();
    write_text(&fold, &TextOptions::default(), &mut report).unwrap();
    write_html(&fold, &HtmlOptions::default(), &mut report).unwrap();
    assert!(!contains(&report));
    let filter = Filter { ids: vec![run], ..Filter::default() };
    assert!(!contains(format!("{:?}", handle.search(&filter, 1, None).await.unwrap()).as_bytes()));
    let submission = handle.submission(run).await.unwrap();
    assert!(!contains(serde_json::to_string(&submission).unwrap().as_bytes()));
}

/// Runs one sequence of these actions with the secret `password`, and looks for texts where nobody may find any.
async fn play_and_search(
    world: &World,
    actions: &str,
    never: &[&str],
) -> (Handle, RunView, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let logs = directory.path().join("logs");
    let store: Arc<dyn Store> = Arc::new(fjall(&directory.path().join("store")));
    let options = Options { logs: Logs::Files(logs.clone()), ..Options::default() };
    let handle = world.runtime_with(Arc::clone(&store), options).await.handle();
    let spec = format!(
        "  params: {{password: {{type: secret, required: true}}, dsn: {{}}}}
  blocks: [{{name: b, sequences: [{{name: s, actions: [{actions}]}}]}}]"
    );
    let dsn = format!("db://ada:{SECRET}@db01/x");
    let request = request(plan(&spec)).param("password", SECRET).param("dsn", dsn).starting();
    let run = handle.submit(request).await.unwrap();
    let view = end(&handle, run).await;
    let mut found = vec![format!("{view:?}").into_bytes()];
    for entry in store.range(Range::all()).await.unwrap() {
        found.push(entry.value.to_vec());
    }
    if let Ok(log) = fs::read(logs.join(format!("test/{run}/all.log"))) {
        found.push(log);
    }
    for text in never.iter().copied().chain([SECRET]) {
        let holds = |bytes: &Vec<u8>| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(
            !found.iter().any(holds),
            "{text} in {}",
            found.iter().find(|it| holds(it)).unwrap().escape_ascii()
        );
    }
    (handle, view, directory)
}

#[tokio::test]
async fn what_a_filter_made_of_a_secret_is_hidden_where_it_comes_back() {
    let world = World::default();
    let actions = "{name: shout, use: shell, with: {script: 'echo {{ params.password | upper }}; exit 0'}, save: {out: stdout}},
        {name: part, use: shell, with: {script: \"echo {{ params.dsn | split('@') | first }} >&2; exit 1\"}}";
    let (_, view, _home) = play_and_search(&world, actions, &["C4N4RY", "c4n4ry"]).await;
    assert!(view.reason.unwrap().message.starts_with("exit code 1: db://ada:«secret:password»"));
}

#[tokio::test]
async fn what_a_sensitive_action_says_stays_out_of_everything() {
    let world = World::default();
    let answer = serde_json::json!({"pin": 47_110_815, "list": ["fresh-token"], "short": "xy"});
    world.plays("b/s/asks", [Play::Answer(answer)]);
    world.plays("b/s/shows", [Play::Print("pin 47110815, token fresh-token".into())]);
    let actions = "{name: asks, use: act, sensitive: true, save: {pin: pin, list: list, short: short}},
        {name: prints, use: shell, sensitive: true, with: {script: 'printf loud-%s token'}},
        {name: uses, use: command, with: {argv: [test, '{{ store.pin + 1 }}{{ store.list[0] }}{{ store.short }}{{ steps.prints.response.stdout | trim }}', =, \"{{ (47110800 + 16) ~ 'fresh' ~ '-token' ~ 'x' ~ 'y' ~ 'loud' ~ '-token' }}\"]}},
        {name: shows, use: act},
        {name: fails, use: shell, sensitive: true, with: {script: 'printf dark-%s token >&2; exit 1'}}";
    let never = ["47110815", "fresh-token", "loud-token", "dark-token"];
    let (_, view, _home) = play_and_search(&world, actions, &never).await;
    let reason = view.reason.unwrap();
    assert_eq!(reason.address, "b/s/fails");
    assert_eq!(reason.message, "what it says is kept back, because the action is sensitive");
}

#[tokio::test]
async fn nobody_gets_a_secret_by_answering_with_its_token() {
    let world = World::default();
    let answer = serde_json::json!({"said": "«secret:password»", "sealed": {"$sealed": "@@1.0"}});
    world.plays("b/s/asks", [Play::Answer(answer)]);
    let actions = "{name: asks, use: act, save: {said: said, sealed: sealed}},
        {name: same, use: command, with: {argv: [test, '{{ store.said }} {{ store.sealed | tojson }}', =, '«secret:password» {\"$sealed\":\"@@1.0\"}']}}";
    let (_, view, _home) = play_and_search(&world, actions, &[]).await;
    assert_eq!(view.status, RunStatus::Succeeded, "{:?}", view.reason);
}

#[tokio::test]
async fn a_secret_names_no_node_and_no_lock() {
    let world = World::default();
    for action in
        ["{name: a, use: act, on: '{{ params.password }}'}", "{name: a, use: act, on: 'x{{ params.dsn }}'}"]
    {
        let (_, view, _home) = play_and_search(&world, action, &[]).await;
        let message = view.reason.unwrap().message;
        assert!(message.contains("a secret cannot name a node"), "{message}");
        assert!(world.made().is_empty());
    }
}

#[tokio::test]
async fn what_a_secret_was_part_of_is_given_again_to_a_retry() {
    let world = World::default();
    world.plays(
        "b/n1/asks",
        [Play::Answer(serde_json::json!({"token": "fresh-token", "url": format!("https://{SECRET}")}))],
    );
    world.plays("b/n2/asks", [Play::Permanent]);
    let (_runtime, handle) = world.alone().await;
    let spec = "  params: {password: {type: secret, required: true}, dsn: {required: true}, release: {}}
  blocks:
  - {name: b, targets: {nodes: [n1, n2]}, failures: 1, sequence: [
      {name: asks, use: act, sensitive: true, save: {token: token}},
      {name: tells, use: command, with: {argv: [echo, '{{ params.dsn }}']}, save: {line: stdout}}]}
  - {name: c, sequences: [{name: s, actions: [
      {name: line, use: command, with: {argv: [test, \"{{ targets['n1'].store.line | trim }}\", =, '{{ params.dsn }}']}},
      TOKEN
      {name: never, use: act.again}]}]}";
    let reads_token = "{name: token, use: act, with: {note: \"{{ targets['n1'].store.token }}\"}},";
    let mut runs = Vec::new();
    for token in ["", reads_token] {
        world.plays("c/s/never", [Play::Permanent]);
        let given = request(plan(&spec.replace("TOKEN", token))).param("password", SECRET);
        let given = given.param("dsn", format!("db://{SECRET}")).param("release", "«secret:password»");
        let run = handle.submit(given.starting()).await.unwrap();
        assert_eq!(end(&handle, run).await.reason.unwrap().address, "c/s/never");
        runs.push(run);
    }
    let [first, reader] = runs[..] else { panic!("{runs:?}") };

    // What came up in the old run is gone with it: whoever reads it cannot be retried.
    let refused = handle.retry(reader, windlass_runtime::Retry::FromFailure).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "WL-0311");
    assert!(refused.to_string().contains("`token` of b/n1"), "{refused}");

    let retry = handle.retry(first, windlass_runtime::Retry::FromFailure).await.unwrap();
    let release = windlass_runtime::Given::Value("«secret:password»".into());
    assert_eq!(retry.params, [("release".to_owned(), release)].into_iter().collect());
    assert!(!format!("{retry:?}").contains("fresh-token"));
    let again = retry.param("password", "another").param("dsn", "db://another");
    world.plays("c/s/never", [Play::Permanent]);
    world.plays("b/n2/asks", [Play::Answer(serde_json::json!({"token": "other"}))]);
    let second = handle.submit(again.starting()).await.unwrap();
    let reason = end(&handle, second).await.reason.unwrap();
    // What held the parameter holds the new one.
    assert_eq!(reason.address, "c/s/never", "{reason:?}");
}
