//! A line to a host that takes its time.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// A line over which everything arrives so much later than it was sent, and as much at once as was sent.
///
/// Dropped, it takes no further connections; those that there are go on.
#[derive(Debug)]
pub struct SlowLine {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

/// What was sent, and when it is to arrive.
type Parcel = (Instant, Vec<u8>);

/// How many parcels are on their way at once: what a line of 1 Gbit/s would hold, and more.
const ON_THE_WAY: usize = 1024;
const PARCEL: usize = 64 << 10;

// === impl SlowLine ===

impl SlowLine {
    /// A line to an address that takes so long in each direction.
    ///
    /// # Errors
    ///
    /// No port can be had.
    pub fn to(host: SocketAddr, each_way: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        thread::spawn(move || {
            for near in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(near) = near else { continue };
                // Whoever connects sees the connection end where the host cannot be reached.
                let _ = join(near, host, each_way);
            }
        });
        Ok(Self { address, is_over })
    }

    /// Where it begins.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for SlowLine {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // So that it looks.
        let _ = TcpStream::connect(self.address);
    }
}

fn join(near: TcpStream, host: SocketAddr, each_way: Duration) -> io::Result<()> {
    let far = TcpStream::connect(host)?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    for (from, to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        let (sender, receiver) = sync_channel(ON_THE_WAY);
        thread::spawn(move || take(from, &sender, each_way));
        thread::spawn(move || give(to, &receiver));
    }
    Ok(())
}

fn take(mut from: TcpStream, sender: &SyncSender<Parcel>, each_way: Duration) {
    let mut bytes = vec![0; PARCEL];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let parcel = bytes.get(..count).unwrap_or_default().to_vec();
        if sender.send((Instant::now() + each_way, parcel)).is_err() {
            break;
        }
    }
}

fn give(mut to: TcpStream, receiver: &Receiver<Parcel>) {
    while let Ok((due, parcel)) = receiver.recv() {
        // tidy-allow: sleep: taking its time is what it is for
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&parcel).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_takes_both_ways_and_what_is_sent_at_once_arrives_at_once() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = echo.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = echo.accept().unwrap();
            let mut reader = stream.try_clone().unwrap();
            io::copy(&mut reader, &mut stream)
        });
        let each_way = Duration::from_millis(40);
        let line = SlowLine::to(address, each_way).unwrap();
        let mut stream = TcpStream::connect(line.address()).unwrap();
        let begun = Instant::now();
        let sent = vec![7; 300_000];
        let mut writer = stream.try_clone().unwrap();
        let all = sent.clone();
        thread::spawn(move || {
            writer.write_all(&all).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        assert_eq!(got, sent);
        assert!(begun.elapsed() >= each_way * 2);
    }
}
