//! Secrets from real files, programs and the environment.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the way for a test to fail, and to tell why it did not run"
)]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use windlass_plugin::{SecretError, SecretProvider};
use windlass_secrets::SecretsFile;

fn file(directory: &Path, secrets: &str) -> SecretsFile {
    parse(directory, secrets).unwrap()
}

fn parse(directory: &Path, secrets: &str) -> Result<SecretsFile, windlass_secrets::FileError> {
    let text = format!("apiVersion: windlass.dev/v1\nkind: Secrets\nsecrets:\n{secrets}");
    SecretsFile::parse(&directory.join("secrets.yaml"), &text)
}

async fn had(secrets: &SecretsFile, name: &str) -> String {
    secrets.resolve(name).await.unwrap().expose().to_owned()
}

async fn why(secrets: &SecretsFile, name: &str) -> String {
    secrets.resolve(name).await.unwrap_err().to_string()
}

fn script(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn p24_secrets_come_from_files_and_programs_as_list_and_as_text() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("pw"), "from a file\r\n").unwrap();
    script(dir.path(), "give", "printf '%s %s\\n' \"$1\" \"$2\"");
    let secrets = file(
        dir.path(),
        "  file: {file: pw}
  list: {program: [./give, 'with space', \"$HOME `x`\"]}
  text: {program: ./give two words}
  env: {env: PATH}
",
    );
    assert_eq!(secrets.names(), ["env", "file", "list", "text"]);
    assert_eq!(had(&secrets, "file").await, "from a file");
    assert_eq!(had(&secrets, "list").await, "with space $HOME `x`");
    assert_eq!(had(&secrets, "text").await, "two words");
    assert_eq!(had(&secrets, "env").await, std::env::var("PATH").unwrap());
    let unknown = secrets.resolve("other").await.unwrap_err();
    assert_eq!(unknown, SecretError::Unknown { name: "other".into() });
}

#[tokio::test]
async fn p24_a_program_sees_only_a_few_variables_and_those_that_are_named() {
    let dir = tempfile::tempdir().unwrap();
    // The test runner sets some of its own, which a program must not get unless it is named.
    let known = std::env::vars().map(|(name, _)| name).find(|name| name.starts_with("CARGO")).unwrap();
    let secrets = file(
        dir.path(),
        &format!("  few: {{program: [env]}}\n  more: {{program: [env], pass: [{known}]}}\n"),
    );
    let allowed =
        ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"];
    let few = had(&secrets, "few").await;
    assert!(
        few.lines().all(|line| allowed.iter().any(|name| line.starts_with(&format!("{name}=")))),
        "{few}"
    );
    assert!(had(&secrets, "more").await.contains(&format!("{known}=")));
}

#[tokio::test]
async fn p24_a_program_that_fails_says_why() {
    let dir = tempfile::tempdir().unwrap();
    script(dir.path(), "fails", "echo not logged in >&2; echo secret; exit 3");
    script(dir.path(), "silent", "");
    script(dir.path(), "hangs", "sleep 600 & echo $! > pid; wait");
    let secrets = file(
        dir.path(),
        "  fails: {program: [./fails]}
  none: {program: [./none]}
  silent: {program: [./silent]}
  hangs: {program: [./hangs], timeout: 300ms}
  gone: {file: gone}
  unset: {env: WINDLASS_TEST_UNSET}
",
    );
    let fails = why(&secrets, "fails").await;
    assert!(fails.contains("`fails`") && fails.contains("exit code 3: not logged in"), "{fails}");
    assert!(!fails.contains("echo") && !fails.ends_with("secret"), "{fails}");
    assert!(why(&secrets, "none").await.contains("it cannot be started"));
    assert!(why(&secrets, "silent").await.contains("it is empty"));
    assert!(why(&secrets, "hangs").await.contains("did not end within 300ms"));
    assert!(why(&secrets, "gone").await.contains("No such file"));
    assert!(why(&secrets, "unset").await.contains("WINDLASS_TEST_UNSET is not set"));
    // What it started has ended with it.
    let started = std::fs::read_to_string(dir.path().join("pid")).unwrap_or_default();
    if let Ok(pid) = started.trim().parse::<u32>() {
        let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        while !(state().is_empty() || state().contains(") Z ")) {
            std::thread::yield_now();
        }
    }
}

#[tokio::test]
async fn an_encrypted_file_is_opened_with_its_identity() {
    let has_age = Command::new("age-keygen").arg("--version").output().is_ok();
    if !has_age {
        skip("an_encrypted_file_is_opened_with_its_identity", "there is no program `age`");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let keygen = Command::new("age-keygen").arg("-o").arg(dir.path().join("key")).output().unwrap();
    assert!(keygen.status.success());
    let public = Command::new("age-keygen").arg("-y").arg(dir.path().join("key")).output().unwrap();
    let public = String::from_utf8(public.stdout).unwrap();
    let mut seal = Command::new("age")
        .args(["-r", public.trim(), "-o"])
        .arg(dir.path().join("pw.age"))
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    seal.stdin.take().unwrap().write_all(b"from age\n").unwrap();
    assert!(seal.wait().unwrap().success());
    let secrets =
        file(dir.path(), "  pw: {age: pw.age, identity: key}\n  other: {age: pw.age, identity: none}\n");
    assert_eq!(had(&secrets, "pw").await, "from age");
    let other = why(&secrets, "other").await;
    assert!(other.contains("exit code 1") && other.contains("none"), "{other}");
}

#[test]
fn what_is_no_declaration_is_said() {
    let check = |secrets: &str, expect: &str| {
        let why = parse(Path::new("/etc"), secrets).unwrap_err().to_string();
        assert!(why.starts_with("/etc/secrets.yaml: ") && why.contains(expect), "{why}");
    };
    check("  a: {env: A, file: b}", "secrets.a: say exactly one of");
    check("  a: {}", "secrets.a: say exactly one of");
    check("  a: {env: A, timeout: 3s}", "`timeout` and `pass` belong to `program`");
    check("  a: {env: A, identity: k}", "`identity` belongs to `age`");
    check("  a: {program: pass show 'x'}", "without a shell");
    check("  a: {program: []}", "`program` is empty");
    check("  a: {vault: x}", "unknown field `vault`");
    check("  'a b': {env: A}", "cannot name a secret");
    let why =
        SecretsFile::parse(Path::new("s.yaml"), "apiVersion: windlass.dev/v1\nkind: Plan\nsecrets: {}\n");
    assert!(why.unwrap_err().why.contains("should be `Secrets`"));
}

fn skip(name: &str, why: &str) {
    println!("SKIPPED: {name}: {why}");
    if let Some(path) = std::env::var_os("WINDLASS_SKIP_LOG") {
        let mut log = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(log, "{name}: {why}").unwrap();
    }
}
