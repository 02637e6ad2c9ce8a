//! The origin beside Debian's nginx with its RTMP module, in the same run on the same machine.

mod capture;
mod cost;
mod first_playlist;
mod held;
mod http;
mod material;
mod report;
mod rtmp;
mod sides;
mod throughput;

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::environment;

pub use report::tables;

/// One figure, or a few of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Figure {
    /// From the first key frame to a playlist.
    FirstPlaylist,
    /// Processor time of streams that are passed on.
    Passthrough,
    /// Memory of streams that nobody watches.
    Idle,
    /// Requests and bytes per second.
    Throughput,
    /// Reloads that wait for a part.
    Held,
    /// From a picture's capture to its part.
    Capture,
}

/// Measures these figures of `program`; all when none is named. Those of `earlier` stay where they
/// are not measured again.
pub async fn measure(program: &Path, figures: &[Figure], earlier: &Value) -> Result<Value> {
    use Figure::{Capture, FirstPlaylist, Held, Idle, Passthrough, Throughput};
    let all = [FirstPlaylist, Passthrough, Idle, Throughput, Held, Capture];
    let figures = if figures.is_empty() { &all[..] } else { figures };
    let mut section = if earlier.is_object() { earlier.clone() } else { json!({}) };
    section["machine"] = environment::machine();
    section["nginx"] = json!(sides::nginx_version().await?);
    for figure in figures {
        let (key, measured) = match figure {
            FirstPlaylist => ("firstPlaylist", first_playlist::measure(program).await?),
            Passthrough => ("passthrough", cost::passthrough(program).await?),
            Idle => ("idle", cost::idle(program).await?),
            Throughput => ("throughput", throughput::measure(program).await?),
            Held => ("held", held::measure(program).await?),
            Capture => ("capture", capture::measure(program).await?),
        };
        section[key] = measured;
    }
    Ok(section)
}
