//! What the tests share: a browser for the interface in turn, the origin, the clips.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use anyhow::{Result, bail};
use immersive_tests_browser::{Backend, Chromium, Origin, Page, Stand, clips, failure, places};
use libtest_mimic::Failed;
use tokio::runtime::Runtime;

/// A test's future borrows the world.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// One test.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its name, without the interface.
    pub name: &'static str,
    /// What it does.
    pub run: for<'a> fn(&'a World) -> Running<'a>,
}

/// Names a function as a [`Check`].
macro_rules! checks {
    ($($name:ident),+ $(,)?) => {
        /// The tests of this file.
        pub fn checks() -> Vec<$crate::world::Check> {
            vec![$($crate::world::Check {
                name: stringify!($name),
                run: |world| Box::pin($name(world)),
            }),+]
        }
    };
}
pub(crate) use checks;

/// What a test gets.
pub struct World {
    /// A browser with the interface in turn.
    pub browser: Chromium,
    /// Pages and clips.
    pub stand: Stand,
    origin: tokio::sync::Mutex<Option<Origin>>,
}

impl World {
    async fn new(backend: Backend) -> Result<Self> {
        let stand = Stand::start(&places::site()?, &clips::recorded().await?).await?;
        let browser = Chromium::start(backend).await?;
        Ok(Self { browser, stand, origin: tokio::sync::Mutex::default() })
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) -> Result<Page<'_>> {
        Page::open(&self.browser, url).await
    }

    /// Opens the site on a clip and waits until it plays.
    pub async fn play(&self, clip: &str) -> Result<Page<'_>> {
        let page = self.open(&self.stand.page(&self.stand.open(clip))).await?;
        page.wait_until("player !== null").await?;
        page.value("void player.play()").await?;
        page.wait_for_playback().await?;
        Ok(page)
    }

    /// The page of the live stream, from an origin that runs until the interface's last test.
    pub async fn live_page(&self) -> Result<String> {
        let mut origin = self.origin.lock().await;
        if origin.is_none() {
            *origin = Some(Origin::start(&places::site()?).await?);
        }
        Ok(origin.as_ref().expect("it was just started").ready_url.clone())
    }
}

/// The world of the interface in turn, made when its first test runs.
#[derive(Clone)]
pub struct SharedWorld(Arc<Mutex<Shared>>);

struct Shared {
    runtime: Runtime,
    world: Option<World>,
}

impl SharedWorld {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads can be started");
        Self(Arc::new(Mutex::new(Shared { runtime, world: None })))
    }

    /// Runs one test and keeps what it saw when it fails.
    pub fn run(&self, backend: Backend, name: &str, check: &Check) -> Result<(), Failed> {
        let mut shared = self.0.lock().map_err(|_| "an earlier test took the world with it")?;
        let Shared { runtime, world } = &mut *shared;
        if world.as_ref().is_some_and(|world| world.browser.backend != backend) {
            runtime.block_on(close(world.take()))?;
        }
        let outcome = runtime.block_on(async {
            let world = match world {
                Some(world) => world,
                None => world.insert(World::new(backend).await?),
            };
            run_in(world, name, check).await
        });
        outcome.map_err(|error| Failed::from(format!("{error:#}")))
    }

    /// Ends what still runs.
    pub fn close(&self) {
        if let Ok(mut shared) = self.0.lock() {
            let world = shared.world.take();
            if let Err(error) = shared.runtime.block_on(close(world)) {
                eprintln!("{error:#}");
            }
        }
    }
}

async fn run_in(world: &World, name: &str, check: &Check) -> Result<()> {
    let Err(error) = (check.run)(world).await else { return Ok(()) };
    let page = Page::current(&world.browser);
    let saved = failure::record(name, &error, &page).await;
    bail!("{error:#}\n{saved}");
}

async fn close(world: Option<World>) -> Result<()> {
    let Some(world) = world else { return Ok(()) };
    world.browser.close().await?;
    if let Some(origin) = world.origin.into_inner() {
        origin.stop().await?;
    }
    Ok(())
}
