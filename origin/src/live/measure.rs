//! What a rung turns out to be: its bit rates and its frame rate.

use std::time::Duration;

use super::segments::Segment;

/// Shorter segments say nothing about a rate: the last of a stream, the beginning of one.
const TELLING: Duration = Duration::from_millis(500);
/// The rates that broadcasters use.
const USUAL_FRAME_RATES: [f64; 8] =
    [24_000.0 / 1_001.0, 24.0, 25.0, 30_000.0 / 1_001.0, 30.0, 50.0, 60_000.0 / 1_001.0, 60.0];

/// Sums over the complete segments of a rung.
#[derive(Clone, Debug, Default)]
pub struct Measure {
    /// Bytes made.
    pub bytes: u64,
    /// Segments made.
    pub segments: u64,
    /// Bits per second of the largest segment.
    pub peak_bps: u64,
    duration: Duration,
    frames: u64,
}

impl Measure {
    pub(super) fn add(&mut self, segment: &Segment) {
        self.segments += 1;
        let bytes = segment.parts.iter().map(|part| part.bytes.len() as u64).sum::<u64>();
        self.bytes += bytes;
        self.duration += segment.duration;
        self.frames += segment.parts.iter().map(|part| u64::from(part.frames)).sum::<u64>();
        if segment.duration >= TELLING || self.peak_bps == 0 {
            self.peak_bps = self.peak_bps.max(bits_per_sec(bytes, segment.duration));
        }
    }

    /// With the segment that is coming, as long as there is no other.
    pub(super) fn with(&self, open: Option<&Segment>) -> Self {
        let mut sum = self.clone();
        if let Some(open) = open.filter(|_| self.segments == 0) {
            sum.add(open);
        }
        sum
    }

    /// Mean bits per second.
    pub fn average_bps(&self) -> u64 {
        bits_per_sec(self.bytes, self.duration)
    }

    /// To a thousandth; the rates that broadcasters use come out exactly.
    pub fn frame_rate(&self) -> Option<f64> {
        let measured = self.frames as f64 / self.duration.as_secs_f64();
        // Times in milliseconds are off by less than one in all.
        let error = measured * 0.001 / self.duration.as_secs_f64() + 0.005;
        let distance = |usual: &f64| (usual - measured).abs();
        let nearest = USUAL_FRAME_RATES
            .into_iter()
            .filter(|usual| distance(usual) < error)
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        (self.frames > 0 && !self.duration.is_zero()).then(|| nearest.unwrap_or(measured))
    }
}

fn bits_per_sec(bytes: u64, duration: Duration) -> u64 {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1);
    (u128::from(bytes) * 8_000_000 / u128::from(micros)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(frames: u64, millis: u64) -> Option<f64> {
        let duration = Duration::from_millis(millis);
        Measure { duration, frames, ..Measure::default() }.frame_rate()
    }

    #[test]
    fn usual_rates_come_out_exactly() {
        assert_eq!(rate(60, 2_000), Some(30.0));
        assert_eq!(rate(60, 2_002), Some(30_000.0 / 1_001.0));
        assert_eq!(rate(9, 300), Some(30.0));
        assert_eq!(rate(30, 2_000), Some(15.0));
        assert_eq!(rate(0, 2_000), None);
    }
}
