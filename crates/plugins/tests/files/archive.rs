//! `archive`.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::files::archive::Archive;

use crate::ground::{Ground, chmod, mode, skipped};

type Entry<'a> = (EntryType, &'a str, &'a str);

/// A tar with these entries: kind, name, content or target.
fn tar_of(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(if *kind == EntryType::Directory { 0o755 } else { 0o4755 });
        // Names that a good archiver would not write are set byte by byte.
        let bytes = name.as_bytes();
        header.as_old_mut().name[..bytes.len()].copy_from_slice(bytes);
        let is_file = *kind == EntryType::Regular;
        if !is_file && !content.is_empty() {
            header.set_link_name(content).unwrap();
        }
        header.set_size(if is_file { content.len() as u64 } else { 0 });
        header.set_cksum();
        builder.append(&header, if is_file { content.as_bytes() } else { b"" }).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const RELEASE: &[Entry<'_>] = &[
    (EntryType::Directory, "app-42/", ""),
    (EntryType::Regular, "app-42/bin/run", "#!/bin/sh\n"),
    (EntryType::Regular, "app-42/README", "hello"),
    (EntryType::Symlink, "app-42/latest", "bin/run"),
    (EntryType::Link, "app-42/same", "app-42/README"),
];

async fn refused(ground: &Ground, archive: Vec<u8>) -> (String, String) {
    fs::create_dir_all(ground.at("into")).unwrap();
    ground.origin("bad", archive);
    let error = ground
        .trial(Archive)
        .call(json!({"source": "bad", "into": ground.at("into")}))
        .await
        .result
        .unwrap_err();
    (error.code.clone(), error.to_string())
}

#[tokio::test]
async fn unpacks_once_and_sees_when_something_is_amiss() {
    let ground = Ground::new();
    let trial = ground.trial(Archive);
    fs::create_dir(ground.at("into")).unwrap();
    ground.origin("app.tar.gz", gz(&tar_of(RELEASE)));
    let request = json!({"source": "app.tar.gz", "into": ground.at("into"), "strip": 1});
    let diff = ground.settle(&trial, request.clone()).await;
    assert!(diff.starts_with("$/into: unpack `app.tar.gz` ("), "{diff}");
    assert_eq!(fs::read_to_string(ground.at("into/latest")).unwrap(), "#!/bin/sh\n");
    assert_eq!(mode(ground.at("into/bin/run")), 0o755, "without the bit for set-user-id");
    let same = |name: &str| fs::metadata(ground.at(name)).unwrap().ino();
    assert_eq!(same("into/same"), same("into/README"));

    fs::write(ground.at("into/bin/run"), "cut").unwrap();
    let diff = ground.settle(&trial, request.clone()).await;
    assert!(diff.ends_with("; `bin/run` is not as it was unpacked\n"), "{diff}");
    assert_eq!(fs::read_to_string(ground.at("into/bin/run")).unwrap(), "#!/bin/sh\n");

    // Another archive of the same name is another one.
    ground.origin("app.tar.gz", tar_of(&[(EntryType::Regular, "app-43/README", "hello again")]));
    ground.settle(&trial, request).await;
    assert_eq!(fs::read_to_string(ground.at("into/README")).unwrap(), "hello again");
    assert_eq!(
        fs::read_to_string(ground.at("into/same")).unwrap(),
        "hello",
        "files are replaced, not written into"
    );
}

#[tokio::test]
async fn unpacks_what_programs_pack() {
    let ground = Ground::new();
    let trial = ground.trial(Archive);
    ground.write("tree/dir/hello", "hello ".repeat(1000));
    ground.write("tree/empty", "");
    chmod(ground.write("tree/dir/run", "#!/bin/sh\n"), 0o750);
    let all = [
        ("a.tar", "tar", "tar -cf ../a.tar ."),
        ("old.tar", "tar", "tar --format=v7 -cf ../old.tar ."),
        ("b.tar.gz", "gzip", "tar -czf ../b.tar.gz ."),
        ("c.tar.zst", "zstd", "tar -cf - . | zstd -q > ../c.tar.zst"),
        ("d.tar.zst", "zstd", "tar -cf - . | zstd -q --no-content-size > ../d.tar.zst"),
        ("e.tar.bz2", "bzip2", "tar -cjf ../e.tar.bz2 ."),
        ("f.tar.xz", "xz", "tar -cf - . | xz -9 > ../f.tar.xz"),
        (
            "g.tar.xz",
            "xz",
            "tar -cf ../g . && (head -c 700 ../g | xz; tail -c +701 ../g | xz -0) > ../g.tar.xz",
        ),
        ("h.zip", "zip", "zip -qr ../h.zip ."),
        ("i.zip", "zip", "zip -qr - . | cat > ../i.zip"),
    ];
    for (name, program, script) in all {
        if !has(program) {
            skipped("unpacks_what_programs_pack", &format!("there is no {program}"));
            continue;
        }
        run(&ground, script);
        let into = format!("into-{name}");
        fs::create_dir(ground.at(&into)).unwrap();
        ground.settle(&trial, json!({"path": ground.at(name), "into": ground.at(&into)})).await;
        let hello = fs::read_to_string(ground.at(&into).join("dir/hello")).unwrap();
        assert_eq!(hello.len(), 6000, "{name}");
        assert!(ground.at(&into).join("empty").exists(), "{name}");
        assert_eq!(mode(ground.at(&into).join("dir/run")), 0o750, "{name}");
    }
}

fn has(program: &str) -> bool {
    let found =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
    found.unwrap().success()
}

fn run(ground: &Ground, script: &str) {
    let done = Command::new("sh").args(["-ec", script]).current_dir(ground.at("tree")).status().unwrap();
    assert!(done.success(), "{script}");
}

/// Cut off anywhere, or with any byte changed, it is refused or unpacked as it was; nothing panics, nothing is silent.
#[tokio::test]
async fn damage_is_seen_in_whatever_was_packed() {
    let ground = Ground::new();
    ground.write("tree/app-42/README", "hello");
    for (name, program) in [("gz", "gzip"), ("bz2", "bzip2"), ("xz", "xz"), ("zst", "zstd")] {
        if !has(program) {
            skipped("damage_is_seen_in_whatever_was_packed", &format!("there is no {program}"));
            continue;
        }
        run(&ground, &format!("tar -cf - app-42 | {program} -c > ../{name}"));
        let whole = fs::read(ground.at(name)).unwrap();
        for length in (8..whole.len() - 8).step_by(5) {
            let (code, _) = refused(&ground, whole[..length].to_vec()).await;
            assert_eq!(code, "archive", "{name} cut off at {length}");
        }
        for at in 8..whole.len() {
            let mut torn = whole.clone();
            torn[at] ^= 0x55;
            ground.origin("bad", torn);
            let tried = ground.trial(Archive).call(json!({"source": "bad", "into": ground.at("into")})).await;
            match tried.result {
                Ok(_) => {
                    assert_eq!(fs::read(ground.at("into/app-42/README")).unwrap(), b"hello", "{name} at {at}")
                }
                Err(error) => {
                    assert!(matches!(error.code.as_str(), "archive" | "outside"), "{name} at {at}: {error}")
                }
            }
        }
    }
}

#[tokio::test]
async fn an_xz_that_asks_for_all_memory_is_refused() {
    if !has("xz") {
        return skipped("an_xz_that_asks_for_all_memory_is_refused", "there is no xz");
    }
    let ground = Ground::new();
    ground.write("tree/a", "hello");
    run(&ground, "tar -cf - a | xz > ../a.tar.xz");
    let mut xz = fs::read(ground.at("a.tar.xz")).unwrap();
    // The block's header: its length, flags, the filter with the size of its dictionary, padding, a checksum.
    let length = (usize::from(xz[12]) + 1) * 4;
    assert_eq!((xz[14], xz[15]), (0x21, 1));
    xz[16] = 40;
    let mut crc = flate2::Crc::new();
    crc.update(&xz[12..12 + length - 4]);
    xz[12 + length - 4..12 + length].copy_from_slice(&crc.sum().to_le_bytes());
    assert_eq!(refused(&ground, xz).await.0, "archive");
}

#[tokio::test]
async fn unpacks_zstd_of_several_frames() {
    let ground = Ground::new();
    let tar = tar_of(RELEASE);
    let (one, two) = tar.split_at(700);
    let mut packed = Vec::new();
    for part in [one, two] {
        packed.extend(ruzstd::encoding::compress_to_vec(part, ruzstd::encoding::CompressionLevel::Fastest));
    }
    ground.origin("app.tar.zst", packed);
    fs::create_dir(ground.at("into")).unwrap();
    ground.settle(&ground.trial(Archive), json!({"source": "app.tar.zst", "into": ground.at("into")})).await;
    assert_eq!(fs::read_to_string(ground.at("into/app-42/README")).unwrap(), "hello");
}

/// A zip with one stored and one deflated member, and a link, as Unix programs write it.
fn zip_of(members: &[(&str, &[u8], bool, u32)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content, deflated, mode) in members {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let packed = if *deflated {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        } else {
            content.to_vec()
        };
        let start = u32::try_from(bytes.len()).unwrap();
        let method: u16 = if *deflated { 8 } else { 0 };
        let length = |of: usize| u32::try_from(of).unwrap().to_le_bytes();
        let mut both = Vec::new();
        both.extend(20_u16.to_le_bytes());
        both.extend([0; 2]);
        both.extend(method.to_le_bytes());
        both.extend([0; 4]);
        both.extend(crc.sum().to_le_bytes());
        both.extend(length(packed.len()));
        both.extend(length(content.len()));
        both.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        both.extend([0; 2]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&both);
        bytes.extend(name.as_bytes());
        bytes.extend(&packed);
        directory.extend(b"PK\x01\x02");
        directory.extend([20, 3]);
        directory.extend(&both);
        directory.extend([0; 6]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let (at, length) = (u32::try_from(bytes.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].concat());
    bytes.extend(length.to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend(b"\x07\0comment");
    bytes
}

#[tokio::test]
async fn unpacks_a_zip_and_holds_it_against_its_checksums() {
    let ground = Ground::new();
    let long = b"hello ".repeat(1000);
    let members: &[(&str, &[u8], bool, u32)] = &[
        ("app/", b"", false, 0o40_755),
        ("app/run", b"#!/bin/sh\n", false, 0o100_755),
        ("app/data/long", &long, true, 0o100_600),
        ("app/link", b"data/long", false, 0o120_777),
    ];
    let zip = zip_of(members);
    ground.origin("app.zip", &zip);
    fs::create_dir(ground.at("into")).unwrap();
    ground
        .settle(&ground.trial(Archive), json!({"source": "app.zip", "into": ground.at("into"), "strip": 1}))
        .await;
    assert_eq!(fs::read(ground.at("into/link")).unwrap(), long);
    assert_eq!((mode(ground.at("into/run")), mode(ground.at("into/data/long"))), (0o755, 0o600));

    let mut torn = zip.clone();
    let at = torn.windows(9).position(|window| window == b"#!/bin/sh").unwrap();
    torn[at] = b'?';
    let (code, message) = refused(&ground, torn).await;
    assert_eq!(code, "archive");
    assert!(message.contains("checksum"), "{message}");
    for length in (0..zip.len() - 29).step_by(7) {
        let (code, _) = refused(&ground, zip[..length].to_vec()).await;
        assert_eq!(code, "archive", "cut off at {length}");
    }
}

#[tokio::test]
async fn nothing_is_written_outside_of_the_directory() {
    let ground = Ground::new();
    let outside = ground.write("outside/passwd", "theirs");
    let target = ground.at("outside").to_str().unwrap().to_owned();
    let cases: [(Vec<u8>, &str); 9] = [
        (tar_of(&[(EntryType::Regular, "../evil", "x")]), "outside"),
        (tar_of(&[(EntryType::Regular, "a/../../evil", "x")]), "outside"),
        (tar_of(&[(EntryType::Regular, "/tmp/windlass-evil", "x")]), "outside"),
        // A link in the archive, then a file through it.
        (tar_of(&[(EntryType::Symlink, "sly", &target), (EntryType::Regular, "sly/passwd", "mine")]), "link"),
        (tar_of(&[(EntryType::Link, "hard", "../outside/passwd")]), "outside"),
        // A second name for what a link in the archive leads to, and what would then be written into.
        (tar_of(&[(EntryType::Symlink, "sly", &target), (EntryType::Link, "mine", "sly/passwd")]), "link"),
        (tar_of(&[(EntryType::Symlink, "sly", &target), (EntryType::Directory, "sly/new/", "")]), "link"),
        (tar_of(&[(EntryType::Link, "hard", "/etc/passwd")]), "outside"),
        (tar_of(&[(EntryType::Char, "device", "")]), "archive"),
    ];
    for (archive, expected) in cases {
        let (code, message) = refused(&ground, archive).await;
        let fits = code == expected || (expected == "link" && code == "inTheWay");
        assert!(fits, "{expected}: {code}: {message}");
    }
    for name in ["../evil", "/tmp/windlass-evil", "a/../../evil"] {
        let zip = zip_of(&[(name, b"x", false, 0o100_644)]);
        assert_eq!(refused(&ground, zip).await.0, "outside", "{name}");
    }
    let sly: [(&str, &[u8], bool, u32); 2] =
        [("sly", target.as_bytes(), false, 0o120_777), ("sly/passwd", b"mine", false, 0o100_644)];
    assert_eq!(refused(&ground, zip_of(&sly)).await.0, "link");
    assert_eq!(fs::read_to_string(outside).unwrap(), "theirs");
    assert_eq!(ground.names(""), ["into", "outside"]);
    assert_eq!(ground.names("outside"), ["passwd"]);
}

#[tokio::test]
async fn says_what_is_no_archive_and_what_is_missing() {
    let ground = Ground::new();
    for none in [b"hello".to_vec(), Vec::new(), vec![0; 600]] {
        let (code, message) = refused(&ground, none).await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            (
                "archive",
                "that is no archive; one is a tar, a zip, or a tar packed by gzip, bzip2, xz or zstd"
            )
        );
    }
    assert_eq!(refused(&ground, b"BZh91AY".to_vec()).await.0, "archive");
    let cut = gz(&tar_of(RELEASE));
    assert_eq!(refused(&ground, cut[..cut.len() / 2].to_vec()).await.0, "archive");

    let trial = ground.trial(Archive);
    ground.origin("a.tar", tar_of(RELEASE));
    let request =
        |into: &str| json!({"source": "a.tar", "into": ground.at(into), "creates": ground.at("flag")});
    assert_eq!(ground.refused(&trial, request("none")).await.0, "noParent");
    assert_eq!(trial.noop(request("none")).await.unwrap().would, Would::Unknown);
    File::create(ground.at("flag")).unwrap();
    assert_eq!(ground.settle(&trial, request("none")).await, "", "what it creates is there");
    let both: Value = json!({"source": "a", "path": "/a", "into": "/b"});
    assert_eq!(Trial::of(Archive).validate(&both).unwrap_err(), ["`source` and `path` exclude each other"]);
}
