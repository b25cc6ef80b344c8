//! `directory`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use windlass_plugin::origin::{OriginFiles, OriginParts, OriginSink};
use windlass_plugin::testkit::Trial;
use windlass_plugin::{BoxFuture, CallError, Origin, OriginEntry};
use windlass_plugins::FilesHere;
use windlass_plugins::files::directory::Directory;

use crate::ground::{Ground, as_ordinary_user, chmod, is_root, mode};

#[tokio::test]
async fn makes_a_directory_and_those_above_it() {
    let ground = Ground::new();
    let trial = ground.trial(Directory);
    let diff = ground.settle(&trial, json!({"path": ground.at("a/b/c"), "mode": "0750"})).await;
    assert_eq!(
        diff,
        "$/a: absent -> a directory\n$/a/b: absent -> a directory\n$/a/b/c: absent -> a directory\n$/a/b/c: mode: 0750\n"
    );
    assert_eq!((mode(ground.at("a")), mode(ground.at("a/b/c"))), (0o755, 0o750));
    assert_eq!(ground.settle(&trial, json!({"path": ground.at("a/b/c")})).await, "");
    assert_eq!(
        ground.settle(&trial, json!({"path": ground.at("a/b/c"), "mode": "0700"})).await,
        "$/a/b/c: mode: 0750 -> 0700\n"
    );
    let refused = ground.refused(&trial, json!({"path": ground.at("x/y"), "parents": false})).await;
    assert_eq!(refused, ("noParent".into(), "the directory `$/x` does not exist".into()));
}

#[tokio::test]
async fn what_is_in_the_way_goes_only_by_force() {
    let ground = Ground::new();
    let trial = ground.trial(Directory);
    let file = ground.write("file", "x");
    fs::create_dir(ground.at("real")).unwrap();
    symlink("real", ground.at("link")).unwrap();
    assert_eq!(
        ground.refused(&trial, json!({"path": file})).await,
        ("inTheWay".into(), "`$/file` is a file; say `force: true` to replace it".into())
    );
    ground.settle(&trial, json!({"path": file, "force": true})).await;
    assert_eq!(ground.refused(&trial, json!({"path": ground.at("link")})).await.0, "link");
    ground.settle(&trial, json!({"path": ground.at("link"), "follow": true, "mode": "0711"})).await;
    assert_eq!(mode(ground.at("real")), 0o711);
    assert_eq!(
        ground.refused(&trial, json!({"path": ground.at("file/../real/x/y"), "parents": false})).await.0,
        "noParent"
    );
}

#[tokio::test]
async fn copies_a_directory_of_windlass() {
    let ground = Ground::new();
    let trial = ground.trial(Directory);
    let script = ground.origin("site/bin/run", "#!/bin/sh\n");
    chmod(script, 0o755);
    chmod(ground.origin("site/index.html", "hello"), 0o644);
    let large: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    ground.origin("site/data/large", &large);
    let link = ground.origin("site/x", "").with_file_name("latest");
    symlink("data/large", link).unwrap();
    let request = json!({"path": ground.at("www"), "source": "site", "directoryMode": "0751"});
    let diff = ground.settle(&trial, request.clone()).await;
    insta::assert_snapshot!(diff, @r"
    $/www: absent -> a directory
    $/www/bin: absent -> a directory
    $/www/bin/run: absent -> 10 bytes
    $/www/data: absent -> a directory
    $/www/data/large: absent -> 200000 bytes
    $/www/index.html: absent -> 5 bytes
    $/www/latest: absent -> a symbolic link to data/large
    $/www/x: absent -> 0 bytes
    ");
    assert_eq!(fs::read(ground.at("www/latest")).unwrap(), large);
    assert_eq!((mode(ground.at("www/bin/run")), mode(ground.at("www/bin"))), (0o755, 0o751));

    // Somebody meddles: only what differs is made the same.
    let kept = fs::metadata(ground.at("www/data/large")).unwrap().ino();
    ground.write("www/index.html", "hacked!");
    chmod(ground.at("www/bin/run"), 0o777);
    ground.write("www/bin/extra", "mine");
    let diff = ground.settle(&trial, request).await;
    assert_eq!(diff, "$/www/bin/run: mode: 0777 -> 0755\n$/www/index.html: 7 bytes -> 5 bytes\n");
    assert_eq!(fs::metadata(ground.at("www/data/large")).unwrap().ino(), kept);
    assert_eq!(ground.names("www/bin"), ["extra", "run"]);
}

#[tokio::test]
async fn purges_what_is_not_in_the_source() {
    let ground = Ground::new();
    let trial = ground.trial(Directory);
    ground.origin("site/keep/a", "a");
    let precious = ground.write("precious/data", "x");
    ground.write("www/keep/a", "a");
    ground.write("www/keep/b", "b");
    ground.write("www/old/deep/c", "c");
    symlink(ground.at("precious"), ground.at("www/link")).unwrap();
    let request = json!({"path": ground.at("www"), "source": "site", "purge": true, "fileMode": "0644", "directoryMode": "0755"});
    let diff = ground.settle(&trial, request).await;
    insta::assert_snapshot!(diff, @r"
    $/www/keep/b: a file -> absent
    $/www/link: a symbolic link -> absent
    $/www/old: a directory with 2 entries of 1 bytes -> absent
    ");
    assert_eq!(fs::read_to_string(precious).unwrap(), "x");
    let alone = Trial::of(Directory).validate(&json!({"path": "/a", "purge": true})).unwrap_err();
    assert_eq!(alone, ["`purge` means nothing without `source`"]);
}

#[tokio::test]
async fn follows_no_link_below_the_directory() {
    let ground = Ground::new();
    let trial = ground.trial(Directory);
    ground.origin("site/etc/passwd", "mine");
    let outside = ground.write("outside/passwd", "theirs");
    fs::create_dir(ground.at("www")).unwrap();
    symlink(ground.at("outside"), ground.at("www/etc")).unwrap();
    let request = json!({"path": ground.at("www"), "source": "site"});
    let refused = ground.refused(&trial, request.clone()).await;
    assert_eq!(
        refused,
        ("link".into(), "`$/www/etc` is a symbolic link; say `force: true` to replace it".into())
    );
    let mut forcing = request;
    forcing["force"] = true.into();
    ground.settle(&trial, forcing).await;
    assert_eq!(fs::read_to_string(outside).unwrap(), "theirs");
    assert_eq!(fs::read_to_string(ground.at("www/etc/passwd")).unwrap(), "mine");
}

/// Counts the questions, each of which would be a round trip.
struct Counting(FilesHere, Arc<AtomicUsize>);

impl OriginFiles for Counting {
    fn list(&self, path: std::path::PathBuf) -> BoxFuture<'_, Result<Vec<OriginEntry>, CallError>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.list(path)
    }

    fn read(&self, paths: Vec<std::path::PathBuf>) -> BoxFuture<'_, Result<Box<dyn OriginParts>, CallError>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read(paths)
    }

    fn write(
        &self,
        path: std::path::PathBuf,
        mode: u32,
    ) -> BoxFuture<'_, Result<Box<dyn OriginSink>, CallError>> {
        self.0.write(path, mode)
    }
}

#[tokio::test]
async fn a_thousand_files_take_two_questions() {
    let ground = Ground::new();
    let mut root = std::path::PathBuf::new();
    for count in 0..1000 {
        let path = ground.origin(&format!("many/{}/{count}", count % 10), format!("file {count}"));
        root = path.ancestors().nth(3).unwrap().to_owned();
    }
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Origin::new(Counting(FilesHere::new(root), Arc::clone(&asked)));
    let trial = Trial::of(Directory).origin(counting);
    let reply = trial.call(json!({"path": ground.at("many"), "source": "many"})).await.result.unwrap();
    assert!(reply.changed);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(fs::read_to_string(ground.at("many/9/999")).unwrap(), "file 999");
    assert_eq!(ground.names("many/3").len(), 100);
}

#[test]
fn an_ordinary_user_copies_too() {
    as_ordinary_user(|ground| async move {
        let trial = ground.trial(Directory);
        ground.origin("site/closed/a", "a");
        // A directory that its owner may not write into gets its bits after what is in it.
        let request = json!({"path": ground.at("www"), "source": "site", "directoryMode": "0555"});
        ground.settle(&trial, request).await;
        assert_eq!(mode(ground.at("www/closed")), 0o555);
        chmod(ground.at("www/closed"), 0o755);
        let giving = json!({"path": ground.at("www"), "owner": "root"});
        let expected = if is_root() { None } else { Some("notPermitted") };
        if let Some(code) = expected {
            assert_eq!(ground.refused(&trial, giving).await.0, code);
        }
    });
}
