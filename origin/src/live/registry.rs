//! Which live streams there are.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::stream::Stream;

/// Live streams by name.
#[derive(Debug, Default)]
pub struct Registry {
    streams: RwLock<BTreeMap<String, Arc<Stream>>>,
}

impl Registry {
    /// The stream of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All streams, by name.
    pub fn all(&self) -> Vec<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Puts `stream` in the place of its namesake, if there is one.
    pub fn insert(&self, stream: Arc<Stream>) {
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        streams.insert(stream.name.clone(), stream);
    }

    /// Forgets `stream`, unless another of its name has taken its place.
    pub fn remove(&self, stream: &Arc<Stream>) {
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        if streams.get(&stream.name).is_some_and(|known| Arc::ptr_eq(known, stream)) {
            streams.remove(&stream.name);
        }
    }
}
