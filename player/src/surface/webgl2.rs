//! The WebGL2 backend: one texture, one triangle, the shaders of `immersive_render::shaders`.

use immersive_render::{Scene, Uniforms, shaders};
use immersive_view::{Projection, Viewport};
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    HtmlCanvasElement, HtmlVideoElement, WebGl2RenderingContext as Gl, WebGlBuffer, WebGlProgram,
    WebGlTexture, WebglLoseContext,
};

use super::capture::CaptureError;
use super::source::{Shrinker, UploadError, fit, frame_size};
use crate::web::now_millis;

pub(super) struct WebGl2 {
    gl: Gl,
    canvas: HtmlCanvasElement,
    programs: [Option<WebGlProgram>; Projection::ALL.len()],
    uniforms: WebGlBuffer,
    frame: WebGlTexture,
    frame_size: (u32, u32),
    upload: UploadChoice,
    shrinker: Option<Shrinker>,
    pub(super) longest_side: u32,
}

const UNIFORM_BINDING: u32 = 0;

impl WebGl2 {
    /// Takes the canvas over. The error says what is missing.
    pub(super) fn new(canvas: &HtmlCanvasElement) -> Result<Self, String> {
        let attributes = Object::new();
        for unused in ["alpha", "antialias", "depth", "stencil"] {
            // Only a frozen object refuses.
            let _ = Reflect::set(&attributes, &JsValue::from_str(unused), &JsValue::FALSE);
        }
        let gl: Gl = canvas
            .get_context_with_context_options("webgl2", &attributes)
            .ok()
            .flatten()
            .ok_or("no WebGL 2")?
            .unchecked_into();
        let uniforms = gl.create_buffer().ok_or("no WebGL buffer")?;
        gl.bind_buffer(Gl::UNIFORM_BUFFER, Some(&uniforms));
        let size = i32::try_from(Uniforms::SIZE).expect("a few dozen bytes");
        gl.buffer_data_with_i32(Gl::UNIFORM_BUFFER, size, Gl::DYNAMIC_DRAW);
        gl.bind_buffer_base(Gl::UNIFORM_BUFFER, UNIFORM_BINDING, Some(&uniforms));

        let frame = gl.create_texture().ok_or("no WebGL texture")?;
        gl.bind_texture(Gl::TEXTURE_2D, Some(&frame));
        for (name, value) in [
            (Gl::TEXTURE_MIN_FILTER, Gl::LINEAR),
            (Gl::TEXTURE_MAG_FILTER, Gl::LINEAR),
            (Gl::TEXTURE_WRAP_S, Gl::CLAMP_TO_EDGE),
            (Gl::TEXTURE_WRAP_T, Gl::CLAMP_TO_EDGE),
        ] {
            gl.tex_parameteri(Gl::TEXTURE_2D, name, value.cast_signed());
        }
        Ok(Self {
            longest_side: longest_side(&gl),
            gl,
            canvas: canvas.clone(),
            programs: [const { None }; Projection::ALL.len()],
            uniforms,
            frame,
            frame_size: (0, 0),
            upload: UploadChoice::default(),
            shrinker: None,
        })
    }

    pub(super) fn upload(&mut self, video: &HtmlVideoElement) -> Result<(), UploadError> {
        let full_size = frame_size(video)?;
        let size = fit(full_size, self.longest_side);
        self.gl.bind_texture(Gl::TEXTURE_2D, Some(&self.frame));
        if size != full_size {
            return self.upload_shrunk(video, size);
        }
        let way = if size == self.frame_size { self.upload.way() } else { Way::Image };
        let timed = self.upload.is_open() && size == self.frame_size;
        let begin_millis = now_millis();
        match way {
            Way::Image => self.gl.tex_image_2d_with_u32_and_u32_and_html_video_element(
                Gl::TEXTURE_2D,
                0,
                Gl::RGBA.cast_signed(),
                Gl::RGBA,
                Gl::UNSIGNED_BYTE,
                video,
            ),
            Way::SubImage => self.gl.tex_sub_image_2d_with_u32_and_u32_and_html_video_element(
                Gl::TEXTURE_2D,
                0,
                0,
                0,
                Gl::RGBA,
                Gl::UNSIGNED_BYTE,
                video,
            ),
        }
        .map_err(|error| UploadError::from_js(&error))?;
        self.frame_size = size;
        if timed {
            // The call alone only queues the work.
            self.gl.finish();
            self.upload.tried(way, now_millis() - begin_millis);
        }
        Ok(())
    }

    fn upload_shrunk(
        &mut self,
        video: &HtmlVideoElement,
        size: (u32, u32),
    ) -> Result<(), UploadError> {
        if self.shrinker.is_none() {
            self.shrinker = Shrinker::new(video);
        }
        let canvas = self.shrinker.as_ref().ok_or(UploadError::NoFrame)?.shrink(video, size)?;
        self.gl
            .tex_image_2d_with_u32_and_u32_and_html_canvas_element(
                Gl::TEXTURE_2D,
                0,
                Gl::RGBA.cast_signed(),
                Gl::RGBA,
                Gl::UNSIGNED_BYTE,
                canvas,
            )
            .map_err(|error| UploadError::from_js(&error))?;
        self.frame_size = size;
        Ok(())
    }

    /// False if the context is lost, which an event reports as well.
    pub(super) fn draw(&mut self, scene: &Scene, size: Viewport) -> bool {
        let (width, height) = fit((size.width_px, size.height_px), self.longest_side);
        if (self.canvas.width(), self.canvas.height()) != (width, height) {
            self.canvas.set_width(width);
            self.canvas.set_height(height);
        }
        self.paint(scene, width, height)
    }

    pub(super) fn capture(
        &mut self,
        scene: &Scene,
        size: Viewport,
    ) -> Result<Vec<u8>, CaptureError> {
        let limit_px = self.longest_side;
        if size.width_px > limit_px || size.height_px > limit_px {
            return Err(CaptureError::TooLarge { limit_px });
        }
        let (width, height) = (size.width_px.cast_signed(), size.height_px.cast_signed());
        let gl = &self.gl;
        let target = gl.create_renderbuffer().ok_or(CaptureError::Lost)?;
        let framebuffer = gl.create_framebuffer().ok_or(CaptureError::Lost)?;
        gl.bind_renderbuffer(Gl::RENDERBUFFER, Some(&target));
        gl.renderbuffer_storage(Gl::RENDERBUFFER, Gl::RGBA8, width, height);
        gl.bind_framebuffer(Gl::FRAMEBUFFER, Some(&framebuffer));
        gl.framebuffer_renderbuffer(
            Gl::FRAMEBUFFER,
            Gl::COLOR_ATTACHMENT0,
            Gl::RENDERBUFFER,
            Some(&target),
        );
        // Pixels are read from the bottom up, so the picture is drawn upside down.
        let mut upside_down = *scene;
        upside_down.world_from_clip.y_axis = -scene.world_from_clip.y_axis;
        let painted = self.paint(&upside_down, size.width_px, size.height_px);

        let mut rgba = vec![0; size.width_px as usize * size.height_px as usize * 4];
        let gl = &self.gl;
        let read = gl.read_pixels_with_opt_u8_array(
            0,
            0,
            width,
            height,
            Gl::RGBA,
            Gl::UNSIGNED_BYTE,
            Some(&mut rgba),
        );
        gl.bind_framebuffer(Gl::FRAMEBUFFER, None);
        gl.delete_framebuffer(Some(&framebuffer));
        gl.delete_renderbuffer(Some(&target));
        if painted && read.is_ok() && !gl.is_context_lost() {
            Ok(rgba)
        } else {
            Err(CaptureError::Lost)
        }
    }

    fn paint(&mut self, scene: &Scene, width: u32, height: u32) -> bool {
        let gl = &self.gl;
        if gl.is_context_lost() {
            return false;
        }
        gl.viewport(0, 0, width.cast_signed(), height.cast_signed());
        if self.frame_size == (0, 0) {
            gl.clear_color(0.0, 0.0, 0.0, 1.0);
            gl.clear(Gl::COLOR_BUFFER_BIT);
            return true;
        }
        let program = &mut self.programs[scene.projection.index()];
        if program.is_none() {
            *program = link(gl, shaders::sphere(scene.projection).glsl_fragment);
        }
        gl.use_program(program.as_ref());
        gl.bind_buffer(Gl::UNIFORM_BUFFER, Some(&self.uniforms));
        let uniforms = scene.uniforms();
        gl.buffer_sub_data_with_i32_and_u8_array(Gl::UNIFORM_BUFFER, 0, uniforms.as_bytes());
        gl.bind_texture(Gl::TEXTURE_2D, Some(&self.frame));
        gl.draw_arrays(Gl::TRIANGLES, 0, 3);
        true
    }
}

impl Drop for WebGl2 {
    fn drop(&mut self) {
        // A context lives until it is collected, and a page may have only a few.
        if let Ok(Some(extension)) = self.gl.get_extension("WEBGL_lose_context") {
            extension.unchecked_ref::<WebglLoseContext>().lose_context();
        }
    }
}

fn longest_side(gl: &Gl) -> u32 {
    let limit = gl.get_parameter(Gl::MAX_TEXTURE_SIZE).ok().and_then(|limit| limit.as_f64());
    // Every WebGL2 has 2048.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    limit.map_or(2048, |limit| limit as u32)
}

/// `None` only if the context is lost: the build translated and checked the shaders.
fn link(gl: &Gl, fragment: &str) -> Option<WebGlProgram> {
    let program = gl.create_program()?;
    for (kind, text) in [(Gl::VERTEX_SHADER, shaders::GLSL_VERTEX), (Gl::FRAGMENT_SHADER, fragment)]
    {
        let shader = gl.create_shader(kind)?;
        gl.shader_source(&shader, text);
        gl.compile_shader(&shader);
        gl.attach_shader(&program, &shader);
        gl.delete_shader(Some(&shader));
    }
    gl.link_program(&program);
    let block = gl.get_uniform_block_index(&program, shaders::GLSL_UNIFORM_BLOCK);
    if block != Gl::INVALID_INDEX {
        gl.uniform_block_binding(&program, block, UNIFORM_BINDING);
    }
    // The sampler is unit 0 without being told so.
    Some(program)
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Image,
    SubImage,
}

/// `texSubImage2D` reuses the storage and is usually faster, but not with every driver: both are
/// timed on the first frames of a size, and the faster one stays.
#[derive(Default)]
struct UploadChoice {
    tries: u32,
    image_millis: Option<f64>,
    sub_image_millis: Option<f64>,
}

impl UploadChoice {
    const TRIES: u32 = 6;

    fn is_open(&self) -> bool {
        self.tries < Self::TRIES
    }

    fn way(&self) -> Way {
        if self.is_open() {
            return if self.tries.is_multiple_of(2) { Way::SubImage } else { Way::Image };
        }
        if self.image_millis < self.sub_image_millis { Way::Image } else { Way::SubImage }
    }

    fn tried(&mut self, way: Way, millis: f64) {
        self.tries += 1;
        let best = match way {
            Way::Image => &mut self.image_millis,
            Way::SubImage => &mut self.sub_image_millis,
        };
        *best = Some(best.map_or(millis, |best| best.min(millis)));
    }
}
