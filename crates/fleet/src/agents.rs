//! The agents' programs on this side: where they lie, and which one fits which machine.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, OnceCell};
use windlass_plugin::CallError;

/// The agents that can be placed. Cheap to clone; read when the first one is needed.
#[derive(Clone, Debug)]
pub struct Agents(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Where they may lie, and for which machine each is, as `uname -m` calls it. The first of a machine counts.
    files: Vec<(String, PathBuf)>,
    read: OnceCell<BTreeMap<String, Binary>>,
}

/// An agent's program. What stands in it is read when it is to be placed, which is seldom: it is megabytes.
#[derive(Clone)]
pub(crate) struct Binary {
    path: PathBuf,
    hash: String,
    len: u64,
    /// For which machine it is, where it says so.
    of: Option<&'static str>,
    /// As gzip packs it: what arrives so takes a third of the time on a slow line, and of the encryption.
    packed: Arc<OnceCell<Arc<[u8]>>>,
    /// As it is, for hosts without gzip. They are few, so it is kept no longer than one of them takes it.
    plain: Arc<Mutex<Weak<[u8]>>>,
}

/// The variable that says where the agent lies: a file for machines like this one, or a directory of several.
const VARIABLE: &str = "WINDLASS_AGENT";
const NAME: &str = "windlass-agent";
/// What an agent is called where it was placed, before some digits of its hash.
const PLACED: &str = "agent-";
/// How many.
const HASHED: usize = 16;
const MACHINES: [&str; 6] = ["x86_64", "aarch64", "armv7l", "riscv64", "ppc64le", "s390x"];

// === impl Agents ===

impl Agents {
    /// Where agents are looked for: what `$WINDLASS_AGENT` names, else beside this program, else in `../libexec/windlass`
    /// and `../libexec` from there. `windlass-agent` is for machines like this one, `windlass-agent-<machine>` for others.
    #[must_use]
    pub fn of_this_process() -> Self {
        if let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()).map(PathBuf::from) {
            return match named.is_dir() {
                true => Self::within([named]),
                false => Self::of(std::env::consts::ARCH, &named),
            };
        }
        let program = std::env::current_exe().ok();
        let Some(own) = program.as_deref().and_then(Path::parent) else { return Self::within([]) };
        let libexec = own.parent().map(|above| above.join("libexec"));
        let libexec = libexec.into_iter().flat_map(|libexec| [libexec.join("windlass"), libexec]);
        Self::within([own.to_owned()].into_iter().chain(libexec))
    }

    /// Those that lie in some directories.
    pub fn within(directories: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut files = Vec::new();
        for directory in directories {
            files.push((std::env::consts::ARCH.to_owned(), directory.join(NAME)));
            let others =
                MACHINES.map(|machine| (machine.to_owned(), directory.join(format!("{NAME}-{machine}"))));
            files.extend(others);
        }
        Self(Arc::new(Inner { files, read: OnceCell::new() }))
    }

    /// This one, for machines of a kind.
    #[must_use]
    pub fn of(machine: &str, path: &Path) -> Self {
        let files = vec![(machine.to_owned(), path.to_owned())];
        Self(Arc::new(Inner { files, read: OnceCell::new() }))
    }

    /// The same, and this one for machines of a kind, where there is no other.
    #[must_use]
    pub fn or(self, machine: &str, path: &Path) -> Self {
        let mut files = self.0.files.clone();
        files.push((machine.to_owned(), path.to_owned()));
        Self(Arc::new(Inner { files, read: OnceCell::new() }))
    }

    /// Whether a program is called as agents are where they were placed.
    #[must_use]
    pub fn is_placed(program: &Path) -> bool {
        let name = program.file_name().and_then(|name| name.to_str());
        let hash = name.and_then(|name| name.strip_prefix(PLACED)).unwrap_or_default();
        hash.len() == HASHED && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// None at all.
    #[must_use]
    pub fn none() -> Self {
        Self::within([])
    }

    /// All of them by machine.
    ///
    /// # Errors
    ///
    /// One is there and cannot be read.
    pub(crate) async fn all(&self) -> Result<&BTreeMap<String, Binary>, CallError> {
        let read = async {
            let files = self.0.files.clone();
            // They are hashed, and are megabytes.
            let read = tokio::task::spawn_blocking(move || read(files)).await;
            read.unwrap_or_else(|_| {
                Err(CallError::retryable("agent", "the agent's program was not read to its end"))
            })
        };
        self.0.read.get_or_try_init(|| read).await
    }

    /// The one for a system, as `uname -sm` calls it.
    pub(crate) async fn fit(&self, system: &str) -> Result<Option<&Binary>, CallError> {
        Ok(system.strip_prefix("Linux ").map(|machine| machine.trim()).and_then({
            let all = self.all().await?;
            |machine| all.get(machine)
        }))
    }

    /// Why there is none for a system, and what to do.
    pub(crate) fn lack(&self, system: &str) -> String {
        let mut places: Vec<String> = Vec::new();
        for (_, file) in &self.0.files {
            let place = file.parent().unwrap_or(file).display().to_string();
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let machine = system.rsplit(' ').next().unwrap_or(system);
        let name =
            if machine == std::env::consts::ARCH { NAME.to_owned() } else { format!("{NAME}-{machine}") };
        let places = if places.is_empty() { "any place".to_owned() } else { places.join(" or ") };
        format!(
            "there is no agent for `{system}`: `{name}` is not in {places}; put it there, or name it in ${VARIABLE}"
        )
    }
}

fn read(files: Vec<(String, PathBuf)>) -> Result<BTreeMap<String, Binary>, CallError> {
    let mut agents = BTreeMap::new();
    for (machine, path) in files {
        if agents.contains_key(&machine) {
            continue;
        }
        match Binary::at(&path) {
            Ok(binary) => {
                agents.insert(machine, binary);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(unreadable(&path, &error));
            }
        }
    }
    Ok(agents)
}

fn unreadable(path: &Path, error: &io::Error) -> CallError {
    let message = format!("the agent {} cannot be read", path.display());
    CallError::permanent("agent", message).because(error)
}

// === impl Binary ===

impl Binary {
    fn at(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (mut digest, mut len) = (Sha256::new(), 0_u64);
        let mut bytes = vec![0; 128 << 10];
        let mut of = None;
        loop {
            let count = file.read(&mut bytes)?;
            if count == 0 {
                break;
            }
            let piece = bytes.get(..count).unwrap_or_default();
            if len == 0 {
                of = machine_of(piece);
            }
            digest.update(piece);
            len = len.saturating_add(count as u64);
        }
        Ok(Self {
            path: path.to_owned(),
            hash: hex(digest),
            len,
            of,
            packed: Arc::default(),
            plain: Arc::new(Mutex::new(Weak::<[u8; 0]>::new())),
        })
    }

    /// What stands in it, packed. It is made once for all hosts.
    ///
    /// # Errors
    ///
    /// It cannot be read any more, or is another one by now.
    pub(crate) async fn packed(&self) -> Result<Arc<[u8]>, CallError> {
        let packed = self.packed.get_or_try_init(|| {
            self.read(|path, plain| pack(&plain).map_err(|error| unreadable(path, &error)))
        });
        packed.await.cloned()
    }

    /// What stands in it.
    ///
    /// # Errors
    ///
    /// It cannot be read any more, or is another one by now.
    pub(crate) async fn plain(&self) -> Result<Arc<[u8]>, CallError> {
        let mut kept = self.plain.lock().await;
        if let Some(plain) = kept.upgrade() {
            return Ok(plain);
        }
        let plain = self.read(|_, plain| Ok(plain)).await?;
        *kept = Arc::downgrade(&plain);
        Ok(plain)
    }

    async fn read(
        &self,
        then: impl FnOnce(&Path, Vec<u8>) -> Result<Vec<u8>, CallError> + Send + 'static,
    ) -> Result<Arc<[u8]>, CallError> {
        let (path, hash) = (self.path.clone(), self.hash.clone());
        let read = tokio::task::spawn_blocking(move || {
            let plain = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
            if hex(Sha256::new_with_prefix(&plain)) != hash {
                let message = format!("the agent {} was replaced meanwhile", path.display());
                return Err(CallError::permanent("agent", message));
            }
            Ok(Arc::from(then(&path, plain)?))
        });
        read.await.unwrap_or_else(|_| {
            Err(CallError::retryable("agent", "the agent's program was not read to its end"))
        })
    }

    /// What is wrong with it as one for a machine, by which a shell would take it for a script.
    pub(crate) fn unfit(&self, machine: &str) -> Option<String> {
        let other = self.of.filter(|other| *other != machine)?;
        let path = self.path.display();
        Some(format!(
            "the agent {path} is to be one for {machine} and is one for {other}; call it {NAME}-{other}"
        ))
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }

    /// What it is called on a host.
    pub(crate) fn name(&self) -> String {
        format!("{PLACED}{}", self.hash.get(..HASHED).unwrap_or(&self.hash))
    }
}

/// The machine that a program is for, as `uname -m` calls it, by the beginning of its file; `None` of what is no program
/// for Linux, or one for a machine that is not known here.
fn machine_of(head: &[u8]) -> Option<&'static str> {
    let number = head.get(18..)?.first_chunk()?;
    let (class, order) = (head.get(4)?, head.get(5)?);
    match (head.starts_with(b"\x7fELF"), class, order) {
        (true, 2, 1) => match u16::from_le_bytes(*number) {
            62 => Some("x86_64"),
            183 => Some("aarch64"),
            243 => Some("riscv64"),
            21 => Some("ppc64le"),
            _ => None,
        },
        (true, 1, 1) => (u16::from_le_bytes(*number) == 40).then_some("armv7l"),
        (true, 2, 2) => (u16::from_be_bytes(*number) == 22).then_some("s390x"),
        _ => None,
    }
}

fn pack(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(plain)?;
    packer.finish()
}

fn hex(digest: Sha256) -> String {
    let digest: [u8; 32] = digest.finalize().into();
    digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

impl std::fmt::Debug for Binary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Binary").field(&self.hash).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_placed_is_known_by_its_name_and_nothing_else_is() {
        let dir = tempfile::TempDir::new().unwrap();
        let own = dir.path().join("windlass");
        std::fs::write(&own, "own").unwrap();
        let agents = Agents::within([dir.path().join("none")]).or("x86_64", &own);
        let placed = agents.all().await.unwrap()["x86_64"].name();
        assert!(Agents::is_placed(&Path::new("/home/ada/.cache/windlass").join(placed)));
        for other in ["windlass", "windlass-agent", "agent-", "agent-smith", "agent-c8dfb2e065ed4d9", ""] {
            assert!(!Agents::is_placed(Path::new(other)), "{other}");
        }
    }

    #[tokio::test]
    async fn the_first_of_a_machine_counts_and_a_lack_says_where_to_put_it() {
        let dir = tempfile::TempDir::new().unwrap();
        let (near, far) = (dir.path().join("near"), dir.path().join("far"));
        for (place, name, text) in
            [(&near, NAME, "own"), (&far, NAME, "other"), (&far, "windlass-agent-aarch64", "arm")]
        {
            std::fs::create_dir_all(place).unwrap();
            std::fs::write(place.join(name), text).unwrap();
        }
        let agents = Agents::within([near, far]);
        let own = format!("Linux {}", std::env::consts::ARCH);
        let fit = agents.fit(&own).await.unwrap().unwrap();
        assert_eq!((&*fit.plain().await.unwrap(), fit.len()), (b"own".as_slice(), 3));
        assert!(agents.fit("Linux riscv64").await.unwrap().is_none());
        assert!(agents.fit("FreeBSD amd64").await.unwrap().is_none());
        let lack = Agents::within([PathBuf::from("/opt/a"), PathBuf::from("/opt/b")]).lack("Linux mips");
        assert_eq!(
            lack,
            "there is no agent for `Linux mips`: `windlass-agent-mips` is not in /opt/a or /opt/b; put it there, or name it in $WINDLASS_AGENT"
        );
    }

    #[tokio::test]
    async fn a_program_for_another_machine_is_known_by_its_beginning() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join(NAME);
        let own = std::env::current_exe().unwrap();
        let mut head = std::fs::read(own).unwrap();
        head.truncate(64);
        assert_eq!(machine_of(&head), Some(std::env::consts::ARCH));
        head[18..20].copy_from_slice(&22_u16.to_be_bytes());
        (head[4], head[5]) = (2, 2);
        std::fs::write(&path, &head).unwrap();
        let agents = Agents::of("x86_64", &path);
        let agent = agents.fit("Linux x86_64").await.unwrap().unwrap();
        assert_eq!(
            agent.unfit("x86_64").unwrap().replace(&path.display().to_string(), "PATH"),
            "the agent PATH is to be one for x86_64 and is one for s390x; call it windlass-agent-s390x"
        );
        assert_eq!(agent.unfit("s390x"), None);
        assert_eq!((machine_of(b"#!/bin/sh\n"), machine_of(b"")), (None, None));
    }

    #[tokio::test]
    async fn an_agent_that_is_another_one_by_now_is_not_placed() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join(NAME);
        std::fs::write(&path, "one").unwrap();
        let agents = Agents::of("mips", &path);
        let binary = agents.fit("Linux mips").await.unwrap().unwrap();
        std::fs::write(&path, "two").unwrap();
        for error in [binary.plain().await.unwrap_err(), binary.packed().await.unwrap_err()] {
            assert!(error.message.contains("was replaced meanwhile"), "{error}");
        }
    }
}
