//! What is made of `crates/rpc/proto`: the Rust code of messages and services, the descriptors that reflection shows, and
//! `docs/reference/grpc.md`. protox compiles the files here, so that nobody needs protoc, and nobody who builds Windlass any of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto, ServiceDescriptorProto,
};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use crate::repo::TextFile;

const FOLDER: &str = "crates/rpc/proto/";
const PACKAGE: &str = "windlass.v1";

const HEAD: &str = "\
<!-- Made by `cargo xtask docs` from crates/rpc/proto. Do not edit. -->

# gRPC of a server

The services of the package `windlass.v1`, on the port of REST, with the token as `authorization: Bearer TOKEN`.
[The guide](../guide/server.md#over-grpc) shows how they are asked; the files that clients are made from are
[crates/rpc/proto](../../crates/rpc/proto/windlass/v1). What may be asked by whom, and what is refused, is what REST says: the same code decides.

A field that is not sent is empty, zero or `false`; where that is something else than not to say anything, the field is `optional`. Fields and
values are added and never changed. A field of a request that a server does not know is skipped, as proto3 has it; REST would refuse it.

## Statuses

| gRPC | REST | When |
|---|---|---|
| INVALID_ARGUMENT | 400, 415, 422 | what was sent is not understood, or not right: everything at once |
| UNAUTHENTICATED | 401 | who are you? |
| PERMISSION_DENIED | 403 | you may not, or a policy does not let it begin |
| NOT_FOUND | 404 | there is none, or none that you may know of |
| DEADLINE_EXCEEDED | 408 | what was sent took too long to come |
| ALREADY_EXISTS | 409 | there is one of this name |
| ABORTED | 409 | somebody else changed it: read it again |
| FAILED_PRECONDITION | 409 | it does not go together with what is there |
| OUT_OF_RANGE | 410 | that much history is not kept: list again, and watch from there |
| RESOURCE_EXHAUSTED | 413, 429, 507 | too much, too often, or the disk is full |
| UNAVAILABLE | 503 | it cannot be done for now; a stream that ends so is taken up again where it was |
| UNIMPLEMENTED | | there is no such call |
| INTERNAL | 500 | a mistake of ours |
";

/// The Rust code.
pub(super) fn code(files: &[TextFile]) -> Result<String> {
    let folder = tempfile::tempdir().context("cannot create a folder for what is made")?;
    tonic_prost_build::configure()
        .build_transport(false)
        .out_dir(folder.path())
        .compile_fds(compiled(files)?)
        .context("no code can be made of the .proto files")?;
    let path = folder.path().join(format!("{PACKAGE}.rs"));
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The descriptors, without comments, as an expression of Rust.
pub(super) fn descriptors(files: &[TextFile]) -> Result<String> {
    let mut set = compiled(files)?;
    set.file.iter_mut().for_each(|file| file.source_code_info = None);
    let bytes = set.encode_to_vec();
    let mut text = String::from("// Made by `cargo xtask docs` from crates/rpc/proto.\nb\"\\\n");
    for part in bytes.chunks(40) {
        // A space at the beginning of a line that goes on would be skipped.
        let escaped = part.escape_ascii().to_string().replace(' ', "\\x20");
        let _ = writeln!(text, "{escaped}\\");
    }
    text.push_str("\"\n");
    Ok(text)
}

/// The reference page.
pub(super) fn reference(files: &[TextFile]) -> Result<String> {
    let set = compiled(files)?;
    let mut page = String::from(HEAD);
    for file in set.file.iter().filter(|file| file.package() == PACKAGE) {
        Page::new(file).write(&mut page);
    }
    Ok(page)
}

/// The files of the checkout, compiled; with those of Google that they import.
fn compiled(files: &[TextFile]) -> Result<FileDescriptorSet> {
    let ours: BTreeMap<String, String> = files
        .iter()
        .filter_map(|file| Some((file.path.strip_prefix(FOLDER)?.to_owned(), file.text.clone())))
        .filter(|(name, _)| Path::new(name).extension().is_some_and(|it| it == "proto"))
        .collect();
    let names: Vec<String> = ours.keys().cloned().collect();
    let mut resolver = ChainFileResolver::new();
    resolver.add(Ours(ours));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&names).context("the .proto files do not compile")?;
    Ok(compiler.file_descriptor_set())
}

/// The files of the checkout by their names in imports.
struct Ours(BTreeMap<String, String>);

// === impl Ours ===

impl FileResolver for Ours {
    fn resolve_path(&self, path: &Path) -> Option<String> {
        let name = path.to_str()?;
        self.0.contains_key(name).then(|| name.to_owned())
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = self.0.get(name).ok_or_else(|| protox::Error::file_not_found(name))?;
        File::from_source(name, text)
    }
}

/// The part of the page about one file.
struct Page<'a> {
    file: &'a FileDescriptorProto,
    /// What is said of each thing, by where it stands.
    comments: BTreeMap<&'a [i32], &'a str>,
    /// What is said at the top of the file.
    about: &'a str,
}

/// Numbers of fields of descriptors, which places are made of.
const MESSAGE: i32 = 4;
const ENUM: i32 = 5;
const SERVICE: i32 = 6;
const SYNTAX: i32 = 12;
const OF_MESSAGE_FIELD: i32 = 2;
const OF_MESSAGE_NESTED: i32 = 3;
const OF_MESSAGE_ENUM: i32 = 4;
const OF_ENUM_VALUE: i32 = 2;
const OF_SERVICE_METHOD: i32 = 2;

// === impl Page ===

impl<'a> Page<'a> {
    fn new(file: &'a FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        let mut comments: BTreeMap<&[i32], &str> = BTreeMap::new();
        let mut about = "";
        for location in locations {
            if let Some(text) = &location.leading_comments {
                comments.insert(&location.path, text);
            }
            if location.path == [SYNTAX] {
                about = location.leading_detached_comments.first().map_or("", String::as_str);
            }
        }
        Self { file, comments, about }
    }

    fn said(&self, place: &[i32]) -> String {
        let text = self.comments.get(place).copied().unwrap_or_default();
        text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned()
    }

    fn write(&self, page: &mut String) {
        let name = self.file.name().rsplit('/').next().unwrap_or_default();
        let _ = writeln!(page, "\n## {name}\n");
        for line in self.about.lines() {
            let _ = writeln!(page, "{}", line.trim());
        }
        for (index, service) in (0..).zip(&self.file.service) {
            self.service(service, &[SERVICE, index], page);
        }
        for (index, message) in (0..).zip(&self.file.message_type) {
            self.message(message, message.name(), &[MESSAGE, index], page);
        }
        for (index, values) in (0..).zip(&self.file.enum_type) {
            self.values(values, values.name(), &[ENUM, index], page);
        }
    }

    fn service(&self, service: &ServiceDescriptorProto, place: &[i32], page: &mut String) {
        let _ = writeln!(page, "\n### Service {PACKAGE}.{}\n\n{}\n", service.name(), self.said(place));
        page.push_str("| Call | Takes | Gives | |\n|---|---|---|---|\n");
        for (index, method) in (0..).zip(&service.method) {
            let MethodDescriptorProto { .. } = method;
            let streams = if method.server_streaming() { "stream of " } else { "" };
            let _ = writeln!(
                page,
                "| `{}` | {} | {streams}{} | {} |",
                method.name(),
                linked(method.input_type()),
                linked(method.output_type()),
                self.said(&[place, &[OF_SERVICE_METHOD, index]].concat()),
            );
        }
    }

    fn message(&self, message: &DescriptorProto, name: &str, place: &[i32], page: &mut String) {
        if message.options.as_ref().is_some_and(|options| options.map_entry()) {
            return;
        }
        let _ = writeln!(page, "\n### {name}\n");
        let said = self.said(place);
        if !said.is_empty() {
            let _ = writeln!(page, "{said}\n");
        }
        if !message.field.is_empty() {
            page.push_str("| Field | Type | |\n|---|---|---|\n");
        }
        for (index, field) in (0..).zip(&message.field) {
            let one = field.oneof_index.filter(|_| !field.proto3_optional());
            let one = one.and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
            let one = one.map_or_else(String::new, |one| format!(" One of `{}`.", one.name()));
            let said = self.said(&[place, &[OF_MESSAGE_FIELD, index]].concat());
            let about = format!("{said}{one}");
            let _ =
                writeln!(page, "| `{}` | {} | {} |", field.name(), kind(field, message), about.trim_start());
        }
        for (index, nested) in (0..).zip(&message.nested_type) {
            let place = [place, &[OF_MESSAGE_NESTED, index]].concat();
            self.message(nested, &format!("{name}.{}", nested.name()), &place, page);
        }
        for (index, values) in (0..).zip(&message.enum_type) {
            let place = [place, &[OF_MESSAGE_ENUM, index]].concat();
            self.values(values, &format!("{name}.{}", values.name()), &place, page);
        }
    }

    fn values(&self, values: &EnumDescriptorProto, name: &str, place: &[i32], page: &mut String) {
        let _ = writeln!(page, "\n### {name}\n");
        let said = self.said(place);
        if !said.is_empty() {
            let _ = writeln!(page, "{said}\n");
        }
        page.push_str("| Value | Number | |\n|---|---|---|\n");
        for (index, value) in (0..).zip(&values.value) {
            let said = self.said(&[place, &[OF_ENUM_VALUE, index]].concat());
            let _ = writeln!(page, "| `{}` | {} | {said} |", value.name(), value.number());
        }
    }
}

/// The type of a field, as the file has it.
fn kind(field: &FieldDescriptorProto, message: &DescriptorProto) -> String {
    let entry = field.type_name().rsplit('.').next().unwrap_or_default();
    let entry = message.nested_type.iter().find(|nested| {
        nested.name() == entry && nested.options.as_ref().is_some_and(|options| options.map_entry())
    });
    if let Some([key, value]) = entry.map(|entry| entry.field.as_slice()) {
        return format!("map of {} to {}", plain(key), plain(value));
    }
    match (field.label(), field.proto3_optional()) {
        (Label::Repeated, _) => format!("repeated {}", plain(field)),
        (_, true) => format!("optional {}", plain(field)),
        _ => plain(field),
    }
}

fn plain(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum => linked(field.type_name()),
        scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    }
}

/// The name of a message, leading to where it stands on the page if it does.
fn linked(name: &str) -> String {
    let name = name.trim_start_matches('.');
    match name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('.')) {
        Some(own) => format!("[{own}](#{})", own.to_lowercase().replace('.', "")),
        None => format!("`{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Vec<TextFile> {
        vec![TextFile { path: format!("{FOLDER}windlass/v1/a.proto"), text: text.to_owned() }]
    }

    const TEXT: &str = "\
// About it.

syntax = \"proto3\";
package windlass.v1;
import \"google/protobuf/timestamp.proto\";
// Serves.
service S {
  // Does.
  rpc Do(A) returns (stream A);
}
// It.
message A {
  // When.
  google.protobuf.Timestamp at = 1;
  map<string, B> more = 2;
  optional uint64 number = 3;
}
enum B { B_NONE = 0; }
";

    #[test]
    fn the_page_says_what_the_file_says() {
        let page = reference(&files(TEXT)).unwrap();
        for line in [
            "About it.",
            "| `Do` | [A](#a) | stream of [A](#a) | Does. |",
            "| `at` | `google.protobuf.Timestamp` | When. |",
            "| `more` | map of string to [B](#b) |  |",
            "| `number` | optional uint64 |  |",
            "| `B_NONE` | 0 |  |",
        ] {
            assert!(page.lines().any(|it| it == line), "{line} is not in\n{page}");
        }
    }

    #[test]
    fn code_and_descriptors_are_made_without_any_other_program() {
        let code = code(&files(TEXT)).unwrap();
        assert!(code.contains("pub struct A") && code.contains("pub mod s_server"), "{code}");
        assert!(descriptors(&files(TEXT)).unwrap().contains("windlass.v1"));
        assert!(reference(&files("message")).is_err());
    }
}
