//! W21, W27 with real processes: killed at random moments, again and again, and the end is the same.
//!
//! Each round is a program that is started, killed with SIGKILL after a random while, and started
//! again, until it gets to its end. Two hundred kills in all; in CI and anywhere.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass_model::event::What;
use windlass_model::id::RunId;
use windlass_model::outcome::{Failure, RunStatus, Status};
use windlass_runtime::{Handle, Options, Runtime, TakeOver};
use windlass_store_fjall::FjallStore;

use crate::counter;

const STORE: &str = "WINDLASS_TEST_STORE";
const NOTES: &str = "WINDLASS_TEST_NOTES";
const KILLS: u32 = 200;
/// Bounded, so that a slow machine fails nobody: fewer kills are as true.
const LONGEST: Duration = Duration::from_secs(80);

/// Chance of our own, so that a failing round can be had again.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Not a test but the process that is killed, when it is told so; this program is started for it once more.
#[test]
fn process() {
    if let (Some(store), Some(notes)) = (std::env::var_os(STORE), std::env::var_os(NOTES)) {
        counter::count(store.as_ref(), notes.as_ref());
    }
}

/// Runs the program; kills it after a while, if it takes so long. Whether it got to its end.
fn round(store: &Path, notes: &Path, kill_after: Option<Duration>) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "rounds::process", "--nocapture", "--quiet"])
        .env(STORE, store)
        .env(NOTES, notes)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let killer = kill_after.map(|after| {
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        std::thread::spawn(move || {
            // tidy-allow: sleep: the moment of death is what is tried: some time, and then the end
            std::thread::sleep(after);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        })
    });
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    // The process is still there, dead or not, until it is waited for: its id is nobody else's.
    if let Some(killer) = killer {
        killer.join().unwrap();
    }
    let status = child.wait().unwrap();
    assert!(status.success() || status.code().is_none(), "it failed by itself: {status}");
    said.contains(counter::DONE)
}

#[test]
fn w21_w27_killed_at_random_moments_two_hundred_times() {
    let began = Instant::now();
    let seed = std::env::var("WINDLASS_SEED").map_or(0x5eed_1234, |seed| seed.parse().unwrap());
    let mut draw = Draw(seed);
    let (mut kills, mut ends) = (0, 0);
    while kills < KILLS && began.elapsed() < LONGEST {
        let directory = tempfile::tempdir().unwrap();
        let (store, notes) = (directory.path().join("store"), directory.path().join("notes"));
        // How long it takes when nobody interferes is not known: the moments find it out themselves.
        let mut longest = 20_000;
        loop {
            let after = Duration::from_micros(draw.next() % longest);
            if round(&store, &notes, Some(after)) {
                break;
            }
            kills += 1;
            longest += 3_000;
        }
        ends += 1;
        check(&store, &notes);
    }
    println!("{kills} kills, {ends} ends, {:?}, seed {seed}", began.elapsed());
    assert!(kills >= KILLS / 4, "only {kills} kills in {:?}", began.elapsed());
}

/// What must be so however often it was killed.
fn check(store: &Path, notes: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = FjallStore::open(store, windlass_store_fjall::Options::default()).unwrap();
        let registry = windlass_plugins::standard().unwrap();
        let options = Options { take_over: TakeOver::Only(Vec::new()), ..Options::default() };
        let runtime = Runtime::open(Arc::new(store), registry, options).await.unwrap();
        let handle = runtime.handle();
        let noted = noted(notes);
        let runs = handle.list(100, None).await.unwrap();
        assert_eq!(runs.len(), 3);
        for view in runs {
            assert_eq!(view.status, RunStatus::Failed);
            assert_eq!(view.reason.as_ref().unwrap().address, "bad/m3/e");
            check_run(&handle, view.id, &noted).await;
        }
    });
}

async fn check_run(handle: &Handle, run: RunId, noted: &BTreeMap<(String, String), Vec<String>>) {
    let fold = handle.fold(run).await.unwrap();
    let layout = fold.layout();
    let status = |address: &str| fold.element(layout.find(address).unwrap()).status;
    for n in 1..=6 {
        assert_eq!(status(&format!("many/n{n}/b")), Status::Succeeded);
    }
    assert_eq!(status("bad/m1/c!undo"), Status::Succeeded);
    assert_eq!(status("bad/m2/e"), Status::Failed);
    // The limit: one failure is allowed, the second ends the block.
    assert_eq!(status("bad/m4"), Status::Pending);
    assert_eq!(status("deferred/tell/mail"), Status::Succeeded);

    let mut stream = handle.events(run, 1).await.unwrap();
    let (mut began, mut real_failures) = (BTreeMap::<String, Vec<bool>>::new(), 0);
    let mut ended = Vec::new();
    while let Some(event) = stream.next().await {
        match &event.unwrap().what {
            What::AttemptBegan { element, .. } => {
                let address = layout.address(*element);
                assert!(!ended.contains(&address), "{address} began again after its end");
                began.entry(address).or_default().push(false);
            }
            What::AttemptEnded { element, end, .. } => {
                let interrupted = end.failure.as_ref().is_some_and(|it| it.code == Failure::INTERRUPTED);
                real_failures += usize::from(end.failure.is_some() && !interrupted);
                let attempts = began.get_mut(&layout.address(*element)).unwrap();
                *attempts.last_mut().unwrap() = interrupted;
            }
            What::ActionEnded { element, .. } => ended.push(layout.address(*element)),
            _ => {}
        }
    }
    // Two nodes fail, each after one retry; an interruption costs none.
    assert_eq!(real_failures, 4);
    for (address, attempts) in &began {
        let done = noted.get(&(run.to_string(), address.clone())).map_or(&[][..], Vec::as_slice);
        // Nothing is done that was not written down before, and nothing that was not interrupted is done twice.
        assert!(done.len() <= attempts.len(), "{address}: {done:?} of {attempts:?}");
        let finished = attempts.iter().filter(|interrupted| !**interrupted).count();
        assert!(done.len() >= finished, "{address}: {done:?} of {attempts:?}");
    }
    let known: Vec<&String> =
        noted.keys().filter(|(of, _)| *of == run.to_string()).map(|(_, address)| address).collect();
    assert!(known.iter().all(|address| began.contains_key(*address)), "{known:?}");
}

/// The numbers of the attempts that began, by run and address.
fn noted(notes: &Path) -> BTreeMap<(String, String), Vec<String>> {
    let mut noted: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for line in std::fs::read_to_string(notes).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "begins" {
            noted.entry((words[1].to_owned(), words[2].to_owned())).or_default().push(words[3].to_owned());
        }
    }
    noted
}
