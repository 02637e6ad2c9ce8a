//! A way around a fault of the web server in wasm-bindgen's test runner.
//!
//! The server (tiny_http 0.12) counts a thread as free until it wakes. Of connections that a browser
//! opens at once two can be given to one thread: the second is never read, and the page waits for its
//! script for ever. While all of its first threads are busy with connections on which nothing
//! happens, every other connection gets a thread of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use anyhow::{Context, Result};

/// More than the threads that it begins with, of which some may not be there yet.
const CONNECTIONS: usize = 8;
/// A thread wakes within this time.
const APART: Duration = Duration::from_millis(25);

/// Below those that systems give to clients: none of our own connections can take it.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// Keeps a server's first threads busy, from when it is there.
pub struct Busy {
    /// Where the server has to be.
    pub address: SocketAddr,
    _until_dropped: Sender<()>,
}

impl Busy {
    /// For a server that is still to come, at an address where none is.
    pub fn start() -> Result<Self> {
        let address = free_address().context("no port from 20000 to 29999 is free")?;
        let (until_dropped, dropped) = mpsc::channel();
        std::thread::spawn(move || {
            let mut connections = Vec::new();
            while dropped.recv_timeout(APART) == Err(RecvTimeoutError::Timeout) {
                if connections.len() < CONNECTIONS {
                    connections.extend(TcpStream::connect(address));
                }
            }
        });
        Ok(Self { address, _until_dropped: until_dropped })
    }
}

fn free_address() -> Option<SocketAddr> {
    let start = std::process::id() as usize % PORTS.len();
    let mut ports = PORTS.cycle().skip(start).take(PORTS.len());
    let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    ports.find(|port| TcpListener::bind(address(*port)).is_ok()).map(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_comes_later_gets_its_connections() {
        let busy = Busy::start().expect("a port");
        let server = TcpListener::bind(busy.address).expect("it is free");
        let accepted: Vec<_> = server.incoming().take(CONNECTIONS).collect();
        assert!(accepted.iter().all(Result::is_ok));
    }
}
