//! Processors, memory, disks, file systems, and what the machine runs in.

use std::collections::BTreeSet;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

/// Processors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cpu {
    /// How many there are to run on.
    pub count: u32,
    /// What they are.
    pub model: Option<String>,
}

/// Memory, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What can be had without swapping.
    pub available: u64,
    /// The swap.
    pub swap: u64,
}

/// A disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disk {
    /// `sda`, `nvme0n1`
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A file system on a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// Where it is.
    pub path: String,
    /// What it is on.
    pub device: String,
    /// `ext4`, `xfs`
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether nothing can be written.
    pub read_only: bool,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// What is free for everybody, in bytes.
    pub free: Option<u64>,
}

/// What `/proc/cpuinfo` says.
pub(super) fn cpu(text: &str) -> Cpu {
    let count = text.lines().filter(|line| key(line) == Some("processor")).count();
    let model = ["model name", "Hardware", "cpu"].iter().find_map(|wanted| value(text, wanted));
    Cpu { count: u32::try_from(count).unwrap_or(u32::MAX), model }
}

/// What `/proc/meminfo` says.
pub(super) fn memory(text: &str) -> Memory {
    let bytes = |wanted: &str| {
        let value = value(text, wanted)?;
        value.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
    };
    let total = bytes("MemTotal").unwrap_or(0);
    // Old kernels do not say what is available.
    let available = bytes("MemAvailable").or_else(|| bytes("MemFree")).unwrap_or(0);
    Memory { total, available, swap: bytes("SwapTotal").unwrap_or(0) }
}

/// A block device, unless it is one that only looks like a disk. Its size is given in sectors of 512 bytes.
pub(super) fn disk(name: &str, sectors: &str) -> Option<Disk> {
    let made_up = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd"];
    if made_up.iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    let size = sectors.trim().parse::<u64>().ok()?.checked_mul(512).filter(|size| *size > 0)?;
    Some(Disk { name: name.to_owned(), size })
}

/// The file systems of `/proc/self/mounts` that lie on a device, each place once.
pub(super) fn mounts(text: &str) -> Vec<Mount> {
    let mut seen = BTreeSet::new();
    let mounts = text.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (device, path, kind, options) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let on_disk = device.starts_with('/') || matches!(kind, "zfs" | "btrfs");
        let (device, path) = (unescaped(device), unescaped(path));
        if !on_disk || matches!(kind, "squashfs" | "iso9660") || !seen.insert(path.clone()) {
            return None;
        }
        let read_only = options.split(',').any(|option| option == "ro");
        Some(Mount { path, device, kind: kind.to_owned(), read_only, size: None, free: None })
    });
    mounts.collect()
}

/// What `/proc/uptime` says.
pub(super) fn uptime(text: &str) -> Option<u64> {
    text.split_once('.')?.0.trim().parse().ok()
}

/// What the machine runs in, from what gives it away.
pub(super) fn virtualization(vendor: &str, cpuinfo: &str, container: &str, docker: bool) -> Option<String> {
    let container = container.trim();
    if !container.is_empty() {
        return Some(container.to_owned());
    }
    if docker {
        return Some("docker".to_owned());
    }
    let vendors = [
        ("QEMU", "kvm"),
        ("Amazon EC2", "kvm"),
        ("Google", "kvm"),
        ("KVM", "kvm"),
        ("VMware", "vmware"),
        ("Microsoft Corporation", "hyperv"),
        ("innotek GmbH", "virtualbox"),
        ("Xen", "xen"),
        ("Parallels", "parallels"),
    ];
    let known = vendors.iter().find(|(name, _)| vendor.trim().starts_with(name));
    if let Some((_, kind)) = known {
        return Some((*kind).to_owned());
    }
    let flags = value(cpuinfo, "flags").unwrap_or_default();
    flags.split_whitespace().any(|flag| flag == "hypervisor").then(|| "unknown".to_owned())
}

// === impl Mount ===

impl Mount {
    /// With what there is room for, if it answers.
    pub(super) fn measured(self, root: &Path) -> Self {
        let Ok(stat) = rustix::fs::statvfs(root.join(self.path.trim_start_matches('/'))) else { return self };
        let bytes = |blocks: u64| blocks.checked_mul(stat.f_frsize);
        Self { size: bytes(stat.f_blocks), free: bytes(stat.f_bavail), ..self }
    }
}

fn key(line: &str) -> Option<&str> {
    Some(line.split_once(':')?.0.trim())
}

/// The value of the first line that has this key.
fn value(text: &str, wanted: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| key.trim() == wanted)?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A name in which spaces and the like stand as `\040`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .filter(|digits| *first == b'\\' && digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        match octal {
            Some(digits) => {
                let value = digits.iter().fold(0_u16, |value, digit| value * 8 + u16::from(digit - b'0'));
                bytes.push(u8::try_from(value).unwrap_or(b'?'));
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
