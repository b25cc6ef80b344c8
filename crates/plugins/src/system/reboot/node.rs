//! What the node is asked: which start it is in, to reboot, and whether the test passes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use windlass_plugin::{Call, CallError, Line, Span};

use super::Request;
use crate::look::unless_cancelled;
use crate::system::at_node::{Ended, Script};
use crate::system::tool::shortened;

/// The node of an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    pub(super) call: &'a Call,
    pub(super) request: &'a Request,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The start that it is in.
    pub(super) start: String,
    /// The start that an attempt of this action noted before it ordered the reboot.
    pub(super) noted: Option<String>,
    /// Whether what asks for a reboot is there.
    pub(super) is_wanted: bool,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Taken,
    Refused(String),
    /// The connection went first. That is how many machines say yes.
    Unknown,
}

/// The start, by the kernel's id of it, and by when the first process began; where notes are kept.
const PROLOGUE: &str = "
set -u
start=$(cat /proc/sys/kernel/random/boot_id)/$(sed 's/.*) //' /proc/1/stat 2>/dev/null | cut -d' ' -f20)
if [ \"$(id -u)\" = 0 ]; then notes=/var/lib/windlass/reboots
else notes=${XDG_STATE_HOME:-$HOME/.local/state}/windlass/reboots; fi
note=$notes/$WINDLASS_NOTE
";

const LOOK: &str = "
echo \"start $start\"
[ ! -f \"$note\" ] || echo \"noted $(cat \"$note\")\"
[ -z \"$WINDLASS_ONLY_IF\" ] || [ ! -e \"$WINDLASS_ONLY_IF\" ] || echo wanted
";

/// Notes before it acts, and acts only in the start that was noted.
const ORDER: &str = "
[ \"$start\" = \"$WINDLASS_START\" ] || exit 0
if [ ! -f \"$note\" ]; then
  mkdir -p \"$notes\" && echo \"$start\" > \"$note.new\" && mv \"$note.new\" \"$note\" && sync || exit 97
  find \"$notes\" -type f -mtime +90 -exec rm -f {} + 2>/dev/null
fi
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
[ $# -gt 0 ] || { if command -v shutdown >/dev/null; then set -- shutdown -r now; else set -- reboot; fi; }
exec \"$@\"
";

/// How long an order may take. A machine that goes down at once does not answer it.
const ORDER_WITHIN: Span = Span::secs(30);

// === impl Node ===

impl Node<'_> {
    pub(super) async fn look(self, line: Line, within: Span) -> Result<Found, CallError> {
        let only_if = self.request.only_if.as_ref().map(|path| path.display().to_string());
        let env = BTreeMap::from([("WINDLASS_ONLY_IF", only_if.unwrap_or_default())]);
        let ended = self.ask(&format!("{PROLOGUE}{LOOK}"), &[], env, line, within, false).await?;
        read(&ended.stdout).filter(|_| ended.code == 0).ok_or_else(|| {
            let message = format!("which start the machine is in cannot be told: {}", ended.last_line);
            CallError::retryable("start", message)
        })
    }

    /// Looks until there is an answer.
    pub(super) async fn look_patiently(self, begun: Instant) -> Result<Found, CallError> {
        loop {
            match self.look(Line::Fresh, self.each(begun)).await {
                Ok(found) => return Ok(found),
                Err(error) if self.call.cancel.level().is_some() => return Err(error),
                Err(error) => {
                    self.pause(begun, || late("it could not be reached", self.request.back_within, &error))
                        .await?
                }
            }
        }
    }

    pub(super) async fn order(self, start: &str) -> Result<Asked, CallError> {
        let env = BTreeMap::from([("WINDLASS_START", start.to_owned())]);
        let text = format!("{PROLOGUE}{ORDER}");
        let asked = self.ask(&text, &self.request.argv, env, Line::Warm, ORDER_WITHIN, true).await;
        match asked {
            Ok(ended) if ended.code == 0 => Ok(Asked::Taken),
            // The shell, or what it became, was ended with everything else.
            Ok(ended) if ended.code < 0 || ended.code > 128 => Ok(Asked::Unknown),
            Ok(ended) if ended.code == 97 => {
                Ok(Asked::Refused(format!("the start cannot be noted on the machine: {}", ended.last_line)))
            }
            Ok(ended) => {
                let said = shortened(&ended.last_line, 300);
                Ok(Asked::Refused(format!(
                    "the machine refuses to reboot (exit code {}): {said}",
                    ended.code
                )))
            }
            Err(error) if self.call.cancel.level().is_some() => Err(error),
            Err(_) => Ok(Asked::Unknown),
        }
    }

    /// Waits until it is in another start.
    pub(super) async fn another(self, before: &str, begun: Instant) -> Result<String, CallError> {
        let mut is_down = false;
        loop {
            let why = match self.look(Line::Fresh, self.each(begun)).await {
                Ok(found) if found.start != before => return Ok(found.start),
                Ok(_) if !is_down && begun.elapsed() >= self.request.down_within.0 => {
                    let message = format!("it did not go down within {}", self.request.down_within);
                    return Err(CallError::retryable("notDown", message));
                }
                Ok(_) => CallError::retryable("notDown", "it still is in the start that it was in"),
                Err(error) if self.call.cancel.level().is_some() => return Err(error),
                Err(error) => {
                    if !is_down {
                        is_down = true;
                        self.call.output.note(&format!("it is down, as it seems: {error}"));
                    }
                    error
                }
            };
            self.pause(begun, || late("it did not come back", self.request.back_within, &why)).await?;
        }
    }

    /// Waits until the test passes.
    pub(super) async fn tested(self, begun: Instant) -> Result<(), CallError> {
        let Some(test) = &self.request.test else { return Ok(()) };
        loop {
            // The test may wait by itself, as long as there is time.
            let within = Span(self.left(begun).max(self.request.each.0));
            let why = match self.ask(test, &[], BTreeMap::new(), Line::Warm, within, true).await {
                Ok(ended) if ended.code == 0 => return Ok(()),
                Ok(ended) => CallError::retryable(
                    "test",
                    format!("exit code {}: {}", ended.code, shortened(&ended.last_line, 300)),
                ),
                Err(error) if self.call.cancel.level().is_some() => return Err(error),
                Err(error) => error,
            };
            self.pause(begun, || {
                late("it is back, and the test did not pass", self.request.back_within, &why)
            })
            .await?;
        }
    }

    fn left(self, begun: Instant) -> Duration {
        self.request.back_within.0.saturating_sub(begun.elapsed())
    }

    fn each(self, begun: Instant) -> Span {
        Span(self.request.each.0.min(self.left(begun).max(Duration::from_secs(1))))
    }

    /// Waits for the next look, if there is time for one.
    async fn pause(self, begun: Instant, late: impl FnOnce() -> CallError) -> Result<(), CallError> {
        let left = self.left(begun);
        if left.is_zero() {
            return Err(late());
        }
        unless_cancelled(self.call, tokio::time::sleep(self.request.every.0.min(left))).await
    }

    async fn ask(
        self,
        text: &str,
        args: &[String],
        mut env: BTreeMap<&str, String>,
        line: Line,
        within: Span,
        shown: bool,
    ) -> Result<Ended, CallError> {
        env.insert("WINDLASS_NOTE", note(&self.call.key));
        env.entry("WINDLASS_ONLY_IF").or_default();
        Script { text, args, env, within, line, shown }.run(self.call).await
    }
}

/// The name of a note: the same for every attempt of an action in a run, and for nothing else.
fn note(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest.iter().take(16).fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

fn read(text: &str) -> Option<Found> {
    let of = |word: &str| {
        text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).map(str::to_owned)
    };
    Some(Found {
        start: of("start")?,
        noted: of("noted"),
        is_wanted: text.lines().any(|line| line == "wanted"),
    })
}

fn late(what: &str, within: Span, why: &CallError) -> CallError {
    let mut error = CallError::retryable("notBack", format!("{what} within {within}"));
    error.causes.push(why.message.clone());
    error.causes.extend(why.causes.clone());
    error
}
