//! Prints the reference of the standard plugins: `docs/reference/plugins.md`.

use std::error::Error;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let page = windlass_plugin::docs_markdown(&windlass_plugins::standard()?);
    std::io::stdout().write_all(page.as_bytes())?;
    Ok(())
}
