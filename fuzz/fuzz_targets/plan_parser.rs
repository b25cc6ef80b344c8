//! The reader of plan files: any text gives plans or problems, each of which can be drawn.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_lang::load;
use windlass_model::fact::{Catalog, PluginFacts, PluginKind};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let catalog: Catalog =
        [PluginFacts::plain("work", PluginKind::Acting), PluginFacts::plain("look", PluginKind::Check)]
            .into_iter()
            .collect();
    if let Err(invalid) = load("fuzz.yaml", text, &catalog) {
        let _ = invalid.to_json();
        assert!(!invalid.problems().0.is_empty(), "refused without a problem");
    }
});
