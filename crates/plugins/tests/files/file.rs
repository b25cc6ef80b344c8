//! `file`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::process::Command;

use rustix::fs::XattrFlags;
use serde_json::json;
use windlass_plugin::testkit::Trial;
use windlass_plugin::{Severity, Would};
use windlass_plugins::files::file::File;

use crate::ground::{Ground, as_ordinary_user, chmod, is_root, mode, skipped};

#[tokio::test]
async fn writes_what_it_is_told() {
    let ground = Ground::new();
    let trial = ground.trial(File);
    let path = ground.at("motd");
    let diff =
        ground.settle(&trial, json!({"path": path, "content": "a\nb\n", "mode": "0640", "diff": true})).await;
    insta::assert_snapshot!(diff, @r"
    --- /dev/null
    +++ $/motd
    @@ -0,0 +1,2 @@
    +a
    +b
    mode: 0640
    ");
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("a\nb\n", 0o640));
    let diff =
        ground.settle(&trial, json!({"path": path, "content": "a\nc\n", "mode": "0644", "diff": true})).await;
    insta::assert_snapshot!(diff, @r"
    --- $/motd
    +++ $/motd
    @@ -1,2 +1,2 @@
     a
    -b
    +c
    mode: 0640 -> 0644
    ");
    let diff = ground.settle(&trial, json!({"path": path, "mode": "0600"})).await;
    assert_eq!(diff, "$/motd: mode: 0644 -> 0600\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a\nc\n", "without content it keeps what it has");
    assert_eq!(
        ground.settle(&trial, json!({"path": ground.at("empty")})).await,
        "$/empty: absent -> empty\n"
    );
    assert_eq!(mode(ground.at("empty")), 0o644);
}

#[tokio::test]
async fn keeps_owner_and_mode_where_none_are_given() {
    let ground = Ground::new();
    let path = ground.write("key", "old");
    chmod(&path, 0o604);
    if is_root() {
        std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
    }
    rustix::fs::setxattr(&path, "user.windlass.test", b"kept", XattrFlags::empty()).unwrap();
    let before = fs::metadata(&path).unwrap();
    ground.settle(&ground.trial(File), json!({"path": path, "content": "new"})).await;
    let after = fs::metadata(&path).unwrap();
    assert_eq!((after.uid(), after.gid(), mode(&path)), (before.uid(), before.gid(), 0o604));
    assert_ne!(after.ino(), before.ino(), "it was replaced, not written into");
    let mut kept = [0; 16];
    let length = rustix::fs::getxattr(&path, "user.windlass.test", &mut kept[..]).unwrap();
    assert_eq!(&kept[..length], b"kept");
}

#[tokio::test]
async fn gives_it_to_whom_it_is_told() {
    if !is_root() {
        return skipped("gives_it_to_whom_it_is_told", "only root gives files away");
    }
    let ground = Ground::new();
    let path = ground.at("f");
    let trial = ground.trial(File);
    let diff = ground
        .settle(
            &trial,
            json!({"path": path, "content": "x", "owner": "daemon", "group": "tty", "mode": "4750"}),
        )
        .await;
    assert!(diff.ends_with("owner: daemon\ngroup: tty\nmode: 4750\n"), "{diff}");
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.gid(), mode(&path)), (1, 5, 0o4750));
    let diff = ground.settle(&trial, json!({"path": path, "owner": 4711})).await;
    assert_eq!(diff, "$/f: owner: daemon -> 4711\n");
    let refused = ground.refused(&trial, json!({"path": path, "owner": "no-such-user"})).await;
    assert_eq!(refused, ("unknownUser".into(), "there is no user `no-such-user`".into()));
    let foresight = trial.noop(json!({"path": path, "group": "no-such-group"})).await.unwrap();
    assert_eq!(foresight.would, Would::Unknown);
    assert_eq!(foresight.why.unwrap(), "there is no group `no-such-group`; a step before may change that");
}

#[tokio::test]
async fn shows_lines_only_where_everybody_may_read_them() {
    let ground = Ground::new();
    let trial = ground.trial(File);
    let path = ground.write("secret", "password=old\n");
    chmod(&path, 0o640);
    let request = json!({"path": path, "content": "password=new!\n", "mode": "0644"});
    let diff = ground.settle(&trial, request).await;
    assert_eq!(
        diff,
        "$/secret: content 13 bytes -> 14 bytes (not shown: not everybody may read it)\nmode: 0640 -> 0644\n"
    );
    let diff = ground.settle(&trial, json!({"path": path, "content": "now closed\n", "mode": "0600"})).await;
    assert!(!diff.contains("new!") && !diff.contains("closed"), "{diff}");
    let diff = ground.settle(&trial, json!({"path": path, "content": "\0\u{1}binary", "diff": true})).await;
    assert_eq!(diff, "$/secret: content 11 bytes -> 8 bytes\n");
}

#[tokio::test]
async fn copies_a_file_of_windlass() {
    let ground = Ground::new();
    let trial = ground.trial(File);
    ground.origin("files/app.conf", "port = 80\n");
    let path = ground.at("app.conf");
    let request = json!({"path": path, "source": "files/app.conf"});
    let diff = ground.settle(&trial, request.clone()).await;
    assert!(diff.contains("+port = 80"), "{diff}");
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    ground.origin("files/app.conf", &large);
    let diff = ground.settle(&trial, request).await;
    assert_eq!(diff, "$/app.conf: content 10 bytes -> 3000000 bytes\n");
    assert_eq!(fs::read(&path).unwrap(), large);
    let (code, message) = ground.refused(&trial, json!({"path": path, "source": "files/none"})).await;
    assert_eq!(code, "origin");
    assert!(message.contains("on the side of Windlass"), "{message}");
    let (code, _) = ground.refused(&trial, json!({"path": path, "source": "files"})).await;
    assert_eq!(code, "request");
}

#[tokio::test]
async fn keeps_a_backup_when_asked() {
    let ground = Ground::new();
    let trial = ground.trial(File);
    let path = ground.write("conf/app.conf", "old");
    chmod(&path, 0o600);
    let request = json!({"path": path, "content": "new", "backup": true});
    let reply = trial.call(request.clone()).await.result.unwrap();
    let backup = reply.response["backup"].as_str().unwrap();
    assert!(backup.starts_with(&format!("{}.2", path.display())) && backup.ends_with("Z.bak"), "{backup}");
    assert_eq!((fs::read_to_string(backup).unwrap().as_str(), mode(backup)), ("old", 0o600));
    let again = trial.call(request).await.result.unwrap();
    assert!(again.response.get("backup").is_none(), "nothing was changed, so nothing is kept");
    let third = trial.call(json!({"path": path, "content": "newer", "backup": true})).await.result.unwrap();
    assert_ne!(third.response["backup"].as_str(), Some(backup));
    assert_eq!(ground.names("conf").len(), 3);
}

#[tokio::test]
async fn lets_a_program_judge_before_it_is_in_place() {
    let ground = Ground::new();
    let trial = ground.trial(File);
    let path = ground.write("sudoers", "good\n");
    let judge = json!([
        "/bin/sh",
        "-c",
        "echo looking; grep -q good \"$1\" || { echo line 1 is bad >&2; exit 3; }",
        "sh",
        "%s"
    ]);
    let request =
        |content: &str| json!({"path": path, "content": content, "validate": judge, "mode": "0644"});
    let (code, message) = ground.refused_but_dir(&trial, request("bad\n")).await;
    assert_eq!(code, "validate");
    assert_eq!(
        message,
        "`/bin/sh` did not accept the new content, so nothing was changed (exit code 3: line 1 is bad)"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "good\n");
    assert_eq!(ground.names(""), ["sudoers"], "nothing is left beside it");
    ground.settle(&trial, request("good too\n")).await;
    let wrong =
        trial.validate(&json!({"path": path, "content": "", "validate": ["visudo", "-c"]})).unwrap_err();
    assert_eq!(wrong, ["`validate`: `%s` stands in none of its arguments; put it where the path belongs"]);
}

#[tokio::test]
async fn replaces_no_link_that_nobody_meant() {
    let ground = Ground::new();
    let trial = ground.trial(File);
    let real = ground.write("real", "r");
    let path = ground.at("link");
    symlink(&real, &path).unwrap();
    let request = json!({"path": path, "content": "new"});
    let (code, message) = ground.refused(&trial, request.clone()).await;
    assert_eq!(code, "link");
    assert_eq!(
        message,
        "`$/link` is a symbolic link to `$/real`; say `follow: true` to work on what it leads to, or give that path"
    );
    let mut following = request.clone();
    following["follow"] = true.into();
    ground.settle(&trial, following).await;
    assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    let mut forcing = json!({"path": path, "content": "mine"});
    forcing["force"] = true.into();
    let diff = ground.settle(&trial, forcing).await;
    assert!(diff.starts_with("$/link: a symbolic link -> a file\n"), "{diff}");
    assert_eq!(
        (fs::read_to_string(&real).unwrap(), fs::read_to_string(&path).unwrap()),
        ("new".into(), "mine".into())
    );
}

#[tokio::test]
async fn says_what_stands_in_its_way() {
    let ground = Ground::new();
    let trial = ground.trial(File);
    fs::create_dir(ground.at("dir")).unwrap();
    ground.write("file", "");
    for (path, code, says) in [
        ("dir", "isADirectory", "`$/dir` is a directory"),
        ("none/f", "noParent", "the directory `$/none` does not exist"),
        ("file/f", "notADirectory", "`$/file` is no directory"),
    ] {
        let request = json!({"path": ground.at(path), "content": "x", "force": true});
        assert_eq!(ground.refused(&trial, request).await, (code.to_owned(), says.to_owned()), "{path}");
    }
    let long = "x".repeat(300);
    assert_eq!(ground.refused(&trial, json!({"path": ground.at(&long), "content": ""})).await.0, "tooLong");
    let foresight = trial.noop(json!({"path": ground.at("none/f"), "content": "x"})).await.unwrap();
    assert_eq!(foresight.would, Would::Unknown, "a step before may make the directory");
    let pipe = ground.at("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    assert_eq!(ground.refused(&trial, json!({"path": pipe, "content": "x"})).await.0, "inTheWay");
    ground.settle(&trial, json!({"path": pipe, "content": "x", "force": true})).await;
}

#[test]
fn an_ordinary_user_is_told_what_it_may_not() {
    as_ordinary_user(|ground| async move {
        let trial = ground.trial(File);
        ground.settle(&trial, json!({"path": ground.at("own"), "content": "x", "mode": "0600"})).await;
        fs::create_dir(ground.at("closed")).unwrap();
        chmod(ground.at("closed"), 0o555);
        let (code, message) =
            ground.refused(&trial, json!({"path": ground.at("closed/f"), "content": "x"})).await;
        assert_eq!(code, "notPermitted");
        assert!(message.contains("cannot write to `$/closed/f`: the user `"), "{message}");
        let giving = json!({"path": ground.at("own"), "owner": "root"});
        assert_eq!(ground.refused(&trial, giving).await.0, "notPermitted");
        // What belongs to somebody else does not quietly become ours.
        let theirs = "/etc/passwd";
        let request = json!({"path": theirs, "content": "mine"});
        assert_eq!(Trial::of(File).call(request).await.result.unwrap_err().code, "notPermitted");
        chmod(ground.at("closed"), 0o755);
    });
}

#[tokio::test]
async fn a_full_disk_leaves_the_old_file() {
    let ground = Ground::new();
    let full = ground.at("full");
    fs::create_dir(&full).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "none"]).arg(&full).status();
    if !is_root() || !mounted.is_ok_and(|status| status.success()) {
        return skipped("a_full_disk_leaves_the_old_file", "no small file system can be mounted");
    }
    let path = full.join("f");
    fs::write(&path, "old").unwrap();
    let error = ground
        .trial(File)
        .call(json!({"path": path, "content": "x".repeat(1 << 20)}))
        .await
        .result
        .unwrap_err();
    let read_only = Command::new("mount").args(["-o", "remount,ro"]).arg(&full).status().unwrap();
    let sealed = ground.trial(File).call(json!({"path": path, "content": "new"})).await.result.unwrap_err();
    let (left, content) = (ground.names("full"), fs::read_to_string(&path).unwrap());
    assert!(Command::new("umount").arg(&full).status().unwrap().success());
    assert_eq!((error.code.as_str(), error.permanent), ("noSpace", false));
    assert!(read_only.success());
    assert_eq!((sealed.code.as_str(), sealed.permanent), ("readOnly", true));
    assert_eq!((left, content.as_str()), (vec!["f".to_owned()], "old"));
}

#[test]
fn a_process_that_is_killed_on_the_way_leaves_the_old_file() {
    const NAME: &str = "a_process_that_is_killed_on_the_way_leaves_the_old_file";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Some(path) = std::env::var_os("WINDLASS_TEST_KILLED_AT") {
        // The file is written and judged, and has not taken its place: the judge kills us.
        let killing = json!({"path": path.to_str(), "content": "new", "mode": "0644", "validate": ["/bin/sh", "-c", "kill -9 $PPID # %s"]});
        runtime.block_on(Trial::of(File).call(killing)).result.unwrap();
        return;
    }
    let ground = Ground::new();
    let path = ground.write("f", "old");
    let killed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("file::{NAME}"), "--nocapture"])
        .env("WINDLASS_TEST_KILLED_AT", &path)
        .output()
        .unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.status), Some(9), "{killed:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(ground.names("").len(), 2, "what was written lies beside it");
    runtime.block_on(async {
        ground.settle(&ground.trial(File), json!({"path": path, "content": "new"})).await;
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(ground.names(""), ["f"], "the next one sweeps up");
}

#[tokio::test]
async fn what_somebody_else_writes_meanwhile_is_not_lost() {
    let ground = Ground::new();
    let path = ground.write("f", "old");
    let meddle = json!(["/bin/sh", "-c", "echo theirs > \"$1\" # %s", "sh", path]);
    let request = json!({"path": path, "content": "ours", "validate": meddle});
    let error = ground.trial(File).call(request).await.result.unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("changed", false));
    assert_eq!(fs::read_to_string(&path).unwrap(), "theirs\n");
    assert_eq!(ground.names(""), ["f"]);
}

#[tokio::test]
async fn ends_when_told_to_and_leaves_nothing() {
    let ground = Ground::new();
    let path = ground.write("f", "old");
    let request = json!({"path": path, "content": "new", "validate": ["/bin/sh", "-c", "echo judging; exec sleep 600 # %s"]});
    let mut underway = ground.trial(File).start(request);
    assert!(underway.line_with("judging").await.is_some());
    underway.cancel(Severity::Term);
    assert_eq!(underway.end().await.result.unwrap_err().code, "cancelled");
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), ground.names("").len()), ("old", 1));
}

#[test]
fn says_what_is_wrong_with_a_request() {
    let check = |request| Trial::of(File).validate(&request).unwrap_err().join("\n");
    assert_eq!(check(json!({"path": "motd"})), "`path`: `motd` is not absolute; begin it with `/`");
    assert_eq!(check(json!({"path": "/"})), "`path`: `/` does not end in a name");
    assert_eq!(
        check(json!({"path": "/f", "content": "", "source": "f"})),
        "`content`, `source` and `template` exclude each other"
    );
    let symbolic = check(json!({"path": "/f", "mode": "u+x"}));
    assert!(symbolic.contains("octal digits in quotes") && symbolic.contains("symbolic"), "{symbolic}");
    let number = check(json!({"path": "/f", "mode": 644}));
    assert!(number.contains("in quotes"), "{number}");
}
