//! Files, folders and programs, as they lie on a disk.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the way for a test to fail")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use windlass_sources::{Options, load, load_with};

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A program of this script. It is written by another process, so that no other test that starts one holds it open.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let text = self.file(&format!("{name}.txt"), &format!("#!/bin/sh\n{script}\n"));
        let path = self.path(name);
        let copied = std::process::Command::new("cp").arg(&text).arg(&path).status().unwrap();
        assert!(copied.success());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::remove_file(text).unwrap();
        path
    }
}

fn names(paths: &[&Path]) -> Vec<String> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    let read = load(&paths).unwrap_or_else(|refused| panic!("{refused:?}"));
    read.inventory.nodes().map(|node| node.name.clone()).collect()
}

fn refused(path: &Path, options: Options) -> String {
    let refused = load_with(&[path.to_path_buf()], options).unwrap_err();
    let text = |findings: &windlass_lang::Findings| {
        let help = findings.found().iter().filter_map(|found| found.problem.help.clone());
        format!("{findings}\n{}", help.collect::<Vec<_>>().join("\n"))
    };
    refused.iter().map(text).collect::<Vec<_>>().join("\n")
}

fn ours(nodes: &str) -> String {
    format!("apiVersion: windlass.dev/v1\nkind: Inventory\nspec: {{nodes: [{nodes}]}}\n")
}

#[test]
fn a_folder_is_all_of_its_files_in_order() {
    let place = Place::new();
    place.file("inv/20-b.yaml", &ours("b1, b2"));
    place.file(
        "inv/10-a.json",
        r#"{"apiVersion": "windlass.dev/v1", "kind": "Inventory", "spec": {"nodes": ["a1"]}}"#,
    );
    place.file("inv/30/c.yml", &ours("c1"));
    for left_out in [".hidden.yaml", "20-b.yaml~", "20-b.yaml.bak", "#20-b.yaml#", "README.md", ".git/x.yaml"]
    {
        place.file(&format!("inv/{left_out}"), &ours("b1, no"));
    }
    place.program("inv/40-dynamic", "echo '{\"web\": [\"d1\"]}'");
    assert_eq!(names(&[&place.path("inv")]), ["a1", "b1", "b2", "c1", "d1"]);
    let more = place.file("more.yaml", &ours("e1"));
    assert_eq!(names(&[&more, &place.path("inv")]), ["e1", "a1", "b1", "b2", "c1", "d1"]);
    place.file("inv/50.yaml", &ours("x, b2"));
    let said = refused(&place.path("inv"), Options::default());
    assert!(said.contains("50.yaml:3:19: WL-0203 node b2: the node `b2` is defined twice"), "{said}");
    assert!(said.contains("20-b.yaml:3:20"), "{said}");
}

#[test]
fn variables_lie_beside_an_inventory_of_ansible() {
    let place = Place::new();
    let hosts = place.file("hosts", "[web]\nw1\nw2\n");
    place.file("group_vars/web.yml", "port: 80\n");
    place.file("group_vars/all/10-a.yml", "domain: example.org\n");
    place.file("host_vars/w1", "port: 81\n");
    for path in [hosts, place.0.path().to_path_buf()] {
        let read = load(&[path]).unwrap();
        let vars = |name: &str| {
            let id = read.inventory.find(name).unwrap();
            serde_json::Value::Object(read.inventory.vars(id).resolved())
        };
        assert_eq!(vars("w1"), serde_json::json!({"domain": "example.org", "port": 81}));
        assert_eq!(vars("w2"), serde_json::json!({"domain": "example.org", "port": 80}));
    }
}

#[test]
fn a_program_is_asked_for_its_list() {
    let place = Place::new();
    let program =
        place.program("cloud", "[ \"$#\" = 1 ] && echo \"{\\\"web\\\": {\\\"hosts\\\": [\\\"n$1\\\"]}}\"");
    assert_eq!(names(&[&program]), ["n--list"]);
    let own = place.program("own", &format!("cat <<'END'\n{}END", ours("o1")));
    assert_eq!(names(&[&own]), ["o1"]);
    // What may be executed and is named like a text is read.
    let text = place.file("hosts.yaml", &ours("t1"));
    fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(names(&[&text]), ["t1"]);
}

#[test]
fn what_a_program_does_wrong_is_said_with_its_own_words() {
    let place = Place::new();
    let short = Options { within: Duration::from_millis(300), ..Options::default() };
    let small = Options { most: 1 << 20, ..Options::default() };
    let cases = [
        (
            "fails",
            "echo no credentials >&2; exit 3",
            Options::default(),
            "exited with 3\nit said:\nno credentials",
        ),
        ("dies", "kill -9 $$", Options::default(), "was ended by signal 9"),
        ("silent", "exit 0", Options::default(), "printed nothing"),
        // Its child holds the output open; both go.
        (
            "hangs",
            "echo waiting for the region >&2; sleep 600 & sleep 600",
            short,
            "did not end within 300ms",
        ),
        ("floods", "yes", small, "printed more than 1 MiB"),
        ("odd", "echo 'kind: Pod'", Options::default(), "`Pod` is not a kind that an inventory has"),
        ("broken", "echo '{'", Options::default(), "WL-0102"),
    ];
    for (name, script, options, expect) in cases {
        let program = place.program(name, script);
        let said = refused(&program, options);
        assert!(said.contains(expect), "{name}: {said}");
    }
    let program = place.file("no-program", "\u{7f}ELF");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let said = refused(&program, Options::default());
    assert!(said.contains("cannot be started") && said.contains("chmod -x"), "{said}");
}

#[test]
fn what_cannot_be_read_is_said_with_everything_else_that_is_wrong() {
    let place = Place::new();
    let bad = place.file("bad.yaml", &ours("{name: a, parnt: x}"));
    let missing = place.path("missing.yaml");
    let refused = load(&[missing, bad]).unwrap_err();
    let said: Vec<String> = refused.iter().map(ToString::to_string).collect();
    assert!(said[0].contains("WL-0101") && said[0].contains("missing.yaml"), "{said:?}");
    assert!(said[1].contains("unknown key `parnt`"), "{said:?}");
    fs::create_dir(place.path("empty")).unwrap();
    let said = self::refused(&place.path("empty"), Options::default());
    assert!(said.contains("there is no inventory file in the folder"), "{said}");
    let binary = place.path("binary.yaml");
    fs::write(&binary, [0xff, 0xfe]).unwrap();
    assert!(self::refused(&binary, Options::default()).contains("UTF-16"));
}
