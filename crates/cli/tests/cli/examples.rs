//! The examples are what people copy, so each must be valid, preview, rehearse well and be told apart.

use crate::harness::{Place, root};

/// What an example needs to be run.
fn args(name: &str) -> Vec<&'static str> {
    match name {
        "rolling-patch" => vec!["-p", "release=1.4"],
        "maintenance" => vec!["--stepset", "enter"],
        _ => vec![],
    }
}

#[test]
fn every_example_is_valid_and_rehearses_well() {
    let place = Place::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        seen += 1;
        let name = path.file_stem().unwrap().to_str().unwrap();
        let file = path.to_str().unwrap();
        let ended = place.run(&["validate", file]).exits(0).shows(&["ok", name]);
        assert_eq!(ended.err, "", "nothing to warn of");
        let with = |command: &str| {
            let mut all = vec![command, file];
            all.extend(args(name));
            place.run(&all)
        };
        with("preview").exits(0).shows(&[name, "worst case"]);
        with("rehearse").exits(0).shows(&["nothing was touched", "Would be touched"]);
    }
    assert!(seen >= 5, "{seen}");
}
