//! Which rendition the next segment comes from.

use crate::Core;
use crate::abr::View;
use crate::session::Session;
use crate::worth::retain_worthwhile;

impl Session {
    pub(crate) fn select(&mut self, choice: Option<usize>) {
        let known =
            |index: &usize| *index < self.catalog.rungs.len() || self.catalog.rungs.is_empty();
        self.manual = choice.filter(known);
        self.decide_again();
    }

    /// What the host learned of decoding: [`crate::io::Input::RenditionsRated`].
    pub(crate) fn rated(&mut self, smooth: &[bool]) {
        for (rung, smooth) in self.catalog.rungs.iter_mut().zip(smooth) {
            rung.smooth = *smooth;
        }
        self.decide_again();
    }

    /// What may be chosen has changed.
    pub(crate) fn decide_again(&mut self) {
        for lane in &mut self.lanes {
            lane.decided = None;
        }
    }

    /// The rung for the next segment: the viewer's, or the rule's choice among those that the device
    /// can take and that do not fail.
    pub(crate) fn choose_rung(&mut self, core: &Core, ahead_secs: f64) -> usize {
        if let Some(manual) = self.manual.filter(|index| *index < self.catalog.rungs.len()) {
            return manual;
        }
        let ladder = self.ladder(core);
        if ladder.indexes.is_empty() {
            return 0;
        }
        let coming_bits = ladder.coming_bits(self, ahead_secs);
        let view = View { coming_bits: &coming_bits, ..ladder.view(self, core, ahead_secs) };
        let choice = self.rule.borrow_mut().choose(&view).min(ladder.indexes.len() - 1);
        ladder.indexes[choice]
    }

    /// The rungs that may be chosen.
    pub(crate) fn ladder(&self, core: &Core) -> Ladder {
        let rungs = &self.catalog.rungs;
        let usable = |avoid: bool| -> Vec<usize> {
            let fits =
                |index: &usize| !(avoid && self.slots[rungs[*index].slot()].is_avoided(core.now));
            (0..rungs.len()).filter(fits).collect()
        };
        let mut indexes = usable(true);
        if indexes.is_empty() {
            indexes = usable(false);
        }
        let takes = |index: &usize| self.device.takes(&rungs[*index], core.now);
        if indexes.iter().any(takes) {
            indexes.retain(takes);
        } else {
            indexes.truncate(1);
        }
        retain_worthwhile(&mut indexes, rungs);
        let infos = indexes.iter().map(|index| &rungs[*index].info);
        if let Some(enough) = self.canvas.and_then(|canvas| canvas.sharp_enough(infos)) {
            indexes.truncate(enough + 1);
        }
        let bitrates_bps = indexes.iter().map(|index| rungs[*index].mean_bps).collect();
        Ladder { indexes, bitrates_bps }
    }

    fn segment_secs(&self) -> f64 {
        let known = self.slots.iter().find_map(|slot| slot.media.as_ref());
        known.map_or(4.0, |media| media.target_duration_secs)
    }
}

/// The rungs that may be chosen, rising.
pub(crate) struct Ladder {
    pub(crate) indexes: Vec<usize>,
    pub(crate) bitrates_bps: Vec<f64>,
}

impl Ladder {
    /// What a rule is to see, with so much media ahead of the playhead.
    pub(crate) fn view(&self, session: &Session, core: &Core, ahead_secs: f64) -> View<'_> {
        let last = session.lanes.first().and_then(|lane| lane.last_rung);
        let current =
            last.map(|last| self.indexes.partition_point(|index| *index <= last).saturating_sub(1));
        View {
            bitrates_bps: &self.bitrates_bps,
            current,
            buffer_secs: ahead_secs,
            buffer_target_secs: session.buffer_goal_secs(core),
            segment_secs: session.segment_secs(),
            estimate: session.estimator.estimate(),
            starting: !core.metrics.has_first_frame(),
            coming_bits: &[],
            left: session.segments_left(ahead_secs),
        }
    }
}
