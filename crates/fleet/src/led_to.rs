//! Where names have led to: the address of a host when it was last reached by its name, for when that leads nowhere.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

/// Keeps addresses by the names that led to them.
pub trait LedTo: Send + Sync + fmt::Debug {
    /// Where a name led to when a host was last reached by it.
    fn recall(&self, name: &str) -> Option<IpAddr>;

    /// A host was reached there by its name, and it is the host that was meant.
    fn note(&self, name: &str, address: IpAddr);
}

/// Keeps none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

/// Keeps them in a directory, a file for each name.
#[derive(Clone, Debug)]
pub struct InDirectory(pub PathBuf);

// === impl Nowhere ===

impl LedTo for Nowhere {
    fn recall(&self, _: &str) -> Option<IpAddr> {
        None
    }

    fn note(&self, _: &str, _: IpAddr) {}
}

// === impl InDirectory ===

impl InDirectory {
    /// A name may be longer than that of a file, and hold anything.
    fn file(&self, name: &str) -> PathBuf {
        let digest: [u8; 32] = Sha256::digest(name.to_lowercase().as_bytes()).into();
        let digest = digest.iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        self.0.join(digest)
    }
}

impl LedTo for InDirectory {
    fn recall(&self, name: &str) -> Option<IpAddr> {
        let text = fs::read_to_string(self.file(name)).ok()?;
        let (address, of) = text.trim_end().split_once(' ')?;
        (of == name.to_lowercase()).then_some(address.parse().ok()?)
    }

    /// What cannot be kept is not known later, which harms nobody now.
    fn note(&self, name: &str, address: IpAddr) {
        if self.recall(name) == Some(address) {
            return;
        }
        let path = self.file(name);
        let fresh = path.with_extension(std::process::id().to_string());
        let text = format!("{address} {}\n", name.to_lowercase());
        // What it lies in is made by who knows for whom.
        let _ = fs::create_dir(&self.0);
        let _ = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_address_of_a_name_is_kept() {
        let dir = tempfile::TempDir::new().unwrap();
        let kept = InDirectory(dir.path().join("names"));
        assert_eq!(kept.recall("web01.example.org"), None);
        for address in ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().unwrap()) {
            kept.note("web01.example.org", address);
            kept.note("web01.example.org", address);
            assert_eq!(kept.recall("Web01.example.org"), Some(address));
        }
        assert_eq!(fs::read_dir(dir.path().join("names")).unwrap().count(), 1);
        assert_eq!(kept.recall("web02.example.org"), None);
    }
}
