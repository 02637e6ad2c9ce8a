//! Questions that scenarios ask.

use std::time::Duration;

use immersive_engine::io::*;

use super::World;

impl World {
    /// How often playback was interrupted, by the element's own count.
    pub fn interruptions(&self) -> u32 {
        self.element.interruptions
    }

    /// Indexes that were shown, in order.
    pub fn shown(&self) -> Vec<usize> {
        let shown = self.events.iter().filter_map(|(_, event)| match event {
            Event::RenditionShown { index } => Some(*index),
            _ => None,
        });
        shown.collect()
    }

    /// How many times a URL with this part was asked for.
    pub fn count_fetches(&self, part: &str) -> usize {
        self.fetched.iter().filter(|(_, url)| url.contains(part)).count()
    }

    /// Plays on for so long and fails the test if playback is not going on at the end, or did not
    /// advance by nearly as much.
    pub fn expect_playback(&mut self, secs: f64) {
        let before = self.element.played_secs;
        self.run(Duration::from_secs_f64(secs));
        let played = self.element.played_secs - before;
        assert!(
            played > secs * 0.99 - 0.3,
            "played {played:.2} s of {secs} s; position {:.2}, buffered {:?}, failure {:?}, last events {:?}",
            self.element.position(),
            self.element.buffered(),
            self.failure,
            self.events.iter().rev().take(6).collect::<Vec<_>>(),
        );
    }

    /// Waits until the playhead moves; the seconds that took.
    pub fn expect_start(&mut self, limit_secs: f64) -> f64 {
        let began = self.now_secs();
        let started = self
            .run_while(Duration::from_secs_f64(limit_secs), |world| !world.element.is_running());
        assert!(
            started,
            "not playing after {limit_secs} s; failure {:?}, events {:?}",
            self.failure, self.events
        );
        self.now_secs() - began
    }

    /// Waits for playback to fail, and how.
    pub fn expect_failure(&mut self, limit_secs: f64) -> Failure {
        let failed =
            self.run_while(Duration::from_secs_f64(limit_secs), |world| world.failure.is_none());
        assert!(failed, "no failure after {limit_secs} s; events {:?}", self.events);
        self.failure.clone().expect("it failed")
    }
}
