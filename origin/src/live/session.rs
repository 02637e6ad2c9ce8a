//! One publication on its way to segments.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::epoch::Epoch;
use super::opening::{Opening, gather};
use super::pictures::{self, Pictures};
use super::registry::Registry;
use super::sounds::Sounds;
use super::stream::{Container, Shape, Stream};
use super::ts::TsPackager;
use super::{dvr, ladder};
use crate::clock;
use crate::ffmpeg::Ffmpeg;
use crate::flv::Tag;
use crate::hub::{Publication, Reader};

/// An encoder that returns within this time continues its playlists.
const RETURN_GRACE: Duration = Duration::from_secs(10);
/// An ended stream stays readable for this long.
const AFTERLIFE: Duration = Duration::from_secs(120);

/// Makes live streams of publications.
pub struct Live {
    /// Where streams are found.
    pub registry: Arc<Registry>,
    /// Makes the renditions.
    pub ffmpeg: Ffmpeg,
    /// How streams are cut.
    pub shape: Shape,
    /// Which renditions.
    pub ladder: ladder::Config,
    /// How pictures lie around the viewer.
    pub pictures: Pictures,
    /// What tracks of sound are called.
    pub sounds: Sounds,
    /// Where other origins serve the same streams.
    pub redundant: Vec<String>,
    /// Where segments go that are not in memory any more.
    pub dvr: Arc<dvr::Place>,
}

impl Reader for Arc<Live> {
    fn attach(&self, publication: Arc<Publication>, tags: mpsc::Receiver<Tag>) {
        let live = self.clone();
        tokio::spawn(async move { live.run(&publication.name, tags).await });
    }
}

impl Live {
    async fn run(self: Arc<Self>, name: &str, mut tags: mpsc::Receiver<Tag>) {
        let mut carried = Vec::new();
        let mut stream = None;
        while let Some(opening) = gather(name, std::mem::take(&mut carried), &mut tags).await {
            let opened = self.open(name, &opening);
            carried = Epoch::begin(&self, &opened, opening).run(&mut tags).await;
            stream = Some(opened);
        }
        if let Some(stream) = stream {
            self.wind_down(&stream).await;
        }
    }

    /// The stream to continue, or a new one.
    fn open(&self, name: &str, opening: &Opening) -> Arc<Stream> {
        if let Some(known) = self.registry.get(name).filter(|known| !known.has_ended()) {
            known.mark_discontinuity();
            return known;
        }
        let now = clock::unix_now();
        let run = base36(now.as_millis() as u64);
        let mut shape = self.shape;
        if shape.container == Container::Ts && !TsPackager::carries(&opening.video, opening.audio())
        {
            tracing::warn!(
                stream = name,
                "MPEG-TS does not carry these codecs: it is sent as CMAF"
            );
            shape.container = Container::Cmaf;
        }
        let mut stream = Stream::new(name, run, shape, now);
        stream.spherical = self.pictures.of(name, &opening.metadata);
        stream.redundant = self.redundant.clone();
        if !shape.dvr.is_zero() {
            match self.dvr.open(name, &stream.run) {
                Ok(dvr) => stream.dvr = Some(dvr),
                Err(error) => {
                    stream.warn(format!("viewers cannot go back: no folder in DATA/dvr ({error})"));
                }
            }
        }
        stream.video_layout = pictures::video_layout(&stream.spherical);
        let stream = Arc::new(stream);
        let ((width, height), audio) = (opening.size_px(), opening.sounds.len());
        tracing::info!(stream = name, width, height, audio, "live");
        self.registry.insert(stream.clone());
        stream
    }

    /// Waits for the publisher to return; then closes the playlists, later forgets the stream.
    async fn wind_down(&self, stream: &Arc<Stream>) {
        let epoch = stream.epoch();
        sleep(RETURN_GRACE).await;
        if stream.epoch() != epoch {
            return;
        }
        stream.end();
        tracing::info!(stream = %stream.name, "ended");
        sleep(AFTERLIFE).await;
        self.registry.remove(stream);
    }
}

fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    while number > 0 || digits.is_empty() {
        digits.push(char::from(DIGITS[(number % 36) as usize]));
        number /= 36;
    }
    digits.into_iter().rev().collect()
}
