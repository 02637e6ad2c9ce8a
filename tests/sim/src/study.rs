//! Many traces at once: a set of them is played on all processors, and means are taken.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use serde::de::DeserializeOwned;

use crate::movie::{Movie, Options, Outcome, TracePeriod, play};

/// A trace and the name of its file.
pub type Named = (String, Vec<TracePeriod>);

/// All traces of a folder, in the order of their names.
///
/// # Errors
/// The folder cannot be read, holds no traces, or one that is damaged.
pub fn traces(folder: &Path) -> anyhow::Result<Vec<Named>> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    anyhow::ensure!(!paths.is_empty(), "{} holds no .json traces", folder.display());
    let named = |path: &std::path::PathBuf| {
        Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), read(path)?))
    };
    paths.iter().map(named).collect()
}

/// A trace or a movie.
///
/// # Errors
/// It cannot be read, or is something else.
pub fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not in the expected form", path.display()))
}

/// The movie over each of the traces.
///
/// # Errors
/// The first that could not be played, by name.
pub fn play_all(
    traces: &[Named],
    movie: &Movie,
    options: &Options,
) -> anyhow::Result<Vec<Outcome>> {
    for_each(traces, |(name, trace)| play(trace, movie, options).with_context(|| name.clone()))
        .into_iter()
        .collect()
}

/// One result for each item, in their order, computed side by side.
pub fn for_each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(items.len()) {
            scope.spawn(|| {
                while let Some((index, item)) = Some(next.fetch_add(1, Ordering::Relaxed))
                    .and_then(|at| Some((at, items.get(at)?)))
                {
                    let result = work(item);
                    done.lock()
                        .expect("no worker panics while it holds the results")
                        .push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("all workers are done");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// What a set of sessions comes to: counts of interruptions are added up, all else is a mean.
pub fn mean(outcomes: &[Outcome]) -> Outcome {
    let mean = |value: fn(&Outcome) -> f64| {
        outcomes.iter().map(value).sum::<f64>() / outcomes.len().max(1) as f64
    };
    Outcome {
        score: mean(|outcome| outcome.score),
        utility: mean(|outcome| outcome.utility),
        rebuffer_ratio: mean(|outcome| outcome.rebuffer_ratio),
        rebuffer_events: outcomes.iter().map(|outcome| outcome.rebuffer_events).sum(),
        switches: outcomes.iter().map(|outcome| outcome.switches).sum::<usize>()
            / outcomes.len().max(1),
        mean_bitrate_kbps: mean(|outcome| outcome.mean_bitrate_kbps),
        startup_ms: mean(|outcome| outcome.startup_ms),
        wasted_bits: mean(|outcome| outcome.wasted_bits),
    }
}
