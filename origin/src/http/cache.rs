//! Files that were read lately: many readers of one file cost one reading of it, and for a second
//! not even a look at the disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use super::paths;
use super::text::Gzip;

/// So much is kept in all.
const KEPT_BYTES: u64 = 128 << 20;
/// Larger files are not kept, and not read at once.
pub const LARGEST_BYTES: u64 = 8 << 20;
/// What was looked at so long ago is looked at again.
const FRESH: Duration = Duration::from_secs(1);

/// Files by what was asked for.
#[derive(Debug, Default)]
pub struct FileCache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    places: HashMap<PathBuf, Arc<Place>>,
    bytes: u64,
}

/// A file that somebody asked for; who comes second waits for the first.
#[derive(Debug)]
struct Place {
    found: tokio::sync::Mutex<Option<(Instant, Found)>>,
    used: Mutex<Instant>,
}

/// A file as it was.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Changes when the file does.
    pub etag: String,
    /// Its length.
    pub length: u64,
    /// Its bytes, unless there are too many.
    pub bytes: Option<Bytes>,
    /// Those compressed, once somebody wanted them so.
    pub gzip: Arc<Gzip>,
}

impl FileCache {
    /// The file below `root` that `segments` name, if there is one.
    pub async fn get(&self, root: &Path, segments: &[String]) -> Option<Found> {
        self.get_at(root, segments, Instant::now()).await
    }

    async fn get_at(&self, root: &Path, segments: &[String], now: Instant) -> Option<Found> {
        let mut wanted = root.to_path_buf();
        wanted.extend(segments);
        let place = self.place(&wanted, now);
        let mut known = place.found.lock().await;
        let is_fresh = |looked: Instant| now.saturating_duration_since(looked) < FRESH;
        if let Some((_, found)) = known.as_ref().filter(|(looked, _)| is_fresh(*looked)) {
            return Some(found.clone());
        }
        let before = known.take().map(|(_, found)| found);
        let had = before.as_ref().map_or(0, Found::kept);
        let found = read(root, segments, before).await;
        self.count(&wanted, had, found.as_ref().map_or(0, Found::kept), found.is_some());
        *known = found.clone().map(|found| (now, found));
        found
    }

    fn place(&self, wanted: &Path, now: Instant) -> Arc<Place> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let place = state.places.entry(wanted.to_path_buf()).or_insert_with(|| {
            Arc::new(Place { found: tokio::sync::Mutex::default(), used: Mutex::new(now) })
        });
        *place.used.lock().unwrap_or_else(PoisonError::into_inner) = now;
        place.clone()
    }

    /// Keeps within bounds: what was not asked for the longest goes first, and what is not there at
    /// all is forgotten at once.
    fn count(&self, wanted: &Path, had: u64, has: u64, exists: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes = (state.bytes + has).saturating_sub(had);
        if !exists {
            state.places.remove(wanted);
        }
        while state.bytes > KEPT_BYTES {
            let used =
                |place: &Arc<Place>| *place.used.lock().unwrap_or_else(PoisonError::into_inner);
            let others = state.places.iter().filter(|(path, _)| *path != wanted);
            let Some(oldest) =
                others.min_by_key(|(_, place)| used(place)).map(|(path, _)| path.clone())
            else {
                return;
            };
            let gone = state.places.remove(&oldest);
            // Whoever is reading it at this moment keeps it, and it is not counted again.
            let gone = gone.and_then(|place| Some(place.found.try_lock().ok()?.as_ref()?.1.kept()));
            state.bytes = state.bytes.saturating_sub(gone.unwrap_or(0));
        }
    }
}

impl Found {
    fn kept(&self) -> u64 {
        self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)
    }
}

/// Looks at the disk; reads only what has changed since `before`.
async fn read(root: &Path, segments: &[String], before: Option<Found>) -> Option<Found> {
    let path = paths::file_below(root, segments).await?;
    let metadata = tokio::fs::metadata(&path).await.ok()?;
    let modified = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let length = metadata.len();
    let etag = format!("{:x}-{length:x}", modified.as_nanos());
    if let Some(same) = before.filter(|before| before.path == path && before.etag == etag) {
        return Some(same);
    }
    let bytes = if length <= LARGEST_BYTES {
        Some(Bytes::from(tokio::fs::read(&path).await.ok()?))
    } else {
        None
    };
    Some(Found { path, etag, length, bytes, gzip: Arc::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str) -> Vec<String> {
        vec![name.to_owned()]
    }

    #[tokio::test]
    async fn a_file_is_read_once_and_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), b"one").unwrap();
        let cache = FileCache::default();
        let now = Instant::now();
        let first = cache.get_at(folder.path(), &names("a"), now).await.unwrap();
        assert_eq!(first.bytes.as_deref(), Some(&b"one"[..]));
        std::fs::write(folder.path().join("a"), b"other").unwrap();
        let same = cache.get_at(folder.path(), &names("a"), now).await.unwrap();
        assert_eq!(same.bytes, first.bytes, "looked at within the last second");
        let changed = cache.get_at(folder.path(), &names("a"), now + FRESH).await.unwrap();
        assert_eq!(changed.bytes.as_deref(), Some(&b"other"[..]));
        assert_ne!(changed.etag, first.etag);
        assert_eq!(cache.state.lock().unwrap().bytes, 5);
    }

    #[tokio::test]
    async fn what_is_not_there_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FileCache::default();
        for number in 0..100 {
            assert!(cache.get(folder.path(), &names(&number.to_string())).await.is_none());
        }
        assert!(cache.state.lock().unwrap().places.is_empty());
    }
}
