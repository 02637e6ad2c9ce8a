//! Which rendition the next segment comes from.

use crate::Core;
use crate::abr::View;
use crate::session::Session;

impl Session {
    pub(crate) fn select(&mut self, choice: Option<usize>) {
        let known =
            |index: &usize| *index < self.catalog.rungs.len() || self.catalog.rungs.is_empty();
        self.manual = choice.filter(known);
        for lane in &mut self.lanes {
            lane.decided = None;
        }
    }

    /// The rung for the next segment: the viewer's, or the rule's choice among those that play and
    /// do not fail.
    pub(crate) fn choose_rung(&mut self, core: &Core, ahead_secs: f64) -> usize {
        let rungs = &self.catalog.rungs;
        if let Some(manual) = self.manual.filter(|index| *index < rungs.len()) {
            return manual;
        }
        let usable = |avoid: bool| -> Vec<usize> {
            let fits = |index: &usize| {
                let rung = &rungs[*index];
                rung.playable && !(avoid && self.slots[rung.slot()].is_avoided(core.now))
            };
            (0..rungs.len()).filter(fits).collect()
        };
        let mut indexes = usable(true);
        if indexes.is_empty() {
            indexes = usable(false);
        }
        let bitrates: Vec<f64> = indexes.iter().map(|index| rungs[*index].mean_bps).collect();
        let last = self.lanes.first().and_then(|lane| lane.last_rung);
        let current =
            last.map(|last| indexes.partition_point(|index| *index <= last).saturating_sub(1));
        let view = View {
            bitrates_bps: &bitrates,
            current,
            buffer_secs: ahead_secs,
            buffer_target_secs: self.buffer_goal_secs(core),
            segment_secs: self.segment_secs(),
            estimate: self.estimator.estimate(),
        };
        let choice = self.rule.choose(&view).min(indexes.len().saturating_sub(1));
        indexes.get(choice).copied().unwrap_or(0)
    }

    fn segment_secs(&self) -> f64 {
        let known = self.slots.iter().find_map(|slot| slot.media.as_ref());
        known.map_or(4.0, |media| media.target_duration_secs)
    }
}
