//! W36: a secret stands nowhere in clear.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use windlass_model::outcome::RunStatus;
use windlass_report::{
    HtmlOptions, JsonOptions, TextOptions, event_json, write_html, write_json, write_text,
};
use windlass_runtime::{Filter, Logs, Options};
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
    assert!(all.contains("b/n1/prints out | the password is «secret:password»!"), "{all}");
    assert_eq!(fs::read_to_string(output.join("nodes/n1.log")).unwrap(), all);

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
