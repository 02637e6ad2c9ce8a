//! What is known of the stream that plays, and what pages are told of it.

use std::rc::Rc;

use immersive_engine::io::{Event, Failure, RenditionInfo, Stats, StreamType, TrackInfo};

use super::player::Player;
use super::report;

/// What is known of the stream that plays.
#[derive(Default)]
pub struct Stream {
    pub renditions: Rc<[RenditionInfo]>,
    /// The viewer's choice.
    pub selected: Option<usize>,
    pub shown: Option<usize>,
    pub audio_tracks: Rc<[TrackInfo]>,
    /// What is heard.
    pub audio: Option<usize>,
    pub text_tracks: Rc<[TrackInfo]>,
    /// The device says that it has no network.
    pub offline: bool,
    pub stream_type: Option<StreamType>,
    pub buffering: bool,
    pub started: bool,
    pub stats: Stats,
    pub failure: Option<Failure>,
    /// Why nothing can be drawn on this page, whatever the stream.
    pub no_picture: Option<Failure>,
}

impl Stream {
    /// Another one, of which nothing is known yet.
    pub fn begin_anew(&mut self) {
        let Self { started, offline, no_picture, .. } = std::mem::take(self);
        let failure = no_picture.clone();
        *self = Self { started, offline, failure, no_picture, ..Self::default() };
    }

    /// Takes in what the engine tells; the name of the event that pages hear of it.
    fn hear(&mut self, event: Event) -> Option<&'static str> {
        match event {
            Event::Renditions(renditions) => {
                self.renditions = Rc::from(renditions);
                return Some("renditionschange");
            }
            Event::StreamType(stream_type) => {
                self.stream_type = Some(stream_type);
                return Some("streamtypechange");
            }
            Event::RenditionShown { index } => {
                self.shown = Some(index);
                return Some("renditionchange");
            }
            Event::AudioTracks(tracks) => {
                self.audio_tracks = Rc::from(tracks);
                return Some("audiotrackschange");
            }
            Event::AudioSelected { index } => {
                self.audio = Some(index);
                return Some("audiotrackchange");
            }
            Event::TextTracks(tracks) => self.text_tracks = Rc::from(tracks),
            Event::Buffering(buffering) => self.buffering = buffering,
            Event::RenditionSelected { .. }
            | Event::Cues { .. }
            | Event::DateRangeEntered(_)
            | Event::DateRangeLeft { .. }
            | Event::Warning { .. } => {}
        }
        None
    }
}

impl Player {
    pub fn on_engine(&self, event: Event) {
        match &event {
            Event::TextTracks(tracks) => self.texts.set_tracks(tracks),
            Event::Cues { track, cues } => self.texts.add_cues(*track, cues),
            Event::DateRangeEntered(range) => {
                self.dispatch_with("daterangeenter", &report::date_range(range));
            }
            Event::DateRangeLeft { id } => {
                self.dispatch_with("daterangeleave", &report::date_range_id(id));
            }
            Event::Warning { severity, text } => report::log(*severity, text),
            _ => {}
        }
        // Nothing is borrowed while pages hear of it.
        let name = self.stream.borrow_mut().hear(event);
        if let Some(name) = name {
            self.dispatch(name);
        }
    }
}
