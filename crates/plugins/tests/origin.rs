//! Files of Windlass's side, read and written as an action does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use windlass_plugin::OriginKind;
use windlass_plugins::FilesHere;

#[tokio::test]
async fn lists_a_tree_in_order_and_reads_many_files_at_once() {
    let there = tempfile::tempdir().unwrap();
    let long = vec![7_u8; 200_000];
    fs::create_dir_all(there.path().join("site/b")).unwrap();
    fs::write(there.path().join("site/b/long"), &long).unwrap();
    fs::write(there.path().join("site/a"), "").unwrap();
    std::os::unix::fs::symlink("a", there.path().join("site/link")).unwrap();
    let origin = FilesHere::origin(there.path());

    let listed = origin.list("site").await.unwrap();
    let shown: Vec<_> = listed.iter().map(|entry| (entry.path.to_str().unwrap(), entry.len)).collect();
    assert_eq!(shown, [("", 0), ("a", 0), ("b", 0), ("b/long", 200_000), ("link", 0)]);
    assert_eq!(listed[4].kind, OriginKind::Link("a".into()));

    let mut parts = origin.read(vec!["site/a".into(), "site/b/long".into()]).await.unwrap();
    let (mut files, mut ends) = ([Vec::new(), Vec::new()], 0);
    while let Some(part) = parts.next().await.unwrap() {
        files[part.file].extend(part.bytes);
        ends += usize::from(part.last);
    }
    assert_eq!(ends, 2);
    assert!(files[0].is_empty());
    assert_eq!(files[1], long);
}

#[tokio::test]
async fn a_file_takes_the_place_of_an_older_one_only_when_it_is_whole() {
    let there = tempfile::tempdir().unwrap();
    let path: PathBuf = there.path().join("deep/report");
    let origin = FilesHere::origin(there.path());
    let mut sink = origin.write("deep/report", 0o600).await.unwrap();
    sink.put(b"half".to_vec()).await.unwrap();
    drop(sink);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);

    let mut sink = origin.write("deep/report", 0o600).await.unwrap();
    sink.put(b"whole".to_vec()).await.unwrap();
    sink.finish().await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn says_which_file_of_which_side_is_missing() {
    let there = tempfile::tempdir().unwrap();
    let error = FilesHere::origin(there.path()).read_whole("nothing").await.unwrap_err();
    assert!(error.permanent);
    assert!(error.message.contains("nothing` on the side of Windlass"), "{}", error.message);
}
