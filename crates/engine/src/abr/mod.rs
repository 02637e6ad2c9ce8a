//! Which rendition next. Rules see a [`View`] and answer with an index; what they may choose from
//! (playable, not failing, not larger than the canvas can show) is decided before.

mod bola;
mod estimator;
mod plan;
mod throughput;
mod value;

pub(crate) use estimator::Estimator;

/// What a rule sees.
#[derive(Debug)]
pub(crate) struct View<'a> {
    /// The rungs that may be chosen, rising: mean bits per second.
    pub(crate) bitrates_bps: &'a [f64],
    /// Index of the rung last fetched, or the nearest one that may be chosen.
    pub(crate) current: Option<usize>,
    /// Media ahead of the playhead.
    pub(crate) buffer_secs: f64,
    /// What is being filled up to.
    pub(crate) buffer_target_secs: f64,
    /// Duration of the next segment.
    pub(crate) segment_secs: f64,
    /// What the network is believed to carry.
    pub(crate) estimate: Estimate,
    /// Nothing was shown yet.
    pub(crate) starting: bool,
    /// Bits of the coming segments as playlists tell them, by segment and rung; empty if they do not.
    pub(crate) coming_bits: &'a [f32],
    /// Segments that are left to fetch; `usize::MAX` if there is no end.
    pub(crate) left: usize,
}

impl View<'_> {
    /// Expected bits of the next segment in a rendition.
    fn bits(&self, index: usize) -> f32 {
        self.coming_bits.get(index).copied().unwrap_or_else(|| self.mean_bits(index))
    }

    /// Bits of a segment as they usually are.
    fn mean_bits(&self, index: usize) -> f32 {
        (self.bitrates_bps[index] * self.segment_secs) as f32
    }
}

/// A segment on its way that may come too late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Late {
    /// Its rendition, as an index into [`View::bitrates_bps`].
    pub(crate) index: usize,
    /// What is still to come.
    pub(crate) remaining_bits: f64,
}

/// A segment that was fetched and not played.
#[derive(Clone, Debug)]
pub(crate) struct Buffered {
    /// Its rendition, as an index into [`View::bitrates_bps`].
    pub(crate) index: usize,
    /// From the playhead to its beginning.
    pub(crate) ahead_secs: f64,
    /// Bits in every rendition.
    pub(crate) bits: Vec<f32>,
}

/// What to fetch again, and in which rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replacement {
    /// Index into the buffered segments.
    pub(crate) chunk: usize,
    /// Index into [`View::bitrates_bps`].
    pub(crate) index: usize,
}

/// The estimator's belief.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    /// Bits per second once bytes flow.
    pub(crate) bandwidth_bps: f64,
    /// From a request to its first byte.
    pub(crate) first_byte_secs: f64,
    /// The median of what the next transfer may flow at, bits per second: neither careful nor bold.
    pub(crate) typical_bps: f64,
    /// How far transfers stray from it: the standard deviation of the logarithm.
    pub(crate) spread: f64,
}

/// A way to choose.
pub(crate) trait Rule {
    /// Index into [`View::bitrates_bps`] (never empty) for the next segment.
    fn choose(&mut self, view: &View<'_>) -> usize;

    /// The rendition in which to begin a late segment again, if that is better than to wait for it.
    fn abandon(&mut self, _view: &View<'_>, _late: &Late) -> Option<usize> {
        None
    }

    /// Whether to fetch something again rather than the next segment, or nothing.
    fn replace(&mut self, _view: &View<'_>, _buffered: &[Buffered]) -> Option<Replacement> {
        None
    }
}

type Maker = fn() -> Box<dyn Rule>;

/// All rules by name: one line each.
const MAKERS: &[(&str, Maker)] = &[
    ("plan", || Box::new(plan::Plan::default())),
    ("bola", || Box::new(bola::Bola)),
    ("throughput", || Box::new(throughput::Throughput)),
];

/// The names that [`crate::Config::rule`] can have.
pub const RULES: [&str; MAKERS.len()] = {
    let mut names = [""; MAKERS.len()];
    let mut index = 0;
    while index < MAKERS.len() {
        names[index] = MAKERS[index].0;
        index += 1;
    }
    names
};

/// The rule that ships.
pub(crate) const DEFAULT_RULE: &str = MAKERS[0].0;

/// The rule of that name, or else the default.
pub(crate) fn rule(name: &str) -> Box<dyn Rule> {
    let maker = MAKERS.iter().find(|(known, _)| *known == name).unwrap_or(&MAKERS[0]).1;
    maker()
}
