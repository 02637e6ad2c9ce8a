//! Several tracks of sound in one stream, by Enhanced RTMP v2.

use std::io::pipe;
use std::os::fd::OwnedFd;

use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use command_fds::{CommandFdExt, FdMapping};
use immersive_media::flv::{FlvMuxer, parse_audio};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::Command;
use tokio::sync::mpsc;

use super::client::Client;
use crate::flv::{self, Reader, Tag, TagKind};
use crate::ingest::rtmp::amf0::{self, Value};
use crate::live::samples::is_config;

/// The first descriptor after standard input, output and error.
const FIRST_PIPE: i32 = 3;
/// What may come before every track is described.
const MOST_HELD: usize = 5_000;

/// Pipes by which ffmpeg hands back FLV: one with the pictures and the first track of sound, one for
/// each further track.
pub struct Outputs(Vec<Receiver>);

impl Outputs {
    /// Pipes for so many tracks of sound, passed on to `command`.
    pub fn new(command: &mut Command, tracks: u8) -> Result<Self> {
        let (mut outputs, mut mappings) = (Vec::new(), Vec::new());
        for track in 0..tracks {
            let (ours, theirs) = pipe().context("no pipe to ffmpeg")?;
            outputs.push(Receiver::from_owned_fd(OwnedFd::from(ours))?);
            let child_fd = FIRST_PIPE + i32::from(track);
            mappings.push(FdMapping { parent_fd: theirs.into(), child_fd });
        }
        command.fd_mappings(mappings).context("no pipe to ffmpeg")?;
        Ok(Self(outputs))
    }

    /// What ffmpeg calls the pipe of this track.
    pub fn name(track: u8) -> String {
        format!("pipe:{}", FIRST_PIPE + i32::from(track))
    }

    /// Publishes what comes by the pipes, until that with the pictures closes.
    ///
    /// # Errors
    /// When the server cannot be reached, says no, or goes away.
    pub async fn send(self, to: &str) -> Result<()> {
        let mut client = Client::publish(to).await?;
        let count = self.0.len();
        let (sender, mut tags) = mpsc::channel(64);
        for (track, output) in (0..).zip(self.0) {
            tokio::spawn(read(output, track, sender.clone()));
        }
        drop(sender);
        // Players that come early should find all tracks: nothing goes out before each is described.
        let mut held = Vec::new();
        let mut described = vec![false; count];
        while let Some((track, Some(tag))) = tags.recv().await {
            let is_description = is_config(&tag);
            described[usize::from(track)] |= is_description && tag.kind == TagKind::Audio;
            let Some(message) = message(track, tag, count)? else { continue };
            held.push((!is_description && message.kind != TagKind::Script, message));
            ensure!(held.len() < MOST_HELD, "ffmpeg does not make all tracks of sound");
            if described.iter().all(|is| *is) {
                held.sort_by_key(|(comes_later, _)| *comes_later);
                for (_, message) in held.drain(..) {
                    client.send(&message).await?;
                }
            }
        }
        Ok(())
    }
}

/// Hands on the tags of a pipe. The end of the one with the pictures is handed on, too.
async fn read(mut output: Receiver, track: u8, tags: mpsc::Sender<(u8, Option<Tag>)>) {
    let (mut reader, mut buffer) = (Reader::default(), BytesMut::new());
    while matches!(output.read_buf(&mut buffer).await, Ok(1..)) {
        reader.push(&buffer);
        buffer.clear();
        while let Ok(Some(tag)) = reader.next_tag() {
            if tags.send((track, Some(tag))).await.is_err() {
                return;
            }
        }
    }
    if track == 0 {
        let _ = tags.send((track, None)).await;
    }
}

/// What goes out for a tag of a track.
fn message(track: u8, tag: Tag, count: usize) -> Result<Option<Tag>> {
    match (track, tag.kind) {
        (0, TagKind::Script) => Ok(Some(Tag { data: with_tracks(&tag.data, count)?, ..tag })),
        (0, _) => Ok(Some(tag)),
        (_, TagKind::Audio) => {
            let mut bytes = Vec::new();
            flv::write_header(true, false, &mut bytes);
            let sound = [(track, parse_audio(&tag.data)?)];
            FlvMuxer::write_audio_tracks(&mut bytes, tag.timestamp_ms, &sound);
            let mut reader = Reader::default();
            reader.push(&bytes);
            Ok(reader.next_tag()?)
        }
        _ => Ok(None),
    }
}

/// `onMetaData`, with what the further tracks are.
fn with_tracks(data: &[u8], count: usize) -> Result<Bytes> {
    let mut values = amf0::read_all(data)?;
    let tracks = (1..count).map(|track| {
        let text = |text: String| Value::String(text);
        let facts = vec![
            ("name".to_owned(), text(format!("{} Hz", pitch_hz(track)))),
            ("language".to_owned(), text("zxx".to_owned())),
        ];
        (track.to_string(), Value::Object(facts))
    });
    if let Some(Value::Object(said)) = values.last_mut() {
        said.push(("audioTrackIdInfoMap".to_owned(), Value::Object(tracks.collect())));
    }
    let mut out = BytesMut::new();
    values.iter().for_each(|value| amf0::write(value, &mut out));
    Ok(out.freeze())
}

/// Of the tone on this track.
pub fn pitch_hz(track: usize) -> usize {
    440 + 220 * track
}
