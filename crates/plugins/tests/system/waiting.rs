//! The waits, and the checks that look at the machine.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;
use windlass_plugin::testkit::Trial;
use windlass_plugin::{Severity, Would};
use windlass_plugins::system::disk_free::DiskFree;
use windlass_plugins::system::load::Load;
use windlass_plugins::system::wait::{WaitCommand, WaitFile, WaitHttp, WaitPort};
use windlass_plugins::system::wait_login::WaitLogin;

use crate::{done, failed, text, would};

#[tokio::test]
async fn a_file_that_appears_ends_the_wait() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flag");
    let request = json!({"path": path, "every": "10ms"});
    let wait = Trial::of(WaitFile::default());
    let foresight = would(&wait, &request).await;
    assert_eq!(foresight.would, Would::Unknown);
    assert!(foresight.why.unwrap().starts_with("it would wait: "));
    let mut underway = wait.start(request.clone());
    underway.line_with("not yet: ").await.unwrap();
    fs::write(&path, "x").unwrap();
    let reply = underway.end().await.result.unwrap();
    assert!(!reply.changed && reply.response["looks"].as_u64().unwrap() >= 2);
    assert_eq!(reply.response["found"], json!({"exists": true, "size": 1}));
    assert_eq!(would(&wait, &request).await.would, Would::Nothing);
}

#[tokio::test]
async fn a_wait_in_vain_says_what_the_last_look_found() {
    let wait = Trial::of(WaitCommand::default());
    let request = json!({"argv": ["sh", "-c", "echo almost >&2; exit 3"], "atMost": "50ms", "every": "10ms"});
    let tried = wait.call(request).await;
    assert_eq!(text(&tried), "not yet: exit code 3: almost\n", "the same reason is said once");
    let error = tried.result.unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("notYet", false));
    assert!(
        error.message.starts_with("not so within 50ms (") && error.message.ends_with("exit code 3: almost"),
        "{error}"
    );
    assert_eq!(error.response.unwrap()["exitCode"], 3);
    let error = failed(&wait, &json!({"argv": ["no-such-program"], "atMost": "1h"})).await;
    assert_eq!(error.code, "notFound", "what cannot become so is not waited for");
}

#[tokio::test]
async fn a_look_that_hangs_is_ended_and_so_is_a_wait_that_is_told_to() {
    let wait = Trial::of(WaitCommand::default());
    let error = failed(&wait, &json!({"argv": ["sleep", "600"], "atMost": "20ms"})).await;
    assert_eq!(error.code, "notYet");
    let mut underway = wait.start(json!({"argv": ["false"], "atMost": "1h", "every": "1h"}));
    underway.line_with("not yet: exit code 1").await.unwrap();
    underway.cancel(Severity::Term);
    assert_eq!(underway.end().await.result.unwrap_err().code, "cancelled");
    let underway = wait.start(json!({"argv": ["sleep", "600"], "atMost": "1h"}));
    underway.cancel(Severity::Term);
    assert_eq!(underway.end().await.result.unwrap_err().code, "cancelled");
    // An attempt that has less time than the wait leaves itself enough to say why.
    let short = Trial::of(WaitCommand::default()).timeout(std::time::Duration::from_millis(100));
    assert!(
        failed(&short, &json!({"argv": ["false"], "atMost": "1h", "every": "10ms"}))
            .await
            .message
            .contains("exit code 1")
    );
}

#[tokio::test]
async fn ports_and_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let wait = Trial::of(WaitPort::default());
    assert_eq!(
        done(&wait, &json!({"host": "127.0.0.1", "port": port})).await.response["found"]["open"],
        true
    );
    let server = std::thread::spawn(move || {
        // Waiting for the port made one connection already; each of the others gets the next answer.
        for status in [None, Some("503 Busy"), Some("200 OK")] {
            let (mut stream, _) = listener.accept().unwrap();
            if let Some(status) = status {
                let _ = stream.read(&mut [0; 4096]);
                write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .unwrap();
            }
        }
    });
    let request = json!({"url": format!("http://127.0.0.1:{port}/"), "every": "10ms"});
    let reply = done(&Trial::of(WaitHttp::default()), &request).await;
    assert_eq!((&reply.response["looks"], &reply.response["found"]["status"]), (&json!(2), &json!(200)));
    server.join().unwrap();
    done(&wait, &json!({"host": "127.0.0.1", "port": port, "closed": true, "every": "10ms"})).await;
}

#[tokio::test]
async fn a_login_to_this_machine_needs_no_way() {
    let wait = Trial::of(WaitLogin);
    done(&wait, &json!({})).await;
    let error =
        failed(&wait, &json!({"script": "echo starting; exit 1", "atMost": "20ms", "every": "10ms"})).await;
    assert!(error.message.ends_with("the script ended with exit code 1: starting"), "{error}");
}

#[tokio::test]
async fn room_and_load() {
    let disk = Trial::of(DiskFree);
    let reply = done(&disk, &json!({"path": "/", "least": "1B", "leastFiles": "0%"})).await;
    assert!(reply.response["totalBytes"].as_u64().unwrap() > 0);
    let error = failed(&disk, &json!({"path": "/", "least": "9000000TiB"})).await;
    assert!(error.code == "check" && error.message.contains("less than 9000000TiB"), "{error}");
    assert_eq!(failed(&disk, &json!({"path": "/no/such/place", "least": "1%"})).await.code, "notFound");
    assert!(
        disk.validate(&json!({"path": "/", "least": "much"})).unwrap_err()[0].contains("neither a share")
    );
    let load = Trial::of(Load);
    let reply = done(&load, &json!({"most": 1_000_000})).await;
    assert!(reply.response["cpus"].as_u64().unwrap() > 0);
    assert!(load.validate(&json!({"most": 0, "minutes": 2})).is_err());
}
