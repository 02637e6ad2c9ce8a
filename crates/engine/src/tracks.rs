//! Which sound is heard, and changing it without a gap.

use crate::Core;
use crate::io::*;
use crate::lane::Lane;
use crate::session::Session;

/// When the sound changes, so much of the old one is kept ahead of the playhead until the new one
/// lies over it: playback goes on meanwhile.
const KEEP_SECS: f64 = 10.0;

impl Session {
    /// The main lane, and one for sound that comes separately.
    pub(crate) fn make_lanes(&mut self, core: &mut Core, first_rung: usize) {
        self.audio_tracks = self.catalog.audio_tracks();
        core.emit(Output::Event(Event::AudioTracks(self.audio_tracks.clone())));
        let default = self.audio_tracks.iter().position(|track| track.default);
        self.audio = (!self.audio_tracks.is_empty()).then(|| default.unwrap_or(0));
        if let Some(index) = self.audio {
            core.emit(Output::Event(Event::AudioSelected { index }));
        }
        let texts = self.catalog.texts.iter().map(|choice| choice.info.clone()).collect();
        core.emit(Output::Event(Event::TextTracks(texts)));
        self.lanes = vec![Lane::default()];
        self.lanes.extend(self.audio_slot(first_rung).map(Lane::audio));
        self.lanes[0].decided = Some(first_rung);
    }

    /// The playlist of the chosen sound, if it is not that of the rung.
    fn audio_slot(&self, rung: usize) -> Option<usize> {
        let name = self.audio.and_then(|index| self.audio_tracks.get(index));
        let slot = self.catalog.audio_slot(rung, name.map(|track| track.name.as_str()));
        // A variant whose video and audio are one playlist is muxed after all.
        slot.filter(|slot| *slot != self.catalog.rungs[rung].slot())
    }

    /// The viewer chose the sound: from the segment under the playhead on it is loaded anew and
    /// laid over what is there.
    pub(crate) fn select_audio(&mut self, core: &mut Core, index: usize) {
        if index >= self.audio_tracks.len() || self.audio == Some(index) || self.lanes.is_empty() {
            return;
        }
        self.audio = Some(index);
        core.emit(Output::Event(Event::AudioSelected { index }));
        let rung = self.lanes[0].decided.or(self.lanes[0].last_rung).unwrap_or(0);
        let slot = self.audio_slot(rung);
        let playhead = self.playhead_secs();
        if slot == self.lanes.get(1).and_then(|lane| lane.fixed_slot) {
            return;
        }
        let was_in_video = self.lanes.len() == 1;
        if let Some((1, loaded)) = &self.sink.appending {
            self.sink.stale = Some(loaded.request);
        }
        if let Some(mut old) = (self.lanes.len() > 1).then(|| self.lanes.pop()).flatten() {
            old.cancel_download(core);
            old.discard_ready(core);
        }
        let main = &mut self.lanes[0];
        match slot {
            // What is on its way of the video may bring its own sound.
            Some(slot) => {
                if was_in_video {
                    main.cancel_download(core);
                    main.discard_ready(core);
                }
                self.lanes.push(Lane::audio(slot));
            }
            None => {
                main.cancel_download(core);
                main.discard_ready(core);
                main.complete = false;
                main.book.remove(after(playhead));
            }
        }
        let range = after(playhead + KEEP_SECS);
        core.emit(Output::Remove { range, tracks: Tracks::Audio });
    }
}

fn after(start_secs: f64) -> TimeRange {
    TimeRange { start_secs, end_secs: f64::INFINITY }
}
