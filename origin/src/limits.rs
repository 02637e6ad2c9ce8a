//! How much strangers may take: connections in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::notices::Notices;

/// What peers may take; 0 connections: as many as come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// HTTP and HTTPS.
    pub http_connections: u32,
    /// The same from one address.
    pub http_connections_per_address: u32,
    /// RTMP and RTMPS.
    pub rtmp_connections: u32,
    /// The same from one address.
    pub rtmp_connections_per_address: u32,
    /// From connecting to the end of the first request's header, TLS handshake included.
    pub header_secs: u32,
    /// An HTTP connection on which nothing moves is closed after one to two times this.
    pub idle_secs: u32,
    /// Largest header of an HTTP request.
    pub header_kib: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http_connections: 16_384,
            http_connections_per_address: 2_048,
            rtmp_connections: 1_024,
            rtmp_connections_per_address: 256,
            header_secs: 10,
            idle_secs: 60,
            header_kib: 16,
        }
    }
}

impl Config {
    /// # Errors
    /// When a value makes no sense; the message names it.
    pub fn check(&self) -> Result<()> {
        for (name, value, least, most) in [
            ("header_secs", self.header_secs, 1, 600),
            ("idle_secs", self.idle_secs, 1, 3_600),
            ("header_kib", self.header_kib, 8, 1_024),
        ] {
            ensure!(
                (least..=most).contains(&value),
                "limits.{name} is {value}, allowed are {least} to {most}"
            );
        }
        Ok(())
    }

    /// For the first request.
    pub fn header(&self) -> Duration {
        Duration::from_secs(self.header_secs.into())
    }

    /// For everything after it.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_secs.into())
    }

    /// Room for HTTP connections.
    pub fn http(&self, notices: Arc<Notices>) -> Arc<Places> {
        let most = Most { all: self.http_connections, address: self.http_connections_per_address };
        Places::new("HTTP", "http_connections", most, notices)
    }

    /// Room for RTMP connections.
    pub fn rtmp(&self, notices: Arc<Notices>) -> Arc<Places> {
        let most = Most { all: self.rtmp_connections, address: self.rtmp_connections_per_address };
        Places::new("RTMP", "rtmp_connections", most, notices)
    }
}

#[derive(Clone, Copy, Debug)]
struct Most {
    all: u32,
    address: u32,
}

/// Room for connections of one protocol.
#[derive(Debug)]
pub struct Places {
    protocol: &'static str,
    setting: &'static str,
    most: Most,
    notices: Arc<Notices>,
    refused: AtomicU64,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: u32,
    by_address: HashMap<IpAddr, u32>,
    /// There was a word about too many in all.
    told_all: bool,
    /// There was a word about too many from this one.
    told_address: Option<IpAddr>,
}

/// One connection's place; dropping it makes room.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    fn new(
        protocol: &'static str,
        setting: &'static str,
        most: Most,
        notices: Arc<Notices>,
    ) -> Arc<Self> {
        let (refused, taken) = (AtomicU64::new(0), Mutex::default());
        Arc::new(Self { protocol, setting, most, notices, refused, taken })
    }

    /// A place for a connection from `peer`, if there is one left. That there is none is told once,
    /// until there is room again.
    pub fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let address = subscriber(peer);
        let mut taken = self.lock();
        let from_here = taken.by_address.get(&address).copied().unwrap_or(0);
        let full = |most: u32, now: u32| most > 0 && now >= most;
        let Most { all, address: per_address } = self.most;
        let (protocol, setting) = (self.protocol, self.setting);
        if full(all, taken.all) {
            self.refused.fetch_add(1, Relaxed);
            if !std::mem::replace(&mut taken.told_all, true) {
                self.notices.raise(&self.subject("all"), &format!(
                    "there are {all} {protocol} connections: more are refused; raise limits.{setting}, or look who they are"
                ));
            }
            return None;
        }
        if full(per_address, from_here) {
            self.refused.fetch_add(1, Relaxed);
            if taken.told_address.is_none() {
                taken.told_address = Some(address);
                self.notices.raise(&self.subject("address"), &format!(
                    "{address} has {per_address} {protocol} connections: more are refused; if it is a proxy, raise limits.{setting}_per_address"
                ));
            }
            return None;
        }
        taken.all += 1;
        *taken.by_address.entry(address).or_default() += 1;
        Some(Place { places: self.clone(), address })
    }

    /// Connections that found no place.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Connections that are open.
    pub fn taken(&self) -> u32 {
        self.lock().all
    }

    fn leave(&self, address: IpAddr) {
        let mut taken = self.lock();
        taken.all -= 1;
        let left = taken.by_address.get_mut(&address).map_or(0, |count| {
            *count -= 1;
            *count
        });
        if left == 0 {
            taken.by_address.remove(&address);
        }
        // Not at the first free place: it will be gone again.
        let has_room = |most: u32, now: u32| u64::from(now) * 4 <= u64::from(most) * 3;
        if taken.told_all && has_room(self.most.all, taken.all) {
            taken.told_all = false;
            self.notices.clear(&self.subject("all"));
        }
        if taken.told_address == Some(address) && has_room(self.most.address, left) {
            taken.told_address = None;
            self.notices.clear(&self.subject("address"));
        }
    }

    fn subject(&self, what: &str) -> String {
        format!("{} connections, {what}", self.protocol)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.leave(self.address);
    }
}

/// What one customer of a network has: an IPv4 address, or the first half of an IPv6 address.
fn subscriber(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

/// Allows this process as many files as the system lets it: connections are files.
pub fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::debug!("the limit of open files stays at {current:?}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_limited_in_all_and_by_address_and_told_once() {
        let notices = Arc::new(Notices::default());
        let config =
            Config { http_connections: 6, http_connections_per_address: 4, ..Config::default() };
        let places = config.http(notices.clone());
        let mut mine: Vec<_> = (0..4).filter_map(|_| places.take(ip("10.0.0.1"))).collect();
        assert!(places.take(ip("10.0.0.1")).is_none());
        assert!(places.take(ip("::ffff:10.0.0.1")).is_none(), "the same one");
        assert_eq!((places.taken(), places.refused(), notices.all().len()), (4, 2, 1));
        assert!(notices.all()[0].text.contains("10.0.0.1"));
        let theirs: Vec<_> =
            ["2001:db8::1", "2001:db8::2"].map(|peer| places.take(ip(peer))).into();
        assert!(theirs.iter().all(Option::is_some));
        assert!(places.take(ip("10.0.0.2")).is_none(), "all are taken");
        assert_eq!(notices.all().len(), 2);
        mine.pop();
        assert_eq!(notices.all().len(), 1, "that one has room again");
        drop((mine, theirs));
        assert_eq!((places.taken(), notices.all().len()), (0, 0));
        assert!(places.lock().by_address.is_empty());
    }

    #[test]
    fn nought_is_no_limit() {
        let config =
            Config { rtmp_connections: 0, rtmp_connections_per_address: 0, ..Config::default() };
        let places = config.rtmp(Arc::default());
        let taken: Vec<_> = (0..5_000).map_while(|_| places.take(ip("10.0.0.1"))).collect();
        assert_eq!(taken.len(), 5_000);
    }
}
