//! How many watch: clients that asked for a playlist of a stream a short while ago.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, header};

/// Players of segments of 10 s ask at least this often.
const RECENT: Duration = Duration::from_secs(15);
/// More are not told apart, so that strangers cannot take memory.
const MOST: usize = 50_000;
/// Places for viewers that were counted within the second; a power of two.
const COUNTED: usize = 4_096;

/// Viewers of all streams. Nobody is identified: a number made of address and browser is kept for
/// some seconds.
#[derive(Debug)]
pub struct Viewers {
    streams: Mutex<HashMap<String, HashMap<u64, Duration>>>,
    /// Who was counted within which second, by viewer: whoever is there needs no lock. Who is
    /// pushed out by another is merely counted anew.
    counted: Box<[AtomicU64]>,
}

impl Default for Viewers {
    fn default() -> Self {
        let counted = (0..COUNTED).map(|_| AtomicU64::new(0)).collect();
        Self { streams: Mutex::default(), counted }
    }
}

impl Viewers {
    /// Somebody asked for a playlist of `stream` at `now`. Behind a cache, who that says it was
    /// counts.
    pub fn saw(&self, stream: &str, peer: Option<IpAddr>, headers: &HeaderMap, now: Duration) {
        let mut hasher = DefaultHasher::new();
        peer.hash(&mut hasher);
        headers.get("x-forwarded-for").hash(&mut hasher);
        headers.get("x-playback-session-id").hash(&mut hasher);
        headers.get(header::USER_AGENT).hash(&mut hasher);
        stream.hash(&mut hasher);
        let viewer = hasher.finish();
        let place = &self.counted[viewer as usize % COUNTED];
        now.as_secs().hash(&mut hasher);
        let within_second = hasher.finish();
        if place.load(Relaxed) == within_second {
            return;
        }
        let mut streams = self.lock();
        if streams.len() >= MOST && !streams.contains_key(stream) {
            return;
        }
        let seen = streams.entry(stream.to_owned()).or_default();
        if seen.len() >= MOST {
            seen.retain(|_, at| *at + RECENT > now);
        }
        if seen.len() < MOST {
            seen.insert(viewer, now);
        }
        place.store(within_second, Relaxed);
    }

    /// How many watch `stream`.
    pub fn count(&self, stream: &str, now: Duration) -> u64 {
        let mut streams = self.lock();
        let Some(seen) = streams.get_mut(stream) else { return 0 };
        seen.retain(|_, at| *at + RECENT > now);
        let count = seen.len() as u64;
        if count == 0 {
            streams.remove(stream);
        }
        count
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, HashMap<u64, Duration>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_count_once_and_not_for_long() {
        let viewers = Viewers::default();
        let peer = |last| Some(IpAddr::from([10, 0, 0, last]));
        let mut headers = HeaderMap::new();
        for secs in 0..3 {
            viewers.saw("test", peer(1), &headers, Duration::from_secs(secs));
        }
        viewers.saw("test", peer(2), &headers, Duration::from_secs(10));
        headers.insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
        viewers.saw("test", peer(2), &headers, Duration::from_secs(10));
        assert_eq!(viewers.count("test", Duration::from_secs(11)), 3);
        assert_eq!(viewers.count("test", Duration::from_secs(20)), 2);
        assert_eq!(viewers.count("test", Duration::from_secs(60)), 0);
        assert_eq!(viewers.count("other", Duration::from_secs(60)), 0);
    }
}
