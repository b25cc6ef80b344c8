//! Somebody who follows what happens in the runs of a plan, and comes back whenever the server was gone.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

/// What was heard of each run: the numbers of its events, as they came.
type Heard = Arc<Mutex<BTreeMap<String, Vec<u64>>>>;

pub(crate) struct Watching {
    heard: Heard,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<u32>>,
}

impl Watching {
    /// Follows from a version on.
    pub(crate) fn begin(address: &str, token: &str, path: &str, from: u64) -> Self {
        let (heard, is_over) = (Heard::default(), Arc::new(AtomicBool::new(false)));
        let (address, token, path) =
            (address.to_owned(), token.to_owned(), format!("{path}?watch=true&from={from}"));
        let (told, ends) = (Arc::clone(&heard), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let (mut last, mut times) = (None, 0);
            while !ends.load(Ordering::Relaxed) {
                if follow(&address, &token, &path, &mut last, &told, &ends).is_some() {
                    times += 1;
                }
                // tidy-allow: sleep: a server that is killed tells nobody when it is back
                std::thread::sleep(Duration::from_millis(20));
            }
            times
        });
        Self { heard, is_over, thread: Some(thread) }
    }

    /// The numbers of a run's events that were heard so far.
    pub(crate) fn of(&self, run: &str) -> Vec<u64> {
        self.heard.lock().unwrap().get(run).cloned().unwrap_or_default()
    }

    /// Ends it; how often it had to connect.
    pub(crate) fn end(mut self) -> u32 {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Follows until it is cut; none where there was nobody.
fn follow(
    address: &str,
    token: &str,
    path: &str,
    last: &mut Option<String>,
    heard: &Heard,
    is_over: &AtomicBool,
) -> Option<()> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(200))).ok()?;
    let since = last.as_ref().map_or_else(String::new, |last| format!("Last-Event-ID: {last}\r\n"));
    // In the older form nothing is cut into chunks.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{since}\r\n").ok()?;
    let mut lines = BufReader::new(stream);
    let (mut line, mut id, mut is_first) = (Vec::new(), None, true);
    while !is_over.load(Ordering::Relaxed) {
        match lines.read_until(b'\n', &mut line) {
            Ok(0) => return Some(()),
            Ok(_) if line.ends_with(b"\n") => {}
            Ok(_) => continue,
            // What has come of a line stays.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => return Some(()),
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if std::mem::take(&mut is_first) {
            assert!(text.contains(" 200 "), "behind {last:?}: {text}");
        }
        if let Some(found) = text.strip_prefix("id:") {
            id = Some(found.trim().to_owned());
        } else if let Some(data) = text.strip_prefix("data:") {
            let data: Value = serde_json::from_str(data).unwrap();
            let Some(run) = data["run"].as_str() else { continue };
            let numbers =
                data["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap());
            heard.lock().unwrap().entry(run.to_owned()).or_default().extend(numbers);
        } else if text.is_empty() && id.is_some() {
            *last = id.take();
        }
    }
    Some(())
}
