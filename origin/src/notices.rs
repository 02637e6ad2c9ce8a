//! What operators should know and do something about, as long as it lasts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::clock;

/// Conditions that hold now, by what they concern.
#[derive(Debug, Default)]
pub struct Notices(Mutex<BTreeMap<String, Notice>>);

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What is wrong, and what to do.
    pub text: String,
    /// Since when, seconds since 1970.
    pub since_unix_secs: u64,
}

impl Notices {
    /// `text` holds of `subject` from now on; it is logged when it is new.
    pub fn raise(&self, subject: &str, text: &str) {
        let mut notices = self.lock();
        if notices.get(subject).is_some_and(|known| known.text == text) {
            return;
        }
        tracing::warn!(subject, "{text}");
        let since_unix_secs = clock::unix_now().as_secs();
        notices.insert(subject.to_owned(), Notice { text: text.to_owned(), since_unix_secs });
    }

    /// All is well with `subject` again.
    pub fn clear(&self, subject: &str) {
        if let Some(gone) = self.lock().remove(subject) {
            let lasted =
                clock::unix_now().saturating_sub(Duration::from_secs(gone.since_unix_secs));
            tracing::info!(subject, lasted_secs = lasted.as_secs(), "no longer: {}", gone.text);
        }
    }

    /// What holds now.
    pub fn all(&self) -> Vec<Notice> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Notice>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_told_once_and_goes_away() {
        let notices = Notices::default();
        notices.raise("disk", "full");
        notices.raise("disk", "full");
        assert_eq!(notices.all().len(), 1);
        notices.clear("disk");
        assert!(notices.all().is_empty());
    }
}
