//! Fetching again, better, what is buffered and was not shown yet.

use std::time::Duration;

use crate::Core;
use crate::abr::{Buffered, View};
use crate::buffer::Chunk;
use crate::session::Session;
use crate::unit::Unit;

/// While nothing comes, little changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Session {
    /// Fetches a buffered segment again if that is worth more than the next one, or than nothing.
    /// What is there stays until the new one lies over it. True if it does.
    pub(crate) fn fetch_again(&mut self, core: &mut Core, ahead_secs: f64) -> bool {
        let looked_at = &mut self.lanes[0].looked_back_at;
        if looked_at.is_some_and(|at| core.now.since(at) < LOOK_EVERY) {
            return false;
        }
        *looked_at = Some(core.now);
        let unwanted = self.manual.is_some() || self.device.saves_data;
        if unwanted || self.sink.ended || self.player.seeking {
            return false;
        }
        let Some((start_secs, rung)) = self.worth_fetching_again(core, ahead_secs) else {
            return false;
        };
        let slot = self.catalog.rungs[rung].slot();
        let Some(media) = &self.slots[slot].media else {
            self.load_slot(core, slot);
            return false;
        };
        let segment = media.index_at(start_secs + 0.05).and_then(|at| media.segments.get(at));
        let Some(segment) = segment.filter(|segment| !segment.gap) else { return false };
        let unit = Unit::whole(segment);
        self.lanes[0].decided = Some(rung);
        self.fetch_unit(core, 0, slot, &unit);
        self.lanes[0].download.is_some()
    }

    /// The beginning of a buffered segment, and the rung that it is wanted in.
    fn worth_fetching_again(&self, core: &Core, ahead_secs: f64) -> Option<(f64, usize)> {
        let lane = &self.lanes[0];
        let playhead_secs = self.playhead_secs();
        let ladder = self.ladder(core);
        let (_, below_best) = ladder.indexes.split_last()?;
        let untouched = |chunk: &&Chunk| chunk.start_secs > playhead_secs && chunk.part.is_none();
        let (chunks, buffered): (Vec<&Chunk>, Vec<Buffered>) = lane
            .book
            .chunks()
            .iter()
            .filter(untouched)
            .filter_map(|chunk| {
                let index = below_best.iter().position(|rung| *rung == chunk.rung)?;
                let ahead_secs = chunk.start_secs - playhead_secs;
                let duration_secs = chunk.end_secs - chunk.start_secs;
                let middle_secs = (chunk.start_secs + chunk.end_secs) / 2.0;
                let bits = ladder.bits_at(self, middle_secs, duration_secs);
                Some((chunk, Buffered { index, ahead_secs, bits }))
            })
            .unzip();
        if buffered.is_empty() {
            return None;
        }
        let coming_bits = ladder.coming_bits(self, ahead_secs);
        let view = View { coming_bits: &coming_bits, ..ladder.view(self, core, ahead_secs) };
        let replacement = self.rule.borrow_mut().replace(&view, &buffered)?;
        let start_secs = chunks.get(replacement.chunk)?.start_secs;
        Some((start_secs, ladder.indexes[replacement.index]))
    }
}
