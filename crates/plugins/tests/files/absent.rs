//! `absent`.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::json;
use windlass_plugin::testkit::Trial;
use windlass_plugins::files::absent::Absent;

use crate::ground::{Ground, as_ordinary_user, chmod, is_root, skipped};

#[tokio::test]
async fn takes_away_what_is_there_and_no_more() {
    let ground = Ground::new();
    let trial = ground.trial(Absent);
    let precious = ground.write("precious/data", "keep me");
    ground.write("dir/deep/file", "12345");
    ground.write("dir/file", "1");
    symlink(ground.at("precious"), ground.at("dir/link")).unwrap();
    symlink(ground.at("precious"), ground.at("link")).unwrap();

    assert_eq!(ground.settle(&trial, json!({"path": ground.at("none")})).await, "");
    assert_eq!(ground.settle(&trial, json!({"path": ground.at("none/below")})).await, "");
    assert_eq!(
        ground.settle(&trial, json!({"path": ground.at("link")})).await,
        "$/link: a symbolic link -> absent\n"
    );
    let refused = ground.refused(&trial, json!({"path": ground.at("dir")})).await;
    assert_eq!(refused.0, "notEmpty");
    assert!(refused.1.ends_with("say `recursive: true` to remove all that is in it"), "{}", refused.1);
    let diff = ground.settle(&trial, json!({"path": ground.at("dir"), "recursive": true})).await;
    let length = ground.at("precious").as_os_str().len() + 6;
    assert_eq!(diff, format!("$/dir: a directory with 4 entries of {length} bytes -> absent\n"));
    assert_eq!(fs::read_to_string(precious).unwrap(), "keep me", "links are not followed");
    assert_eq!(ground.names(""), ["precious"]);
}

#[tokio::test]
async fn takes_away_what_a_pattern_stands_for() {
    let ground = Ground::new();
    let trial = ground.trial(Absent);
    for name in ["a.log", "b.log", "c.txt", ".hidden.log", "dir/d.log"] {
        ground.write(name, "x");
    }
    ground.write("outside/secret.log", "x");
    symlink(ground.at("outside"), ground.at("sly")).unwrap();
    let glob = |text: &str| json!({"glob": ground.at(text)});
    let diff = ground.settle(&trial, glob("*.log")).await;
    assert_eq!(diff, "$/a.log: a file of 1 bytes -> absent\n$/b.log: a file of 1 bytes -> absent\n");
    assert_eq!(ground.names(""), [".hidden.log", "c.txt", "dir", "outside", "sly"]);
    // A link behind the first pattern leads nowhere, so nobody can lead us to what is theirs to lose.
    ground.settle(&trial, glob("s*/*.log")).await;
    assert_eq!(ground.names("outside"), ["secret.log"]);
    ground.settle(&trial, glob("[d]ir/?.log")).await;
    assert_eq!(ground.names("dir"), Vec::<String>::new());
}

#[test]
fn refuses_what_holds_a_system_together() {
    let says = |request| Trial::of(Absent).validate(&request).unwrap_err().join("\n");
    for path in ["/", "//", "/etc", "/etc/", "/usr/lib", "/var/log", "/home"] {
        let refused = says(json!({"path": path, "recursive": true}));
        assert!(refused.ends_with("is part of the system and is not removed"), "{refused}");
    }
    assert!(says(json!({"path": "/tmp/x/../../etc", "recursive": true})).contains("`..`"));
    assert!(says(json!({"path": "etc"})).contains("not absolute"));
    assert!(says(json!({"glob": "/etc/../*"})).contains("`..`"));
    assert_eq!(says(json!({})), "one of `path` and `glob` is needed");
}

#[tokio::test]
async fn refuses_the_system_behind_patterns_and_links() {
    // Nothing is removed before all that a pattern stands for has been looked at.
    let error = Trial::of(Absent).noop(json!({"glob": "/[e]tc", "recursive": true})).await.unwrap_err();
    assert_eq!(error.code, "protected");
    let ground = Ground::new();
    symlink("/", ground.at("root")).unwrap();
    let through = json!({"path": ground.at("root/etc"), "recursive": true});
    assert_eq!(Trial::of(Absent).noop(through).await.unwrap_err().code, "protected");
}

#[tokio::test]
async fn leaves_what_is_mounted() {
    let ground = Ground::new();
    fs::create_dir_all(ground.at("dir/mounted")).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(ground.at("dir/mounted")).status();
    if !is_root() || !mounted.is_ok_and(|status| status.success()) {
        return skipped("leaves_what_is_mounted", "nothing can be mounted");
    }
    let trial = ground.trial(Absent);
    let within = trial.call(json!({"path": ground.at("dir"), "recursive": true})).await.result.unwrap_err();
    let itself =
        trial.call(json!({"path": ground.at("dir/mounted"), "recursive": true})).await.result.unwrap_err();
    assert!(Command::new("umount").arg(ground.at("dir/mounted")).status().unwrap().success());
    assert_eq!((within.code.as_str(), itself.code.as_str()), ("mounted", "mounted"));
}

#[test]
fn an_ordinary_user_is_told_what_it_may_not() {
    as_ordinary_user(|ground| async move {
        ground.write("dir/f", "x");
        chmod(ground.at("dir"), 0o555);
        let refused = ground.refused(&ground.trial(Absent), json!({"path": ground.at("dir/f")})).await;
        assert_eq!(refused.0, "notPermitted");
        assert!(refused.1.contains("cannot remove `$/dir/f`"), "{}", refused.1);
        chmod(ground.at("dir"), 0o755);
    });
}
