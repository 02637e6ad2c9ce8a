//! Threads that answer, one for each processor.
//!
//! A connection stays on its thread from the first byte to the last, so that its requests wake and
//! lock nobody else: with a runtime that moves tasks between threads, that is what most of the time
//! goes into.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The threads. Dropping this ends them, and whatever they are at.
pub struct Threads(Vec<Thread>);

struct Thread {
    runtime: Handle,
    /// Connections that it has.
    load: Arc<AtomicUsize>,
    end: Option<oneshot::Sender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Threads {
    /// Starts one for each processor.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn start() -> Result<Self> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        (0..count).map(|_| Thread::start()).collect::<Result<_>>().map(Self)
    }

    /// Runs `connection` on the thread that has least to do.
    pub fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let Some(thread) = self.0.iter().min_by_key(|thread| thread.load.load(Relaxed)) else {
            return;
        };
        thread.load.fetch_add(1, Relaxed);
        let counted = Counted(thread.load.clone());
        thread.runtime.spawn(async move {
            connection.await;
            drop(counted);
        });
    }
}

impl Thread {
    fn start() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("cannot start a thread for HTTP")?;
        let (end, ended) = oneshot::channel::<()>();
        let (handle, load) = (runtime.handle().clone(), Arc::default());
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(move || {
            let _ = runtime.block_on(ended);
            // Reading a file that does not come must not keep the program.
            runtime.shutdown_background();
        });
        let thread = thread.context("cannot start a thread for HTTP")?;
        Ok(Self { runtime: handle, load, end: Some(end), handle: Some(thread) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
    }
}

/// A connection that counts until it is over.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
