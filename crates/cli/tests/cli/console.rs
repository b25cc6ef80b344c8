//! The console in a real browser. What is looked at stands in `web/test`.

use std::path::Path;
use std::process::Command;

use crate::harness::skip;

const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web");

#[test]
fn the_console_does_in_a_real_browser_what_it_is_for() {
    in_a_browser("the_console_does_in_a_real_browser_what_it_is_for", "test/console.mjs");
}

#[test]
fn everything_can_be_done_to_a_run_in_a_real_browser() {
    in_a_browser("everything_can_be_done_to_a_run_in_a_real_browser", "test/work.mjs");
}

fn in_a_browser(name: &str, file: &str) {
    let has = |program: &str| {
        Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let is_built = Path::new(WEB).join("dist/index.html").exists();
    if !is_built || !has("node") || !has("/usr/bin/chromium") {
        return skip(
            name,
            "it needs node, chromium and a console that was built: `cargo xtask test` sees to it",
        );
    }
    let mut command = Command::new("node");
    command.args(["--test", "--test-concurrency=1", "--test-reporter=spec", file]).current_dir(WEB);
    let output = command.env("WINDLASS_BIN", env!("CARGO_BIN_EXE_windlass")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
}
