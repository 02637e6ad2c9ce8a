//! Initialization segments: `ftyp` and `moov` of one track.

use super::boxes::{begin, begin_full, end, put_u16, put_u32, put_zeros};
use crate::codec::Colour;
use crate::time::Timescale;

/// The only track of a file.
pub(crate) const TRACK_ID: u32 = 1;

/// What an initialization segment says.
pub(crate) struct InitTrack<'a> {
    pub timescale: Timescale,
    pub entry: SampleEntry<'a>,
}

/// What `stsd` says of the codec.
pub(crate) enum SampleEntry<'a> {
    Video(VideoEntry<'a>),
    Audio(AudioEntry<'a>),
}

/// A `VisualSampleEntry` (ISO/IEC 14496-12, 12.1.3).
pub(crate) struct VideoEntry<'a> {
    /// `avc1`
    pub format: &'a [u8; 4],
    /// The codec's own box, and its contents.
    pub configuration: (&'a [u8; 4], &'a [u8]),
    /// In pixels.
    pub width: u32,
    pub height: u32,
    pub aspect: Option<(u16, u16)>,
    pub colour: Option<Colour>,
}

/// An `AudioSampleEntry` (ISO/IEC 14496-12, 12.2.3).
pub(crate) struct AudioEntry<'a> {
    /// `mp4a`, `ac-3`, ...
    pub format: &'a [u8; 4],
    /// The codec's own box, and its contents.
    pub configuration: (&'a [u8; 4], &'a [u8]),
    pub channels: u16,
    pub sample_rate: u32,
}

/// Writes `ftyp` and `moov`.
pub(crate) fn init_segment(track: &InitTrack<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let ftyp = begin(&mut out, b"ftyp");
    out.extend_from_slice(b"iso5");
    put_u32(&mut out, 512);
    out.extend_from_slice(b"iso5iso6mp41");
    end(&mut out, ftyp);

    let moov = begin(&mut out, b"moov");
    movie_header(&mut out, track.timescale);
    let trak = begin(&mut out, b"trak");
    track_header(&mut out, &track.entry);
    media(&mut out, track);
    end(&mut out, trak);
    let mvex = begin(&mut out, b"mvex");
    let trex = begin_full(&mut out, b"trex", 0, 0);
    put_u32(&mut out, TRACK_ID);
    put_u32(&mut out, 1); // default_sample_description_index
    put_zeros(&mut out, 12); // duration, size and flags: each fragment has its own
    end(&mut out, trex);
    end(&mut out, mvex);
    end(&mut out, moov);
    out
}

/// The unity matrix of 8.2.2.
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

fn movie_header(out: &mut Vec<u8>, timescale: Timescale) {
    let mvhd = begin_full(out, b"mvhd", 0, 0);
    put_zeros(out, 8); // times of creation and change
    put_u32(out, timescale.get());
    put_u32(out, 0); // the fragments have the duration
    put_u32(out, 0x1_0000); // rate 1
    put_u16(out, 0x100); // volume 1
    put_zeros(out, 10);
    MATRIX.iter().for_each(|value| put_u32(out, *value));
    put_zeros(out, 24);
    put_u32(out, TRACK_ID + 1); // next_track_ID
    end(out, mvhd);
}

fn track_header(out: &mut Vec<u8>, entry: &SampleEntry<'_>) {
    let (volume, width, height) = match entry {
        SampleEntry::Video(video) => (0, display_width(video), video.height),
        SampleEntry::Audio(_) => (0x100, 0, 0),
    };
    let tkhd = begin_full(out, b"tkhd", 0, 7); // enabled, in the movie, in the preview
    put_zeros(out, 8);
    put_u32(out, TRACK_ID);
    put_zeros(out, 4);
    put_u32(out, 0); // duration
    put_zeros(out, 8);
    put_u32(out, 0); // layer, alternate_group
    put_u16(out, volume);
    put_u16(out, 0);
    MATRIX.iter().for_each(|value| put_u32(out, *value));
    // 16.16 fixed point
    put_u32(out, width << 16);
    put_u32(out, height << 16);
    end(out, tkhd);
}

/// The width in square pixels.
fn display_width(video: &VideoEntry<'_>) -> u32 {
    let (across, down) = video.aspect.unwrap_or((1, 1));
    let width = u64::from(video.width) * u64::from(across) / u64::from(down.max(1));
    u32::try_from(width).unwrap_or(u32::MAX)
}

fn media(out: &mut Vec<u8>, track: &InitTrack<'_>) {
    let mdia = begin(out, b"mdia");
    let mdhd = begin_full(out, b"mdhd", 0, 0);
    put_zeros(out, 8);
    put_u32(out, track.timescale.get());
    put_u32(out, 0);
    put_u16(out, 0x55c4); // language: "und"
    put_u16(out, 0);
    end(out, mdhd);

    let (handler, name): (&[u8; 4], &[u8]) = match track.entry {
        SampleEntry::Video(_) => (b"vide", b"video\0"),
        SampleEntry::Audio(_) => (b"soun", b"audio\0"),
    };
    let hdlr = begin_full(out, b"hdlr", 0, 0);
    put_u32(out, 0);
    out.extend_from_slice(handler);
    put_zeros(out, 12);
    out.extend_from_slice(name);
    end(out, hdlr);

    let minf = begin(out, b"minf");
    match track.entry {
        SampleEntry::Video(_) => {
            let vmhd = begin_full(out, b"vmhd", 0, 1);
            put_zeros(out, 8);
            end(out, vmhd);
        }
        SampleEntry::Audio(_) => {
            let smhd = begin_full(out, b"smhd", 0, 0);
            put_zeros(out, 4);
            end(out, smhd);
        }
    }
    let dinf = begin(out, b"dinf");
    let dref = begin_full(out, b"dref", 0, 0);
    put_u32(out, 1);
    let url = begin_full(out, b"url ", 0, 1); // the media are in this file
    end(out, url);
    end(out, dref);
    end(out, dinf);
    sample_table(out, &track.entry);
    end(out, minf);
    end(out, mdia);
}

fn sample_table(out: &mut Vec<u8>, entry: &SampleEntry<'_>) {
    let stbl = begin(out, b"stbl");
    let stsd = begin_full(out, b"stsd", 0, 0);
    put_u32(out, 1);
    match entry {
        SampleEntry::Video(video) => video_entry(out, video),
        SampleEntry::Audio(audio) => audio_entry(out, audio),
    }
    end(out, stsd);
    // No samples here: the fragments have them.
    for (kind, zeros) in [(b"stts", 4), (b"stsc", 4), (b"stsz", 8), (b"stco", 4)] {
        let empty = begin_full(out, kind, 0, 0);
        put_zeros(out, zeros);
        end(out, empty);
    }
    end(out, stbl);
}

fn video_entry(out: &mut Vec<u8>, video: &VideoEntry<'_>) {
    let entry = begin(out, video.format);
    put_zeros(out, 6);
    put_u16(out, 1); // data_reference_index
    put_zeros(out, 16);
    put_u16(out, u16::try_from(video.width).unwrap_or(u16::MAX));
    put_u16(out, u16::try_from(video.height).unwrap_or(u16::MAX));
    put_u32(out, 0x48_0000); // 72 dpi, across and down
    put_u32(out, 0x48_0000);
    put_u32(out, 0);
    put_u16(out, 1); // frame_count
    put_zeros(out, 32); // compressorname
    put_u16(out, 0x18); // depth
    put_u16(out, 0xffff);
    let (kind, contents) = video.configuration;
    let configuration = begin(out, kind);
    out.extend_from_slice(contents);
    end(out, configuration);
    if let Some(colour) = video.colour {
        let colr = begin(out, b"colr");
        out.extend_from_slice(b"nclx");
        put_u16(out, u16::from(colour.primaries));
        put_u16(out, u16::from(colour.transfer));
        put_u16(out, u16::from(colour.matrix));
        out.push(u8::from(colour.full_range) << 7);
        end(out, colr);
    }
    if let Some((across, down)) = video.aspect {
        let pasp = begin(out, b"pasp");
        put_u32(out, u32::from(across));
        put_u32(out, u32::from(down));
        end(out, pasp);
    }
    end(out, entry);
}

fn audio_entry(out: &mut Vec<u8>, audio: &AudioEntry<'_>) {
    let entry = begin(out, audio.format);
    put_zeros(out, 6);
    put_u16(out, 1); // data_reference_index
    put_zeros(out, 8);
    put_u16(out, audio.channels);
    put_u16(out, 16); // samplesize
    put_u32(out, 0);
    // 16.16 fixed point; what does not fit is 0, and the codec's own configuration counts
    put_u32(out, u16::try_from(audio.sample_rate).map_or(0, u32::from) << 16);
    let (kind, contents) = audio.configuration;
    let configuration = begin(out, kind);
    out.extend_from_slice(contents);
    end(out, configuration);
    end(out, entry);
}
