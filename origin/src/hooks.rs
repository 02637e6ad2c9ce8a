//! Hooks: what operators want done when something happens, by a command or a web server of theirs.

use std::process::Stdio;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::flv::Tag;
use crate::hub::{Publication, Reader};
use crate::record::Report;

/// What is called; empty: nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Before a stream may begin; if it fails, the publisher is refused.
    pub before_publish: String,
    /// After a stream has begun.
    pub published: String,
    /// After a stream has ended.
    pub unpublished: String,
    /// After a recording is complete.
    pub recorded: String,
    /// A hook that takes longer is ended and counts as failed.
    pub timeout_secs: u64,
}

impl Default for Config {
    fn default() -> Self {
        let none = String::new;
        Self {
            before_publish: none(),
            published: none(),
            unpublished: none(),
            recorded: none(),
            timeout_secs: 10,
        }
    }
}

/// What happened, as hooks are told in JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the stream's name and who sends it")]
pub enum Event {
    /// Somebody wants to publish.
    BeforePublish { stream: String, source: String },
    /// A stream has begun.
    Published { stream: String, source: String },
    /// A stream has ended.
    Unpublished { stream: String, source: String },
    /// A recording is complete.
    Recorded {
        /// Which one.
        #[serde(flatten)]
        recording: Report,
    },
}

/// Calls hooks.
#[derive(Debug)]
pub struct Hooks {
    config: RwLock<Config>,
    runtime: tokio::runtime::Handle,
}

impl Hooks {
    /// Hooks as `config` says.
    pub fn new(config: Config) -> Arc<Self> {
        let runtime = tokio::runtime::Handle::current();
        Arc::new(Self { config: config.into(), runtime })
    }

    /// Other hooks from now on.
    pub fn reconfigure(&self, config: Config) {
        *self.config.write().unwrap_or_else(std::sync::PoisonError::into_inner) = config;
    }

    /// Tells the hook of `event`, if there is one, and does not wait for it.
    pub fn fire(self: &Arc<Self>, event: Event) {
        let hooks = self.clone();
        self.runtime.spawn(async move {
            if let Err(error) = hooks.call(&event).await {
                tracing::warn!(event = event.name(), "a hook failed: {error}");
            }
        });
    }

    /// Asks the hook of `event` and waits for its answer; without a hook it is yes.
    ///
    /// # Errors
    /// When it says no, cannot be called or takes too long.
    pub async fn call(&self, event: &Event) -> Result<(), String> {
        let config = self.config.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let hook = match event {
            Event::BeforePublish { .. } => config.before_publish,
            Event::Published { .. } => config.published,
            Event::Unpublished { .. } => config.unpublished,
            Event::Recorded { .. } => config.recorded,
        };
        if hook.is_empty() {
            return Ok(());
        }
        let json = serde_json::to_vec(event).map_err(|error| error.to_string())?;
        let patience = Duration::from_secs(config.timeout_secs);
        if hook.starts_with("http://") {
            tokio::task::spawn_blocking(move || post(&hook, &json, patience))
                .await
                .map_err(|error| error.to_string())?
        } else {
            let run = run(&hook, event, &json);
            tokio::time::timeout(patience, run)
                .await
                .unwrap_or_else(|_| Err(format!("{hook:?} took longer than {patience:?}")))
        }
    }
}

impl Event {
    /// As in its JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BeforePublish { .. } => "before_publish",
            Self::Published { .. } => "published",
            Self::Unpublished { .. } => "unpublished",
            Self::Recorded { .. } => "recorded",
        }
    }

    fn stream(&self) -> &str {
        match self {
            Self::BeforePublish { stream, .. }
            | Self::Published { stream, .. }
            | Self::Unpublished { stream, .. } => stream,
            Self::Recorded { recording } => &recording.stream,
        }
    }
}

/// Runs a command by the shell: the event on standard input, the essentials in the environment.
async fn run(command: &str, event: &Event, json: &[u8]) -> Result<(), String> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env("IMMERSIVE_EVENT", event.name());
    shell.env("IMMERSIVE_STREAM", event.stream());
    if let Event::Recorded { recording } = event {
        shell.env("IMMERSIVE_RECORDING", &recording.name).env("IMMERSIVE_FILE", &recording.file);
    }
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
    let failed = |error: std::io::Error| format!("{command:?}: {error}");
    let mut child = shell.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input is fine.
        let _ = stdin.write_all(json).await;
    }
    let status = child.wait().await.map_err(failed)?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}

fn post(url: &str, json: &[u8], patience: Duration) -> Result<(), String> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(patience)).build().into();
    match agent.post(url).content_type("application/json").send(json) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{url}: {error}")),
    }
}

/// Tells of every stream that begins and ends.
pub struct Announcer(pub Arc<Hooks>);

impl Reader for Announcer {
    fn attach(&self, publication: Arc<Publication>, mut tags: mpsc::Receiver<Tag>) {
        let hooks = self.0.clone();
        let (stream, source) = (publication.name.clone(), publication.source.clone());
        hooks.fire(Event::Published { stream: stream.clone(), source: source.clone() });
        tokio::spawn(async move {
            while tags.recv().await.is_some() {}
            hooks.fire(Event::Unpublished { stream, source });
        });
    }
}
