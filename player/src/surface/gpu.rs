//! The GPU device of the page, which all its players share.
//!
//! The second player starts sooner. And where many devices are made and destroyed, Chromium (156) stands
//! still for ever, now and then: an answer of the GPU process makes it ask for something while it holds
//! the lock that asking takes.

use std::cell::RefCell;

use immersive_render::wgpu;
use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{Event, EventTarget};

use crate::web::webgpu::GpuDevice;
use crate::web::{Listener, Task};

thread_local! {
    static SHARED: RefCell<Sharing> = const { RefCell::new(Sharing::Nothing) };
}

enum Sharing {
    Nothing,
    /// Settles when that is over.
    Starting(Promise),
    Ready(Gpu),
}

/// Fired at the device when it is lost, for as many listeners as there are players: a promise would
/// keep every one of them.
const LOST: &str = "lost";

#[derive(Clone)]
pub(super) struct Gpu {
    pub(super) instance: wgpu::Instance,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    raw: GpuDevice,
}

impl Gpu {
    /// The page's, or a new one if there is none or it was lost. The error says what is missing.
    pub(super) async fn shared() -> Result<Self, String> {
        loop {
            let started = SHARED.with_borrow_mut(|shared| match shared {
                Sharing::Ready(gpu) => Err(gpu.clone()),
                Sharing::Starting(promise) => Ok(promise.clone()),
                Sharing::Nothing => {
                    let promise = future_to_promise(Self::start());
                    *shared = Sharing::Starting(promise.clone());
                    Ok(promise)
                }
            });
            let promise = match started {
                Ok(promise) => promise,
                Err(gpu) => return Ok(gpu),
            };
            let settled = JsFuture::from(promise).await;
            settled.map_err(|missing| missing.as_string().unwrap_or_default())?;
        }
    }

    /// No player's own: whoever began it may go meanwhile.
    async fn start() -> Result<JsValue, JsValue> {
        let made = Self::new().await;
        SHARED.set(made.clone().map_or(Sharing::Nothing, Sharing::Ready));
        made?.share_no_longer_than_it_lasts();
        Ok(JsValue::UNDEFINED)
    }

    async fn new() -> Result<Self, &'static str> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::BROWSER_WEBGPU;
        let instance = wgpu::Instance::new(descriptor);
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions::default())
            .await
            .map_err(|_| "no adapter")?;
        let descriptor = wgpu::DeviceDescriptor {
            // The default alone would cap frames at 8192 pixels.
            required_limits: wgpu::Limits::default().using_resolution(adapter.limits()),
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(|_| "no device")?;
        let raw: &JsValue = device.as_webgpu().ok_or("no WebGPU handles")?;
        let raw = raw.clone().unchecked_into();
        Ok(Self { instance, device, queue, raw })
    }

    fn share_no_longer_than_it_lasts(self) {
        Task::spawn(async move {
            // It resolves, always.
            let _ = JsFuture::from(self.raw.lost()).await;
            SHARED.set(Sharing::Nothing);
            if let Ok(event) = Event::new(LOST) {
                // False only says that a listener called preventDefault.
                let _ = self.target().dispatch_event(&event);
            }
        })
        .detach();
    }

    /// Calls `act` when the device is lost.
    pub(super) fn on_loss(&self, act: impl Fn() + 'static) -> Listener {
        Listener::passive(self.target(), LOST, move |_| act())
    }

    fn target(&self) -> &EventTarget {
        self.raw.unchecked_ref()
    }
}
