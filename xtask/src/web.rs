//! `cargo xtask web`: builds the console, which the next build of Windlass takes in.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::process::run as run_process;
use crate::repo::Repo;
use crate::tools::Missing;

pub(crate) const HELP: &str = "\
Installs what the console is made with (npm, from the lock file), checks types and style, runs its unit tests and builds it into
`web/dist`, which the next build of Windlass takes in. `--types` makes the types of the API anew from docs/reference/openapi.json;
`--dev` serves it with what changes shown at once, in front of a server at WINDLASS_SERVER (http://127.0.0.1:8380).";

/// What the budget of the first load allows, compressed.
const FIRST_LOAD: u64 = 250 * 1024;

pub(crate) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    if !is_possible() {
        bail!(
            "npm is not here: install Node.js 20 or later, which brings it; Windlass can be built without the console"
        );
    }
    let web = repo.path("web");
    install(&web)?;
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => build(repo, &web),
        ["--types"] => npm(&web, &["run", "--silent", "api"]),
        ["--dev"] => npm(&web, &["run", "dev"]),
        other => bail!("{} is not understood; `cargo xtask help web` says what is", other.join(" ")),
    }
}

/// Builds it where it is not, or not as its sources are; what is missing where it cannot be.
pub(crate) fn ensure(repo: &Repo) -> Option<Missing> {
    let web = repo.path("web");
    if !is_possible() {
        let reason = "the tests of the console need it; install Node.js 20 or later".to_owned();
        return Some(Missing { name: "npm".to_owned(), reason });
    }
    let built = install(&web).and_then(|()| if is_fresh(&web) { Ok(()) } else { build(repo, &web) });
    built
        .err()
        .map(|error| Missing { name: "console".to_owned(), reason: format!("it cannot be built: {error:#}") })
}

fn build(repo: &Repo, web: &Path) -> Result<()> {
    println!("building the console");
    npm(web, &["run", "--silent", "check"])?;
    npm(web, &["run", "--silent", "test"])?;
    npm(web, &["run", "--silent", "build"])?;
    npm(web, &["run", "--silent", "pack", &FIRST_LOAD.to_string()])?;
    // What was compiled while there was none would go on without it.
    let taken_in = repo.path("crates/console/src/pages.rs");
    let file = std::fs::File::options().append(true).open(&taken_in);
    file.and_then(|file| file.set_modified(std::time::SystemTime::now()))
        .with_context(|| format!("cannot touch {}", taken_in.display()))
}

fn install(web: &Path) -> Result<()> {
    let is_there =
        newest(&web.join("node_modules/.package-lock.json")) >= newest(&web.join("package-lock.json"));
    if is_there && web.join("node_modules").exists() {
        return Ok(());
    }
    println!("installing what the console is made with");
    npm(web, &["ci", "--no-audit", "--no-fund", "--loglevel=error"])
}

/// Whether nothing has changed since it was built.
fn is_fresh(web: &Path) -> bool {
    let Some(built) = newest(&web.join("dist/index.html")) else { return false };
    let mut folders = vec![web.join("src"), web.join("public")];
    let mut files: Vec<_> = ["index.html", "package-lock.json", "vite.config.ts", "tsconfig.json"]
        .map(|name| web.join(name))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.iter().filter_map(|file| newest(file)).all(|changed| changed <= built)
}

fn newest(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).and_then(|file| file.modified()).ok()
}

fn npm(web: &Path, args: &[&str]) -> Result<()> {
    run_process(Command::new("npm").args(args).current_dir(web))
}

fn is_possible() -> bool {
    let asked = Command::new("npm").arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}
