//! The real renderer without a window.

use immersive_render::{FRAME_FORMAT, Renderer, Scene, frame_texture, read_rgba};
use immersive_view::Viewport;

use crate::Picture;

/// A device and what it is called.
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    name: String,
}

/// Why there are no pictures.
#[derive(Debug)]
pub enum GpuError {
    /// Neither Vulkan nor OpenGL.
    NoAdapter(wgpu::RequestAdapterError),
    /// An adapter that does not work.
    NoDevice(wgpu::RequestDeviceError),
}

impl std::fmt::Display for GpuError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoAdapter(error) => write!(
                formatter,
                "no Vulkan or OpenGL driver to draw with; a machine without a GPU needs Mesa's \
                 llvmpipe (Debian, Ubuntu: apt install mesa-vulkan-drivers; Fedora: dnf install \
                 mesa-vulkan-drivers): {error}"
            ),
            Self::NoDevice(error) => write!(formatter, "the driver gave no device: {error}"),
        }
    }
}

impl std::error::Error for GpuError {}

impl Gpu {
    /// The machine's Vulkan, Metal or Direct3D adapter, or else its OpenGL one; `WGPU_BACKEND`
    /// (`vulkan`, `gl`, ...) chooses.
    pub fn open() -> Result<Self, GpuError> {
        match wgpu::Backends::from_env() {
            Some(chosen) => Self::open_with(chosen),
            // One by one: asking for OpenGL where it is not needed starts half a display server.
            None => Self::open_with(wgpu::Backends::PRIMARY)
                .or_else(|_| Self::open_with(wgpu::Backends::GL)),
        }
    }

    fn open_with(backends: wgpu::Backends) -> Result<Self, GpuError> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = backends;
        let instance = wgpu::Instance::new(descriptor);
        let adapter = pollster::block_on(instance.request_adapter(&Default::default()))
            .map_err(GpuError::NoAdapter)?;
        let descriptor = wgpu::DeviceDescriptor {
            required_limits: wgpu::Limits::downlevel_defaults().using_resolution(adapter.limits()),
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&descriptor)).map_err(GpuError::NoDevice)?;
        let info = adapter.get_info();
        let name =
            format!("{} ({}, {} {})", info.name, info.backend, info.driver, info.driver_info);
        Ok(Self { device, queue, name })
    }

    /// Adapter, interface and driver, for the report.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Draws `frame` in each of the scenes.
    ///
    /// # Panics
    ///
    /// If the GPU is lost meanwhile.
    pub fn draw(&self, frame: &Picture, scenes: &[Scene], viewport: Viewport) -> Vec<Picture> {
        let mut renderer = Renderer::new(&self.device, &self.queue, FRAME_FORMAT);
        let texture = frame_texture(&self.device, frame.width_px, frame.height_px);
        self.queue.write_texture(
            texture.as_image_copy(),
            &frame.to_rgba(),
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(frame.width_px * 4),
                rows_per_image: None,
            },
            texture.size(),
        );
        renderer.set_frame(&texture);
        let target = frame_texture(&self.device, viewport.width_px, viewport.height_px);
        let view = target.create_view(&Default::default());
        let draw = |scene| {
            renderer.draw(scene, &view);
            let rgba = pollster::block_on(read_rgba(&self.device, &self.queue, &target))
                .expect("a lost GPU ends the tests");
            assert!(rgba.chunks_exact(4).all(|pixel| pixel[3] == 255), "not opaque");
            Picture::from_rgba(viewport.width_px, viewport.height_px, &rgba)
        };
        scenes.iter().map(draw).collect()
    }
}
