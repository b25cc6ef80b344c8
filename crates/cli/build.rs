//! Puts the pages of `docs/errors` into the binary.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let pages = Path::new(&root).join("../../docs/errors");
    println!("cargo::rerun-if-changed={}", pages.display());
    let mut found = Vec::new();
    if pages.is_dir() {
        for entry in fs::read_dir(&pages)? {
            let path = entry?.path();
            let code = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if code.starts_with("WL-") && path.extension().is_some_and(|extension| extension == "md") {
                println!("cargo::rerun-if-changed={}", path.display());
                found.push((code, fs::read_to_string(&path)?));
            }
        }
    }
    found.sort();
    let mut text =
        String::from("/// Code and page, in order.\npub(crate) const PAGES: &[(&str, &str)] = &[\n");
    for (code, page) in found {
        writeln!(text, "    ({code:?}, {page:?}),").map_err(io::Error::other)?;
    }
    text.push_str("];\n");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("pages.rs"), text)
}
