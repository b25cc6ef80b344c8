//! Backups of a server that goes on, and what is made of them.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::BodyExt as _;
use proptest::prelude::*;
use serde_json::json;
use windlass_server::{BackupError, check, restore};

use super::client::{Place, open};

async fn backup(place: &Place, wanted: serde_json::Value) -> Vec<u8> {
    let answer = place.send(&place.admin, "POST", "/api/v1/backup", "application/json", Some(&wanted)).await;
    assert!(answer.status().is_success());
    answer.into_body().collect().await.unwrap().to_bytes().to_vec()
}

/// A server with a secret and a run that waits for a file.
async fn waiting(gate: &std::path::Path) -> (Place, String) {
    let place = Place::new().await;
    place
        .does(
            "PATCH",
            "/api/v1/namespaces/default/secrets/db",
            json!({"spec": {"data": {"password": "hunter2"}}}),
        )
        .await;
    let script = format!("while [ ! -e {} ]; do sleep 0.02; done; echo gone on", gate.display());
    let plan = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
        {"name": "held", "use": "shell", "onInterrupt": "rerun", "timeout": "1h", "with": {"script": script}},
        {"name": "last", "use": "shell", "with": {"script": "printf %s {{ secret('db/password') }} | grep -q '^hunter.$'"}},
    ]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", plan).await;
    let made = place.does("POST", "/api/v1/namespaces/default/runs", json!({"plan": "work"})).await;
    let run = made["run"].as_str().unwrap().to_owned();
    (place, run)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_backup_is_in_it_and_runs_go_on_from_there() {
    let gates = tempfile::tempdir().unwrap();
    let gate = gates.path().join("gate");
    let (place, run) = waiting(&gate).await;
    let (place, acknowledged, over) =
        (Arc::new(place), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let load = tokio::spawn({
        let (place, acknowledged, over) = (Arc::clone(&place), Arc::clone(&acknowledged), Arc::clone(&over));
        async move {
            for number in 1.. {
                let body = json!({"metadata": {"labels": {"n": number.to_string()}}});
                place.does("PATCH", &format!("/api/v1/nodes/n{number}"), body).await;
                acknowledged.store(number, Ordering::SeqCst);
                if over.load(Ordering::SeqCst) {
                    break;
                }
            }
        }
    });
    let mut made = Vec::new();
    while acknowledged.load(Ordering::SeqCst) < 20 {
        let before = acknowledged.load(Ordering::SeqCst);
        made.push((before, backup(&place, json!({"keys": true})).await));
    }
    let before = acknowledged.load(Ordering::SeqCst);
    made.push((before, backup(&place, json!({"keys": true})).await));
    over.store(true, Ordering::SeqCst);
    load.await.unwrap();
    let place = Arc::into_inner(place).unwrap();
    let admin = place.admin.clone();
    place.server.close(Duration::from_secs(1)).await.unwrap();
    std::fs::write(&gate, "").unwrap();

    let (before, bytes) = made.pop().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("restored");
    let (head, sum) = restore(Cursor::new(&bytes), &to).unwrap();
    assert!(head.keys && head.logs && sum.entries > before && sum.files >= 4, "{head:?} {sum:?}");
    let server = open(&to).await;
    assert_eq!(server.taken_over().runs.len(), 1, "the run goes on");
    let place = Place { directory, server, admin };
    for number in 1..=before {
        place.sees(&format!("/api/v1/nodes/n{number}")).await;
    }
    assert_eq!(place.ended(&run).await["status"], "succeeded", "its secret could be read");
    let verified = place.sees("/api/v1/audit/verify").await;
    assert_eq!(verified["whole"], json!(true), "{verified}");
    for (before, bytes) in made {
        let (_, sum) = check(Cursor::new(&bytes)).unwrap();
        assert!(sum.entries > before);
    }
}

#[tokio::test]
async fn without_the_keys_no_secret_is_in_it_and_nothing_is_written_over() {
    let gates = tempfile::tempdir().unwrap();
    let gate = gates.path().join("gate");
    let (place, _) = waiting(&gate).await;
    let bytes = backup(&place, json!({"logs": false})).await;
    std::fs::write(&gate, "").unwrap();
    let (head, sum) = check(Cursor::new(&bytes)).unwrap();
    assert!(!head.keys && !head.logs && sum.files == 0, "{head:?} {sum:?}");
    assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    let taken = place.directory.path();
    assert!(matches!(restore(Cursor::new(&bytes), taken), Err(BackupError::Exists(_))));
    let noted = place.sees("/api/v1/audit?limit=5").await.to_string();
    assert!(noted.contains("backup"), "who has a backup has everything: {noted}");
}

/// A small backup, and where it is to go.
fn small() -> (Vec<u8>, tempfile::TempDir) {
    static SMALL: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let bytes = SMALL.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { backup(&Place::new().await, json!({"keys": true})).await })
    });
    (bytes.clone(), tempfile::tempdir().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Wherever it is cut off, or changed, it is refused, and leaves nothing behind.
    #[test]
    fn what_is_not_whole_is_refused(at in 0.0..1.0_f64, change in 1_u8.., cut in any::<bool>()) {
        let (mut bytes, directory) = small();
        let at = (bytes.len() as f64 * at) as usize;
        if cut { bytes.truncate(at) } else { bytes[at] ^= change }
        let restored = restore(Cursor::new(&bytes), &directory.path().join("restored"));
        prop_assert!(restored.is_err());
        prop_assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

#[test]
fn something_behind_its_end_and_a_newer_version_are_refused() {
    let (mut bytes, directory) = small();
    let to = directory.path().join("restored");
    let whole = bytes.clone();
    bytes.push(0);
    assert!(restore(Cursor::new(&bytes), &to).unwrap_err().to_string().contains("behind its end"));
    assert!(matches!(check(Cursor::new(b"something else")), Err(BackupError::None)));
    restore(Cursor::new(&whole), &to).unwrap();
}
