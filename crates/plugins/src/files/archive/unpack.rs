//! Unpacks tar and zip below a directory, and nowhere else.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use tar::EntryType;
use windlass_plugin::{CallError, Cancel};

use super::zip::{self, Member};
use crate::files::attributes::Attributes;
use crate::files::spread::Spread;
use crate::files::trouble::trouble;

/// An archive that is being unpacked.
pub(super) struct Unpacking {
    spread: Spread,
    attributes: Attributes,
    strip: usize,
    cancel: Cancel,
    directories: BTreeSet<PathBuf>,
    done: Vec<Done>,
}

/// Something that was unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) below: PathBuf,
    /// How many bytes a plain file has.
    pub(super) size: Option<u64>,
}

/// How much is read before anybody looks whether it is to end.
const PART: usize = 256 << 10;
/// How many KiB an xz may ask for: its most thorough settings need 66 MiB, and one that means ill asks for 4 GiB.
const XZ_MEMORY: u32 = 256 << 10;
/// The bits of directories that no entry of the archive stands for.
const NEW_DIRECTORY: u32 = 0o755;

// === impl Done ===

impl Done {
    /// As a line of a record: the size or `-`, then the name, with what breaks lines written in hexadecimal digits.
    pub(super) fn line(&self) -> String {
        let size = self.size.map_or_else(|| "-".to_owned(), |size| size.to_string());
        let mut line = format!("{size} ");
        for byte in self.below.as_os_str().as_bytes() {
            match byte {
                b'%' | 0..=0x20 | 0x7f.. => line.push_str(&format!("%{byte:02x}")),
                byte => line.push(char::from(*byte)),
            }
        }
        line.push('\n');
        line
    }

    pub(super) fn read(line: &str) -> Option<Self> {
        let (size, name) = line.split_once(' ')?;
        let size = if size == "-" { None } else { Some(size.parse().ok()?) };
        let (mut bytes, mut rest) = (Vec::new(), name);
        while let Some((plain, coded)) = rest.split_once('%') {
            bytes.extend_from_slice(plain.as_bytes());
            bytes.push(u8::from_str_radix(coded.get(..2)?, 16).ok()?);
            rest = coded.get(2..)?;
        }
        bytes.extend_from_slice(rest.as_bytes());
        Some(Self { below: OsString::from_vec(bytes).into(), size })
    }
}

// === impl Unpacking ===

impl Unpacking {
    pub(super) fn new(spread: Spread, attributes: Attributes, strip: usize, cancel: Cancel) -> Self {
        Self { spread, attributes, strip, cancel, directories: BTreeSet::new(), done: Vec::new() }
    }

    /// Unpacks everything, and says what that was.
    pub(super) fn all_of(mut self, mut packed: File) -> Result<Vec<Done>, CallError> {
        packed.rewind().map_err(|error| unreadable(&error))?;
        let mut head = [0; 512];
        let length = filled(&mut packed, &mut head).map_err(|error| unreadable(&error))?;
        packed.rewind().map_err(|error| unreadable(&error))?;
        let head = head.get(..length).unwrap_or_default();
        match head {
            [0x1f, 0x8b, ..] => self.tar(MultiGzDecoder::new(io::BufReader::new(packed)))?,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => self.tar(Frames::new(packed))?,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => self.zip(packed)?,
            [b'B', b'Z', b'h', ..] => self.tar(MultiBzDecoder::new(io::BufReader::new(packed)))?,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
                self.tar(XzReader::new_mem_limit(io::BufReader::new(packed), true, XZ_MEMORY))?;
            }
            _ if is_tar(head) => self.tar(io::BufReader::new(packed))?,
            _ => {
                let message =
                    "that is no archive; one is a tar, a zip, or a tar packed by gzip, bzip2, xz or zstd";
                return Err(CallError::permanent("archive", message));
            }
        }
        self.spread.finish()?;
        Ok(self.done)
    }

    fn tar(&mut self, from: impl Read) -> Result<(), CallError> {
        let mut archive = tar::Archive::new(from);
        for entry in archive.entries().map_err(|error| unreadable(&error))? {
            let mut entry = entry.map_err(|error| unreadable(&error))?;
            let name = PathBuf::from(OsString::from_vec(entry.path_bytes().into_owned()));
            let kind = entry.header().entry_type();
            let mode = entry.header().mode().unwrap_or(0o644) & 0o777;
            let target =
                entry.link_name_bytes().map(|bytes| PathBuf::from(OsString::from_vec(bytes.into_owned())));
            let attributes = Attributes { mode: Some(mode), ..self.attributes };
            let Some(below) = self.below(&name)? else { continue };
            match kind {
                EntryType::Directory => self.directory(&below, attributes)?,
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    self.file(&below, attributes, &mut entry)?;
                }
                EntryType::Symlink => {
                    self.link(&below, &target.ok_or_else(|| broken("a link without a target"))?)?;
                }
                EntryType::Link => {
                    let target = target.ok_or_else(|| broken("a link without a target"))?;
                    let of = self.below(&target)?.ok_or_else(|| broken("a link to what is left out"))?;
                    self.parents(&below)?;
                    self.spread.second_name(&below, &of)?;
                    self.done.push(Done { below, size: None });
                }
                EntryType::XGlobalHeader => {}
                _ => {
                    return Err(broken(&format!(
                        "`{}`, which is neither file nor directory nor link",
                        name.display()
                    )));
                }
            }
        }
        // Behind the last entry stands what says whether all of it was whole.
        let mut rest = archive.into_inner();
        let mut buffer = vec![0; PART];
        while rest.read(&mut buffer).map_err(|error| unreadable(&error))? > 0 {
            self.not_cancelled()?;
        }
        Ok(())
    }

    fn not_cancelled(&self) -> Result<(), CallError> {
        if self.cancel.level().is_some() { Err(CallError::cancelled()) } else { Ok(()) }
    }

    fn zip(&mut self, mut packed: File) -> Result<(), CallError> {
        for member in zip::members(&mut packed)? {
            let Some(below) = self.below(Path::new(&member.name))? else { continue };
            let default = if member.is_directory { NEW_DIRECTORY } else { 0o644 };
            let mode = member.mode.map_or(default, |mode| mode & 0o777);
            let attributes = Attributes { mode: Some(mode), ..self.attributes };
            if member.is_directory {
                self.directory(&below, attributes)?;
            } else if member.is_link() {
                let mut target = Vec::new();
                let read = member.open(&mut packed)?.take(4097).read_to_end(&mut target);
                read.map_err(|error| unreadable(&error))?;
                self.link(&below, &PathBuf::from(OsString::from_vec(target)))?;
            } else {
                let Member { crc, size, .. } = member;
                let mut checked = zip::Checked::new(member.open(&mut packed)?, crc, size);
                self.file(&below, attributes, &mut checked)?;
            }
        }
        Ok(())
    }

    /// Where something goes; `None` where nothing of its name is left.
    fn below(&self, name: &Path) -> Result<Option<PathBuf>, CallError> {
        self.not_cancelled()?;
        let mut below = PathBuf::new();
        let mut stripped = 0_usize;
        for part in name.components() {
            match part {
                Component::CurDir => {}
                Component::Normal(_) if stripped < self.strip => stripped = stripped.saturating_add(1),
                Component::Normal(part) => below.push(part),
                Component::RootDir | Component::ParentDir | Component::Prefix(_) => {
                    let message =
                        format!("the archive holds `{}`, which leads out of the directory", name.display());
                    return Err(CallError::permanent("outside", message));
                }
            }
        }
        Ok(Some(below).filter(|below| !below.as_os_str().is_empty()))
    }

    fn directory(&mut self, below: &Path, attributes: Attributes) -> Result<(), CallError> {
        self.parents(below)?;
        self.spread.directory(below, attributes)?;
        if self.directories.insert(below.to_owned()) {
            self.done.push(Done { below: below.to_owned(), size: None });
        }
        Ok(())
    }

    /// Sees to it that what something lies in is there. What is there already stays as it is.
    fn parents(&mut self, below: &Path) -> Result<(), CallError> {
        let above: Vec<&Path> =
            below.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()).collect();
        for path in above.into_iter().rev() {
            if self.directories.contains(path) {
                continue;
            }
            let there = self.spread.entry(path)?.map(|entry| entry.found()).transpose()?.flatten();
            if !there.is_some_and(|found| found.is_directory()) {
                self.spread.directory(path, Attributes { mode: Some(NEW_DIRECTORY), ..self.attributes })?;
            }
            self.directories.insert(path.to_owned());
        }
        Ok(())
    }

    fn link(&mut self, below: &Path, target: &Path) -> Result<(), CallError> {
        self.parents(below)?;
        self.spread.link(below, target, Attributes { mode: None, ..self.attributes })?;
        self.done.push(Done { below: below.to_owned(), size: None });
        Ok(())
    }

    fn file(&mut self, below: &Path, attributes: Attributes, from: &mut dyn Read) -> Result<(), CallError> {
        self.parents(below)?;
        let fresh = self.spread.file(below)?;
        let (mut buffer, mut size) = (vec![0; PART], 0_u64);
        loop {
            self.not_cancelled()?;
            let count = from.read(&mut buffer).map_err(|error| unreadable(&error))?;
            if count == 0 {
                break;
            }
            let written = fresh.file().write_all(buffer.get(..count).unwrap_or_default());
            written.map_err(|error| trouble("write to", fresh.entry().path(), error))?;
            size = size.saturating_add(count as u64);
        }
        self.spread.add(fresh, attributes)?;
        self.done.push(Done { below: below.to_owned(), size: Some(size) });
        Ok(())
    }
}

/// Whether a tar begins so. The first form of the format has no mark, only the sum of the bytes of its header.
fn is_tar(head: &[u8]) -> bool {
    if head.get(257..262) == Some(b"ustar") {
        return true;
    }
    let Ok(bytes) = <&[u8; 512]>::try_from(head) else { return false };
    let sum = bytes.iter().enumerate().map(|(at, byte)| match at {
        148..156 => u32::from(b' '),
        _ => u32::from(*byte),
    });
    let mut header = tar::Header::new_old();
    header.as_mut_bytes().copy_from_slice(bytes);
    !bytes.starts_with(&[0]) && header.cksum().ok() == Some(sum.sum())
}

/// Frames of zstd, one after the other, as some programs write them.
struct Frames {
    open: Option<StreamingDecoder<io::BufReader<File>, FrameDecoder>>,
    rest: Option<io::BufReader<File>>,
}

impl Frames {
    fn new(packed: File) -> Self {
        Self { open: None, rest: Some(io::BufReader::new(packed)) }
    }
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use io::BufRead as _;
        loop {
            if let Some(open) = &mut self.open {
                match open.read(buffer)? {
                    0 => {
                        sound(&open.decoder)?;
                        self.rest = self.open.take().map(StreamingDecoder::into_inner);
                    }
                    count => return Ok(count),
                }
            }
            let Some(mut rest) = self.rest.take() else { return Ok(0) };
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let open = StreamingDecoder::new(rest);
            self.open = Some(open.map_err(|error| io::Error::other(error.to_string()))?);
        }
    }
}

/// Whether a frame is what was packed, as far as its checksum tells: the decoder leaves that to us.
fn sound(decoder: &FrameDecoder) -> io::Result<()> {
    match (decoder.get_checksum_from_data(), decoder.get_calculated_checksum()) {
        (Some(told), Some(found)) if told != found => Err(io::Error::other("its checksum is wrong")),
        _ => Ok(()),
    }
}

/// Reads as much as there is room for.
fn filled(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) {
        match from.read(room)? {
            0 => break,
            count => length = length.saturating_add(count),
        }
    }
    Ok(length)
}

fn unreadable(error: &io::Error) -> CallError {
    CallError::permanent("archive", "the archive is damaged, or is none").because(error)
}

fn broken(what: &str) -> CallError {
    CallError::permanent("archive", format!("the archive holds {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_what_it_wrote() {
        for (name, size) in [("a/b", Some(7)), ("with space\nand % line", None), ("caf\u{e9}", Some(0))] {
            let done = Done { below: name.into(), size };
            let line = done.line();
            assert_eq!(line.lines().count(), 1);
            assert_eq!(Done::read(line.trim_end()), Some(done));
        }
        assert_eq!(Done::read("nonsense"), None);
    }
}
