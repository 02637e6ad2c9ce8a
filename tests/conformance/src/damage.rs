//! What happens to bytes on the way, on purpose.

use anyhow::{Result, ensure};
use serde::Deserialize;

/// One change to one segment.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the variants say what their fields count")]
pub enum Damage {
    /// Keeps only this part, from 0 to 1.
    Truncate { segment: usize, keep: f64 },
    /// Takes packets of 188 bytes out.
    DropPackets { segment: usize, first: usize, count: usize },
    /// Puts bytes that are no packets before the packet with this index.
    Garbage { segment: usize, before_packet: usize, bytes: usize },
    /// Sends every packet twice.
    RepeatPackets { segment: usize },
    /// Sixteen bytes after each packet, as for Reed-Solomon codes.
    Pad204 { segment: usize },
    /// Leaves the tables out until the packet with this index.
    LateTables { segment: usize, until_packet: usize },
}

impl Damage {
    /// Changes the segments.
    pub fn apply(&self, segments: &mut [Vec<u8>]) -> Result<()> {
        let (Self::Truncate { segment, .. }
        | Self::DropPackets { segment, .. }
        | Self::Garbage { segment, .. }
        | Self::RepeatPackets { segment }
        | Self::Pad204 { segment }
        | Self::LateTables { segment, .. }) = *self;
        ensure!(segment < segments.len(), "there is no segment {segment}");
        let bytes = &mut segments[segment];
        match *self {
            Self::Truncate { keep, .. } => bytes.truncate((bytes.len() as f64 * keep) as usize),
            Self::DropPackets { first, count, .. } => {
                ensure!((first + count) * 188 <= bytes.len(), "too few packets");
                bytes.drain(first * 188..(first + count) * 188);
            }
            Self::Garbage { before_packet, bytes: count, .. } => {
                let at = before_packet * 188;
                ensure!(at <= bytes.len(), "too few packets");
                // Sync bytes are among it, so that finding the stream again is not too easy.
                let garbage = (0..count).map(|index| (index * 7 % 256) as u8);
                bytes.splice(at..at, garbage);
            }
            Self::RepeatPackets { .. } => {
                *bytes = bytes.chunks(188).flat_map(|packet| [packet, packet].concat()).collect();
            }
            Self::Pad204 { .. } => {
                *bytes =
                    bytes.chunks(188).flat_map(|packet| [packet, &[0xff; 16]].concat()).collect();
            }
            Self::LateTables { until_packet, .. } => {
                ensure!(until_packet * 188 <= bytes.len(), "too few packets");
                let (tables, others): (Vec<_>, Vec<_>) =
                    bytes[..until_packet * 188].chunks(188).partition(|packet| is_table(packet));
                let after = &bytes[until_packet * 188..];
                *bytes = [others.concat(), tables.concat(), after.to_vec()].concat();
            }
        }
        Ok(())
    }
}

/// PAT, or ffmpeg's PMT or SDT.
fn is_table(packet: &[u8]) -> bool {
    matches!(u16::from_be_bytes([packet[1] & 0x1f, packet[2]]), 0 | 0x11 | 0x1000)
}
