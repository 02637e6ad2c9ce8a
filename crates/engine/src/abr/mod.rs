//! Which rendition next. Rules see a [`View`] and answer with an index; what they may choose from
//! (playable, not failing, not larger than the canvas can show) is decided before.

mod estimator;
mod throughput;

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
}

/// The estimator's belief.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    /// Bits per second once bytes flow.
    pub(crate) bandwidth_bps: f64,
    /// From a request to its first byte.
    pub(crate) first_byte_secs: f64,
}

/// A way to choose.
pub(crate) trait Rule {
    /// Index into [`View::bitrates_bps`] (never empty) for the next segment.
    fn choose(&mut self, view: &View<'_>) -> usize;
}

type Maker = fn() -> Box<dyn Rule>;

/// All rules by name: one line each.
const MAKERS: &[(&str, Maker)] = &[("throughput", || Box::new(throughput::Throughput))];

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
