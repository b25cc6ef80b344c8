//! A server is asked everything that its document says can be asked, and much that it does not: it answers nothing that the document
//! does not have, and never fails.

use std::path::Path;
use std::process::Command;

use crate::harness::{Place, skip};
use crate::server::Served;

/// Where `cargo xtask test` puts it.
const SCHEMATHESIS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/tools/schemathesis/bin/schemathesis");
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";

#[test]
fn a_server_answers_as_its_document_says() {
    let name = "a_server_answers_as_its_document_says";
    if !Path::new(SCHEMATHESIS).exists() {
        return skip(name, "there is no schemathesis; `cargo xtask test` installs it");
    }
    let place = Place::new();
    let mut served = Served::begin(&place);
    let token = served.token();
    let mut command = Command::new(SCHEMATHESIS);
    command.args(["run", &format!("http://{}/api/v1/openapi.json", served.address)]);
    command.args(["--header", &format!("Authorization: Bearer {token}")]);
    // Streams that do not end are followed elsewhere.
    place.file("schemathesis.toml", "[parameters]\n\"query.watch\" = false\n");
    command.args(["--exclude-path-regex", "/(events|logs)$", "--phases", "fuzzing"]);
    command.args(["--max-examples", "10", "--seed", "1", "--request-timeout", "10", "--checks", CHECKS]);
    command.args(["--no-color", "--workers", "1"]).current_dir(place.path(""));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Tested: "), "it asked nothing: {said}");
    served.process.signal("TERM");
    served.process.end().exits(0);
}
