//! Settings that change while the program runs: on SIGHUP, and when their file changes.

use std::convert::Infallible;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::serve::Origin;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// SIGHUP, listened for from this call on.
///
/// # Errors
/// When signals cannot be listened for.
pub fn hangups() -> Result<Signal> {
    signal(SignalKind::hangup()).context("cannot listen for SIGHUP")
}

/// Watches for ever. What cannot change while the program runs is named in the log.
pub async fn watch(
    origin: &Origin,
    mut hangups: Signal,
    mut config: Config,
    read: impl Fn() -> Result<Config>,
    file: Option<&Path>,
) -> Infallible {
    let mut changed = changed_at(file, &config);
    loop {
        let asked = tokio::select! {
            _ = hangups.recv() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        let now = changed_at(file, &config);
        if !asked && now == changed {
            continue;
        }
        changed = now;
        match read() {
            Ok(new) => {
                origin.reconfigure(&new);
                origin.app.notices.clear("settings");
                tell(&config, &new);
                config = new;
            }
            Err(error) => {
                let what = format!("the new settings are not used: {error:#}");
                origin.app.notices.raise("settings", &what);
            }
        }
    }
}

/// When the settings and the certificate's files were written.
fn changed_at(file: Option<&Path>, config: &Config) -> Vec<Option<SystemTime>> {
    let changed = |file: &Path| file.metadata().ok()?.modified().ok();
    file.into_iter().chain(config.tls.files()).map(changed).collect()
}

fn tell(old: &Config, new: &Config) {
    let fixed = [
        ("http", old.http != new.http),
        ("rtmp", old.rtmp != new.rtmp),
        ("https", old.https != new.https),
        ("rtmps", old.rtmps != new.rtmps),
        ("[limits]", old.limits != new.limits),
        ("site", old.site != new.site),
        ("data", old.data != new.data),
        ("[live]", old.live != new.live || old.profile != new.profile),
        ("[ladder]", old.ladder != new.ladder),
        ("[cache]", old.cache != new.cache),
    ];
    tracing::info!("settings read again");
    for (name, _) in fixed.into_iter().filter(|(_, changed)| *changed) {
        tracing::warn!("{name} has changed, which needs a restart");
    }
}
