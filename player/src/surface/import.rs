//! A new video frame to our own texture, by WebGPU: imported without a copy, then drawn into the
//! texture in one pass, which shrinks if need be.

use immersive_render::{shaders, wgpu};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlVideoElement;

use super::source::{Shrinker, UploadError};
use crate::web::webgpu::{GpuDevice, GpuRenderPipeline, VideoFrame};

/// Brings frames into a texture. Descriptors are made once and reused.
pub(super) struct Importer {
    device: GpuDevice,
    way: Way,
}

enum Way {
    Blit(Blit),
    /// For browsers without `importExternalTexture`.
    Copy {
        shrinker: Option<Shrinker>,
    },
}

struct Blit {
    module: JsValue,
    copying: Pass,
    /// Made when a frame is larger than its texture: hardly ever.
    shrinking: Option<Pass>,
    import_descriptor: JsValue,
    video_binding: JsValue,
    target: JsValue,
    pass_descriptor: JsValue,
}

struct Pass {
    pipeline: GpuRenderPipeline,
    group_descriptor: JsValue,
}

impl Importer {
    pub(super) fn new(device: &wgpu::Device) -> Option<Self> {
        let raw: &JsValue = device.as_webgpu()?;
        let device: GpuDevice = raw.clone().unchecked_into();
        let can_import = Reflect::has(raw, &JsValue::from_str("importExternalTexture"));
        let way = if can_import == Ok(true) {
            Way::Blit(Blit::new(&device))
        } else {
            Way::Copy { shrinker: None }
        };
        Some(Self { device, way })
    }

    /// Draws a grey frame into `texture`, so that the driver has made its programs before the first
    /// frame comes: it makes them when they are first used.
    pub(super) fn rehearse(&mut self, texture: &wgpu::Texture) {
        let Way::Blit(blit) = &mut self.way else { return };
        // As decoders hand them out: 2 by 2 pixels of luma, and one each of the colours.
        let planes = Uint8Array::new_with_length(6).fill(128, 0, 6);
        let side = JsValue::from(2);
        let init = object(&[
            ("format", &"I420".into()),
            ("codedWidth", &side),
            ("codedHeight", &side),
            ("timestamp", &0.into()),
        ]);
        // Without WebCodecs, the first frame waits for the driver.
        let Ok(frame) = VideoFrame::new(&planes, &init) else { return };
        let _ = blit.run(&self.device, &frame, (2, 2), texture);
        frame.close();
    }

    /// Fills `texture`, of any size, with the current frame. Everything happens before it returns:
    /// an imported frame lives no longer than the task.
    pub(super) fn import(
        &mut self,
        video: &HtmlVideoElement,
        texture: &wgpu::Texture,
    ) -> Result<(), UploadError> {
        match &mut self.way {
            Way::Blit(blit) => {
                let size = (video.video_width(), video.video_height());
                blit.run(&self.device, video, size, texture)
            }
            Way::Copy { shrinker } => copy(&self.device, shrinker, video, texture),
        }
    }
}

impl Blit {
    fn new(device: &GpuDevice) -> Self {
        let code = object(&[("code", &shaders::WGSL_BLIT_EXTERNAL.into())]);
        let module = device.create_shader_module(&code);
        let video_binding = object(&[("binding", &0.into())]);
        let target = object(&[("loadOp", &"clear".into()), ("storeOp", &"store".into())]);
        let pass_descriptor = object(&[("colorAttachments", &Array::of1(&target))]);
        Self {
            copying: Pass::new(device, &module, "copy_main", &Array::of1(&video_binding)),
            module,
            shrinking: None,
            import_descriptor: object(&[]),
            video_binding,
            target,
            pass_descriptor,
        }
    }

    fn shrinking(device: &GpuDevice, module: &JsValue, video_binding: &JsValue) -> Pass {
        let linear = JsValue::from_str("linear");
        let sampler =
            device.create_sampler(&object(&[("magFilter", &linear), ("minFilter", &linear)]));
        let sampler_binding = object(&[("binding", &1.into()), ("resource", &sampler)]);
        Pass::new(device, module, "shrink_main", &Array::of2(video_binding, &sampler_binding))
    }

    fn run(
        &mut self,
        device: &GpuDevice,
        source: &JsValue,
        size: (u32, u32),
        texture: &wgpu::Texture,
    ) -> Result<(), UploadError> {
        let Pass { pipeline, group_descriptor } = if size == (texture.width(), texture.height()) {
            &self.copying
        } else {
            let make = || Self::shrinking(device, &self.module, &self.video_binding);
            self.shrinking.get_or_insert_with(make)
        };
        set(&self.import_descriptor, "source", source);
        let imported = device
            .import_external_texture(&self.import_descriptor)
            .map_err(|error| UploadError::from_js(&error))?;
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let Some(view) = view.as_webgpu() else { return Err(UploadError::NoFrame) };

        set(&self.video_binding, "resource", &imported);
        set(&self.target, "view", view);
        let group = device.create_bind_group(group_descriptor);
        let encoder = device.create_command_encoder();
        let pass = encoder.begin_render_pass(&self.pass_descriptor);
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &group);
        pass.draw(3);
        pass.end();
        device.queue().submit(&Array::of1(&encoder.finish()));
        // The frame goes back to the decoder now, not with the next one.
        set(&self.video_binding, "resource", &JsValue::UNDEFINED);
        Ok(())
    }
}

impl Pass {
    /// With the fragment stage of that name and what it reads.
    fn new(device: &GpuDevice, module: &JsValue, stage: &str, entries: &Array) -> Self {
        let format = object(&[("format", &"rgba8unorm".into())]);
        let fragment = object(&[
            ("module", module),
            ("entryPoint", &stage.into()),
            ("targets", &Array::of1(&format)),
        ]);
        let pipeline = device.create_render_pipeline(&object(&[
            ("layout", &"auto".into()),
            ("vertex", &object(&[("module", module)])),
            ("fragment", &fragment),
        ]));
        let layout = pipeline.bind_group_layout(0);
        let group_descriptor = object(&[("layout", &layout), ("entries", entries)]);
        Self { pipeline, group_descriptor }
    }
}

fn copy(
    device: &GpuDevice,
    shrinker: &mut Option<Shrinker>,
    video: &HtmlVideoElement,
    texture: &wgpu::Texture,
) -> Result<(), UploadError> {
    let size = (texture.width(), texture.height());
    let source: JsValue = if size == (video.video_width(), video.video_height()) {
        video.into()
    } else {
        if shrinker.is_none() {
            *shrinker = Shrinker::new(video);
        }
        shrinker.as_ref().ok_or(UploadError::NoFrame)?.shrink(video, size)?.into()
    };
    let Some(raw) = texture.as_webgpu() else { return Err(UploadError::NoFrame) };
    device
        .queue()
        .copy_external_image_to_texture(
            &object(&[("source", &source)]),
            &object(&[("texture", raw)]),
            &Array::of2(&size.0.into(), &size.1.into()),
        )
        .map_err(|error| UploadError::from_js(&error))
}

fn object(members: &[(&str, &JsValue)]) -> JsValue {
    let object: JsValue = Object::new().into();
    for (name, value) in members {
        set(&object, name, value);
    }
    object
}

fn set(object: &JsValue, name: &str, value: &JsValue) {
    // Only a frozen object or a proxy refuses, and ours are neither.
    let _ = Reflect::set(object, &JsValue::from_str(name), value);
}
