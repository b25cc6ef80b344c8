//! Data directories that cannot be used: every one is named, with a code, and nothing is lost.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::harness::{Place, skip};

const SMALL: &str = "  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: noop}]}]}]\n";

#[test]
fn looking_makes_no_data_directory() {
    let place = Place::new();
    for args in [&["runs", "list"][..], &["runs", "stop"], &["runs", "retry"], &["recover"]] {
        place.run(args).exits(2).says(&["WL-0301", "does not exist"]);
        assert!(!place.data().exists(), "{args:?}");
    }
}

#[test]
fn looking_makes_no_store_in_a_directory_of_something_else() {
    let place = Place::new();
    std::fs::create_dir(place.data()).unwrap();
    std::fs::write(place.data().join("letter"), "dear").unwrap();
    for args in [&["runs", "list"][..], &["runs", "retry"], &["recover"]] {
        place.run(args).exits(2).says(&["WL-0301", "it holds no store"]);
        assert_eq!(std::fs::read_dir(place.data()).unwrap().count(), 1, "{args:?}");
    }
}

#[test]
fn whoever_lets_others_read_is_warned() {
    let place = Place::new();
    let plan = place.plan("small", SMALL);
    let run = || place.run(&["run", plan.to_str().unwrap()]).exits(0).err;
    let warning = format!("`chmod 700 {}`", place.data().display());
    assert!(!run().contains(&warning), "one that we make is readable by its owner only");
    std::fs::set_permissions(place.data(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let err = run();
    assert!(err.contains(&warning), "{err}");
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let place = Place::new();
    let plan = place.plan("small", SMALL);
    place.run(&["run", plan.to_str().unwrap()]).exits(0);
    std::fs::write(place.data().join("FORMAT"), "windlass-store 99 ready\n").unwrap();
    for args in [&["run", plan.to_str().unwrap()][..], &["runs", "list"], &["recover"]] {
        place.run(args).exits(5).says(&["WL-0402", "99"]);
    }
}

#[test]
fn a_store_that_somebody_silent_has_is_locked() {
    let place = Place::new();
    let plan = place.plan("small", SMALL);
    place.run(&["run", plan.to_str().unwrap()]).exits(0);
    let lock = std::fs::File::open(place.data().join("LOCK")).unwrap();
    lock.lock().unwrap();
    for args in [&["run", plan.to_str().unwrap()][..], &["runs", "list"], &["recover"]] {
        place.run(args).exits(5).says(&["WL-0401", "in use by"]);
    }
    drop(lock);
    place.run(&["runs", "list"]).exits(0);
}

#[test]
fn a_damaged_store_is_named() {
    let place = Place::new();
    let plan = place.plan("small", SMALL);
    place.run(&["run", plan.to_str().unwrap()]).exits(0);
    std::fs::write(place.data().join("FORMAT"), "nonsense").unwrap();
    place.run(&["runs", "list"]).exits(5).says(&["WL-0405"]);
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    if rustix::process::getuid().is_root() {
        // Root may write everywhere but where nobody can: in a file system of the kernel's own.
        let place = Place::new();
        let plan = place.plan("small", SMALL);
        let ended = place.run(&["run", plan.to_str().unwrap(), "--data-dir", "/proc/windlass"]).exits(5);
        ended.says(&["WL-04", "/proc/windlass"]);
        return;
    }
    let place = Place::new();
    let plan = place.plan("small", SMALL);
    std::fs::create_dir(place.data()).unwrap();
    std::fs::set_permissions(place.data(), std::fs::Permissions::from_mode(0o500)).unwrap();
    place.run(&["run", plan.to_str().unwrap()]).exits(5).says(&["WL-0404"]);
}

#[test]
fn a_data_directory_that_is_a_file_is_named() {
    let place = Place::new();
    let plan = place.plan("small", SMALL);
    let file = place.file("data-file", "");
    let file = file.to_str().unwrap();
    for args in [&["run", plan.to_str().unwrap()][..], &["runs", "list"], &["runs", "retry"], &["recover"]] {
        let ended = place.run(&[args, &["--data-dir", file]].concat()).exits(5);
        ended.says(&["WL-0407", "data-file is a file"]);
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_is_lost() {
    let place = Place::new();
    let disk = place.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let disk_text = disk.to_str().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk_text]).status();
    if !mounted.is_ok_and(|status| status.success()) {
        skip("a_full_disk_is_named_and_nothing_is_lost", "cannot mount a small file system here");
        return;
    }
    let plan = place.plan("small", SMALL);
    let ended = place.run(&["run", plan.to_str().unwrap(), "--data-dir", disk_text]);
    assert!(Command::new("umount").arg(&disk).status().unwrap().success());
    ended.exits(5).says(&["WL-0403"]);
}
