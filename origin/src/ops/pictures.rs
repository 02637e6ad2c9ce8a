//! Small pictures of what is live: the newest key frame, decoded when somebody looks.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use immersive_media::flv::{FlvMuxer, VideoPacket, parse_video};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::ffmpeg::{Child, Ffmpeg};
use crate::flv::{Tag, TagKind};
use crate::hub::{Publication, Reader};

/// A picture is good for this long, however many look at it.
const FRESH: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(5);
const WIDTH: u32 = 480;
const MAX_BYTES: u64 = 4 << 20;

/// The newest key frames of all streams.
pub struct Pictures {
    ffmpeg: Ffmpeg,
    streams: Mutex<HashMap<String, Arc<Source>>>,
    /// One ffmpeg at a time: pictures are a nicety.
    decoder: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Source {
    /// Decoder configuration and key frame.
    newest: Mutex<(Option<Bytes>, Option<Bytes>)>,
    made: tokio::sync::Mutex<Option<(Instant, Bytes)>>,
}

impl Pictures {
    /// Decodes with `ffmpeg`.
    pub fn new(ffmpeg: Ffmpeg) -> Arc<Self> {
        Arc::new(Self { ffmpeg, streams: Mutex::default(), decoder: tokio::sync::Mutex::default() })
    }

    /// The picture of a stream as JPEG; `None` while there is none.
    pub async fn jpeg(&self, stream: &str) -> Option<Bytes> {
        let source = self.lock().get(stream).cloned()?;
        // Those who come meanwhile wait for the same picture.
        let mut made = source.made.lock().await;
        if let Some((at, jpeg)) = made.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            tracing::trace!(stream, age = ?at.elapsed(), "picture again");
            return Some(jpeg.clone());
        }
        let (config, key) = source.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let _turn = self.decoder.lock().await;
        let decoded = tokio::time::timeout(PATIENCE, self.decode(&config?, &key?)).await;
        match decoded.unwrap_or_else(|_| Err(anyhow::anyhow!("ffmpeg took too long"))) {
            Ok(jpeg) => {
                *made = Some((Instant::now(), jpeg.clone()));
                Some(jpeg)
            }
            Err(error) => {
                tracing::debug!(stream, "no picture: {error:#}");
                None
            }
        }
    }

    async fn decode(&self, config: &[u8], key: &[u8]) -> Result<Bytes> {
        let mut flv = Vec::with_capacity(config.len() + key.len() + 64);
        FlvMuxer::write_header(&mut flv, false, true);
        for body in [config, key] {
            FlvMuxer::write_tag(&mut flv, immersive_media::flv::TagKind::Video, 0, body);
        }
        let mut command = self.ffmpeg.command();
        command.args(["-threads", "1", "-f", "flv", "-i", "pipe:0", "-frames:v", "1"]);
        command.args(["-vf", &format!("scale={WIDTH}:-2"), "-q:v", "5", "-f", "mjpeg", "pipe:1"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = Child::spawn(command, "picture")?;
        child.be_nice();
        let mut stdin = child.take_stdin().context("no pipe to ffmpeg")?;
        let stdout = child.take_stdout().context("no pipe from ffmpeg")?;
        let feed = async {
            // It may have its picture before it has read everything.
            let _ = stdin.write_all(&flv).await;
            drop(stdin);
        };
        let mut jpeg = Vec::new();
        let mut limited = stdout.take(MAX_BYTES);
        let ((), read) = tokio::join!(feed, limited.read_to_end(&mut jpeg));
        read?;
        let status = child.wait().await?;
        ensure!(status.success() && !jpeg.is_empty(), "{status}: {}", child.last_words());
        Ok(jpeg.into())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Source>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Pictures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pictures").finish_non_exhaustive()
    }
}

impl Reader for Arc<Pictures> {
    fn attach(&self, publication: Arc<Publication>, mut tags: mpsc::Receiver<Tag>) {
        let pictures = self.clone();
        tokio::spawn(async move {
            let source = Arc::new(Source::default());
            pictures.lock().insert(publication.name.clone(), source.clone());
            while let Some(tag) = tags.recv().await {
                if tag.kind == TagKind::Video {
                    source.take(&tag.data);
                }
            }
            let mut streams = pictures.lock();
            if streams.get(&publication.name).is_some_and(|known| Arc::ptr_eq(known, &source)) {
                streams.remove(&publication.name);
            }
        });
    }
}

impl Source {
    fn take(&self, body: &Bytes) {
        let Ok(parsed) = parse_video(body) else { return };
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match parsed.packet {
            VideoPacket::Configuration(_) => *newest = (Some(body.clone()), None),
            VideoPacket::Frame { key: true, .. } => newest.1 = Some(body.clone()),
            _ => {}
        }
    }
}
