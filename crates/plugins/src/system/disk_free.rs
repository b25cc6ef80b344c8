//! `disk.free`: looks whether a file system has room.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Plugin, Reply, Simulated, Simulation};

use super::state::judged;
use crate::files::trouble::trouble;
use crate::look;

/// Passes when a file system has room.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFree;

/// What `disk.free` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// A path on the file system.
    pub path: PathBuf,
    /// How much must be free for those who are not root: a share such as `10%`, or a size such as `5GiB`.
    #[serde(default)]
    pub least: Option<String>,
    /// How many more files it must be able to hold: a share such as `5%`, or a number.
    #[serde(default)]
    pub least_files: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// How many bytes are free.
    pub free_bytes: u64,
    /// How many bytes there are.
    pub total_bytes: u64,
    /// How many more files it can hold.
    pub free_files: u64,
    /// How many files it can hold; 0 where there is no limit.
    pub total_files: u64,
}

/// How much of something.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Amount {
    Share(f64),
    Count(u64),
}

// === impl Amount ===

impl Amount {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(share) = text.strip_suffix('%') {
            let share: f64 = share.trim().parse().ok()?;
            return (0.0..=100.0).contains(&share).then_some(Self::Share(share));
        }
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit = match unit.trim() {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1_u64 << 40,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(unit).map(Self::Count)
    }

    /// Whether this much is there.
    fn is_met(self, free: u64, total: u64) -> bool {
        match self {
            Self::Count(least) => free >= least,
            Self::Share(least) => share(free, total) >= least,
        }
    }
}

// === impl DiskFree ===

impl Plugin for DiskFree {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::check("disk.free", "passes when a file system has room")
            .on_target()
            .example("before an upgrade", json!({"path": "/var", "least": "5GiB"}))
            .example(
                "room for bytes and for files",
                json!({"path": "/srv", "least": "10%", "leastFiles": "5%"}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        for (field, text) in [("least", &request.least), ("leastFiles", &request.least_files)] {
            if let Some(text) = text
                && Amount::read(text).is_none()
            {
                problems.push(format!(
                    "`{field}`: `{text}` is neither a share such as 10% nor a size such as 5GiB or 500MB"
                ));
            }
        }
        if request.least.is_none() && request.least_files.is_none() {
            problems.push("`least`: it is missing, and so is `leastFiles`".into());
        }
        judged(problems)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let path = request.path.clone();
        // A file system on a server that does not answer must not hold up everything else.
        let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&path));
        let asked = look::unless_cancelled(&call, asked).await?;
        let asked = asked.map_err(|error| CallError::retryable("io", error.to_string()))?;
        let found = asked.map_err(|error| trouble("look at", &request.path, error))?;
        let response = Response {
            free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
            total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
            free_files: found.f_favail,
            total_files: found.f_files,
        };
        let path = request.path.display();
        let amount = |text: &Option<String>| text.as_deref().and_then(Amount::read);
        if let Some(least) = amount(&request.least)
            && !least.is_met(response.free_bytes, response.total_bytes)
        {
            let (free, share) =
                (shown(response.free_bytes), share(response.free_bytes, response.total_bytes));
            let least = request.least.clone().unwrap_or_default();
            let message = format!("`{path}` has {free} free ({share:.1}%), less than {least}");
            return Err(look::not_so(message, response));
        }
        // Some file systems make room for files as they are needed, and say 0.
        if let Some(least) = amount(&request.least_files).filter(|_| response.total_files > 0)
            && !least.is_met(response.free_files, response.total_files)
        {
            let least = request.least_files.clone().unwrap_or_default();
            let share = share(response.free_files, response.total_files);
            let message = format!(
                "`{path}` can hold {} more files ({share:.1}%), less than {least}",
                response.free_files
            );
            return Err(look::not_so(message, response));
        }
        Ok(Reply::unchanged(response))
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Response> {
        let total = 100 << 30;
        look::passes(simulation, Response { free_bytes: total, total_bytes: total, ..Response::default() })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of a disk needs no more than 52 bits")]
fn share(free: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { free as f64 * 100.0 / total as f64 }
}

/// A size, for people.
fn shown(bytes: u64) -> String {
    const UNITS: &[(&str, u64)] = &[("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*size);
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        assert_eq!(Amount::read("10%"), Some(Amount::Share(10.0)));
        assert_eq!(Amount::read("5GiB"), Some(Amount::Count(5 << 30)));
        assert_eq!(Amount::read("500 MB"), Some(Amount::Count(500_000_000)));
        assert_eq!(Amount::read("17"), Some(Amount::Count(17)));
        for bad in ["", "%", "101%", "-1%", "5G", "GiB", "5.5GiB", "99999999999999TiB", "NaN%"] {
            assert_eq!(Amount::read(bad), None, "{bad}");
        }
        assert!(Amount::Share(10.0).is_met(10, 100) && !Amount::Share(10.0).is_met(9, 100));
        assert_eq!((shown(1536 << 20), shown(12)), ("1.5 GiB".into(), "12 B".into()));
    }
}
