//! Secrets at rest: sealed with a key of their run, which lies apart from the store and goes with the run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use windlass_model::event::{Command, Verdict};
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_runtime::{Condition, Error, Handle, KeyPlace, Options, Retry, Runtime, SecretsError, TakeOver};
use windlass_store::faulty::{Fault, FaultyStore};
use windlass_store::{Range, Store};

use crate::stage::{Play, World, ann, chain, end, fjall, plan, request};

const SECRET: &str = "c4n4ry-in-the-mine";

/// A run that holds in its first action, and looks in its second whether it has its secret, which does
/// not stand in the plan.
const SPEC: &str = "  params: {password: {type: secret, required: true}}
  blocks: [{name: b, sequences: [{name: s, actions: [
    {name: held, use: act.again},
    {name: check, use: command, with: {argv: [test, '{{ params.password }}', '=', \"{{ 'c4n4ry-in' ~ '-the-mine' }}\"]}}]}]}]";

struct Home {
    dir: tempfile::TempDir,
    world: World,
}

impl Home {
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap(), world: World::default() };
        home.world.plays("b/s/held", [Play::Gate("go")]);
        home
    }

    fn keys(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    fn key(&self, run: RunId) -> PathBuf {
        self.keys().join(format!("{run}.key"))
    }

    fn key_count(&self) -> usize {
        fs::read_dir(self.keys()).map_or(0, Iterator::count)
    }

    async fn open(&self) -> Runtime {
        self.open_with(Arc::new(fjall(self.dir.path())), TakeOver::Everything).await
    }

    async fn open_with(&self, store: Arc<dyn Store>, take_over: TakeOver) -> Runtime {
        let keys = KeyPlace::Directory(self.keys());
        self.world.runtime_with(store, Options { keys, take_over, ..Options::default() }).await
    }

    /// Runs that hold, and whose process has ended.
    async fn left_behind(&self, count: usize) -> Vec<RunId> {
        let runtime = self.open().await;
        let mut runs = Vec::new();
        for n in 1..=count {
            runs.push(submit(&runtime.handle()).await);
            self.world.begun("b/s/held", n).await;
        }
        runtime.shutdown(Duration::ZERO).await.unwrap();
        runs
    }
}

async fn submit(handle: &Handle) -> RunId {
    handle.submit(request(plan(SPEC)).param("password", SECRET).starting()).await.unwrap()
}

/// What the whole store holds, as bytes.
async fn holds(store: &dyn Store, text: &str) -> bool {
    let entries = store.range(Range::all()).await.unwrap();
    entries.iter().any(|entry| entry.value.windows(text.len()).any(|part| part == text.as_bytes()))
}

#[tokio::test]
async fn w36_a_secret_lies_sealed_in_the_store_and_its_key_goes_with_the_run() {
    let home = Home::new();
    let store: Arc<dyn Store> = Arc::new(fjall(home.dir.path()));
    let runtime = home.open_with(Arc::clone(&store), TakeOver::Everything).await;
    let handle = runtime.handle();
    let run = submit(&handle).await;
    home.world.begun("b/s/held", 1).await;
    let sealed = store.range(Range::prefix("sealed/")).await.unwrap();
    assert_eq!(sealed.len(), 1);
    assert!(!holds(&*store, SECRET).await);
    assert_eq!(fs::metadata(home.key(run)).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(home.keys()).unwrap().permissions().mode() & 0o777, 0o700);

    home.world.open("go");
    let view = end(&handle, run).await;
    assert_eq!(view.status, RunStatus::Succeeded, "{:?}", view.reason);
    // Who is told of the end can rely on it.
    assert_eq!(home.key_count(), 0);
    assert!(store.range(Range::prefix("sealed/")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_without_secrets_makes_no_key() {
    let home = Home::new();
    let runtime = home.open().await;
    let run = runtime.handle().submit(request(chain("act", &["a"])).starting()).await.unwrap();
    end(&runtime.handle(), run).await;
    assert!(!home.keys().exists());
}

#[tokio::test]
async fn what_a_sensitive_action_answers_is_sealed_too_and_survives() {
    let home = Home::new();
    home.world.plays("b/s/asks", [Play::Answer(serde_json::json!({"token": SECRET}))]);
    let spec = "  blocks: [{name: b, sequences: [{name: s, actions: [
    {name: asks, use: act, sensitive: true, save: {token: token}},
    {name: held, use: act.again},
    {name: check, use: command, with: {argv: [test, '{{ store.token }}', '=', \"{{ 'c4n4ry-in' ~ '-the-mine' }}\"]}}]}]}]";
    let store: Arc<dyn Store> = Arc::new(fjall(home.dir.path()));
    let runtime = home.open_with(Arc::clone(&store), TakeOver::Everything).await;
    let run = runtime.handle().submit(request(plan(spec)).starting()).await.unwrap();
    home.world.begun("b/s/held", 1).await;
    assert!(!holds(&*store, SECRET).await);
    runtime.shutdown(Duration::ZERO).await.unwrap();
    drop(store);
    home.world.open("go");
    let runtime = home.open().await;
    let view = end(&runtime.handle(), run).await;
    assert_eq!(view.status, RunStatus::Succeeded, "{:?}", view.reason);
    assert_eq!(home.key_count(), 0);
}

#[tokio::test]
async fn a_lost_key_stops_its_own_run_only_until_it_is_back() {
    let home = Home::new();
    let runs = home.left_behind(2).await;
    let (lost, other) = (runs[0], runs[1]);
    let aside = home.dir.path().join("aside");
    fs::rename(home.key(lost), &aside).unwrap();
    home.world.open("go");

    let runtime = home.open().await;
    let handle = runtime.handle();
    assert_eq!(runtime.taken_over().runs, [other]);
    let left = &runtime.taken_over().sealed[0];
    assert_eq!((left.run, runtime.taken_over().sealed.len()), (lost, 1));
    assert!(matches!(left.why, SecretsError::NoKey { .. }));
    assert_eq!(end(&handle, other).await.status, RunStatus::Succeeded);
    assert!(matches!(handle.status(lost).await.unwrap().condition, Condition::Sealed { .. }));
    for error in [
        handle.wait(lost).await.unwrap_err(),
        handle.stop(lost, ann()).await.unwrap_err(),
        handle.resolve(lost, "b/s/held", Verdict::Done, ann()).await.unwrap_err(),
    ] {
        assert_eq!(error.code().as_str(), "WL-0312", "{error}");
        assert!(error.to_string().contains(&home.key(lost).display().to_string()), "{error}");
    }
    runtime.shutdown(Duration::ZERO).await.unwrap();

    fs::rename(&aside, home.key(lost)).unwrap();
    let runtime = home.open().await;
    assert_eq!(end(&runtime.handle(), lost).await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_run_whose_key_is_lost_is_given_up_and_retried_with_its_secrets_given_again() {
    let home = Home::new();
    home.world.open("go");
    home.world.plays("b/s/held", [Play::Gate("never")]);
    for take_over in [TakeOver::Everything, TakeOver::Only(Vec::new())] {
        home.world.lock().made.clear();
        home.world.plays("b/s/held", [Play::Gate("never")]);
        let run = home.left_behind(1).await[0];
        fs::remove_file(home.key(run)).unwrap();
        home.world.plays("b/s/held", [Play::Good]);
        let store: Arc<dyn Store> = Arc::new(fjall(home.dir.path()));
        let runtime = home.open_with(Arc::clone(&store), take_over.clone()).await;
        let handle = runtime.handle();
        match handle.kill(run, ann()).await {
            // Nobody drives it here: so it is written down.
            Err(Error::NotDriven(_)) => {
                let input = windlass_engine::Input::Command { command: Command::Kill, by: ann() };
                handle.record(run, input).await.unwrap();
            }
            taken => taken.unwrap(),
        }
        let view = handle.wait(run).await.unwrap();
        assert_eq!(view.status, RunStatus::Stopped);
        assert_eq!(view.reason.unwrap().message, "given up by ann");
        assert!(matches!(view.condition, Condition::Resting));
        assert!(store.range(Range::prefix("sealed/")).await.unwrap().is_empty());
        assert!(store.range(Range::prefix("open/")).await.unwrap().is_empty());

        let retry = handle.retry(run, Retry::FromFailure).await.unwrap().param("password", SECRET);
        let again = handle.submit(retry.starting()).await.unwrap();
        let view = end(&handle, again).await;
        assert_eq!(view.status, RunStatus::Succeeded, "{:?}", view.reason);
        assert_eq!(home.key_count(), 0);
        runtime.shutdown(Duration::ZERO).await.unwrap();
    }
}

#[tokio::test]
async fn a_foreign_key_and_a_changed_value_are_told_from_a_lost_one() {
    let home = Home::new();
    let runs = home.left_behind(2).await;
    // The key of the one under the name of the other, and once more with its name written into it.
    let (one, two) = (runs[0], runs[1]);
    let text = fs::read_to_string(home.key(one)).unwrap();
    for (text, expect) in [
        (text.clone(), format!("it is the key of run {one}")),
        (text.replace(&one.to_string(), &two.to_string()), "does not open `password`".to_owned()),
    ] {
        fs::write(home.key(two), text).unwrap();
        let runtime = home.open().await;
        assert_eq!(runtime.taken_over().runs, [one]);
        let left = &runtime.taken_over().sealed[0];
        assert!(left.run == two && left.why.to_string().contains(&expect), "{left:?}");
        runtime.shutdown(Duration::ZERO).await.unwrap();
    }
}

#[tokio::test]
async fn keys_that_a_crash_left_behind_are_removed() {
    let home = Home::new();
    let runtime = home.open().await;
    let run = submit(&runtime.handle()).await;
    home.world.begun("b/s/held", 1).await;
    let text = fs::read(home.key(run)).unwrap();
    home.world.open("go");
    end(&runtime.handle(), run).await;
    runtime.shutdown(Duration::ZERO).await.unwrap();
    // As after a death right behind the run's end, and right before a run's beginning.
    let never = RunId(uuid::Uuid::from_u128(1));
    for run in [run, never] {
        fs::write(home.key(run), &text).unwrap();
    }
    home.open_with(Arc::new(fjall(home.dir.path())), TakeOver::Only(Vec::new())).await;
    assert_eq!(home.key_count(), 0);
}

#[tokio::test]
async fn a_run_that_is_not_taken_in_leaves_no_key() {
    let home = Home::new();
    let store = FaultyStore::new(fjall(home.dir.path())).with(Fault::Permanent(1));
    let options = Options {
        keys: KeyPlace::Directory(home.keys()),
        storage_patience: Duration::ZERO,
        ..Options::default()
    };
    let runtime = home.world.runtime_with(Arc::new(store), options).await;
    let request = request(plan(SPEC)).param("password", SECRET).starting();
    assert!(matches!(runtime.handle().submit(request).await.unwrap_err(), Error::Store(_)));
    assert_eq!(home.key_count(), 0);
}

#[tokio::test]
async fn a_key_that_cannot_be_written_refuses_the_run() {
    let home = Home::new();
    let runtime = home.open().await;
    fs::write(home.keys(), "no directory").unwrap();
    let request = request(plan(SPEC)).param("password", SECRET).starting();
    let error = runtime.handle().submit(request).await.unwrap_err();
    assert_eq!(error.code().as_str(), "WL-0407", "{error}");
    assert!(runtime.handle().list(1, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn secrets_that_an_earlier_version_left_in_clear_are_read() {
    let home = Home::new();
    copy(Path::new("tests/scenarios/store-with-clear-secrets"), home.dir.path());
    let run: RunId = "01a1f9dd-8b6a-775e-ac77-433da2f3746b".parse().unwrap();
    let store: Arc<dyn Store> = Arc::new(fjall(home.dir.path()));
    let clear = store.range(Range::prefix("sealed/")).await.unwrap();
    assert_eq!(clear.len(), 3);
    assert!(clear.iter().any(|entry| entry.value == SECRET));
    let options =
        Options { keys: KeyPlace::Directory(home.keys()), recovery_limit: None, ..Options::default() };
    let runtime = home.world.runtime_with(Arc::clone(&store), options).await;
    let handle = runtime.handle();
    assert_eq!(runtime.taken_over().runs, [run]);
    // Its last action looks whether both are what they were: the one that was given, and the one that came up.
    handle.resolve(run, "b/s/ask", Verdict::Done, ann()).await.unwrap();
    let view = end(&handle, run).await;
    assert_eq!(view.status, RunStatus::Succeeded, "{:?}", view.reason);
    assert!(store.range(Range::prefix("sealed/")).await.unwrap().is_empty());
    assert_eq!(home.key_count(), 0);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}
