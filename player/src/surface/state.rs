//! What a stage knows, and what follows from it for the next picture.

use immersive_render::Scene;
use immersive_view::{Camera, Eye, Look, Projection, StereoLayout, Viewport};
use web_sys::{HtmlCanvasElement, HtmlVideoElement};

use super::painter::Painter;
use super::source::UploadError;
use super::{Backend, StageEvent, StageOptions, StageStats};
use crate::web::{DevicePixelSize, Listener, OnScreen, Task, Timer, now_millis};

/// What the stage knows; the stage itself talks to the browser and to its owner.
pub(super) struct State {
    pub(super) look: Look,
    pub(super) projection: Projection,
    pub(super) stereo: StereoLayout,
    /// Of the canvas, in device pixels.
    pub(super) size: Viewport,
    /// Some of the canvas can be seen, or could by scrolling a little.
    pub(super) on_screen: bool,
    pub(super) canvas: Option<Canvas>,
    pub(super) painter: Option<Painter>,
    pub(super) starting: Option<Starting>,
    /// Of the painter's device.
    pub(super) loss: Option<Listener>,
    /// Lost devices and contexts since the last long run without.
    pub(super) losses: u32,
    pub(super) started_millis: f64,
    /// There should be a new frame, but the video has not reported it.
    pub(super) frame_expected: bool,
    /// A frame is on the GPU.
    pub(super) has_frame: bool,
    /// The frame on the GPU is not on the canvas.
    pub(super) frame_is_new: bool,
    pub(super) first_frame_told: bool,
    /// Uploads that failed, one after the other.
    pub(super) failed_uploads: u32,
    /// The video's frames cannot be read; told once per source.
    pub(super) unreadable: bool,
    pub(super) drawn: Option<(Scene, Viewport)>,
    pub(super) told_camera: Camera,
    /// When the look was last updated while moving.
    pub(super) moved_millis: Option<f64>,
    pub(super) stats: StageStats,
}

pub(super) struct Canvas {
    pub(super) element: HtmlCanvasElement,
    pub(super) _size: DevicePixelSize,
    pub(super) _on_screen: OnScreen,
    pub(super) _loss: Listener,
}

/// What will end in a painter; dropping it gives up.
pub(super) enum Starting {
    Now(#[expect(dead_code, reason = "held for its Drop")] Task),
    Later(#[expect(dead_code, reason = "held for its Drop")] Timer),
}

/// What came of an upload.
pub(super) enum Upload {
    Done,
    /// Nothing to upload, nothing to upload it with, or a failure that may pass.
    Nothing,
    /// A failure that will not pass.
    Refused(UploadError, Backend),
}

/// A device that is just being lost, or a decoder that is just being reset, throws too; so does a
/// video just before its first frame. Each is tried again with the next picture.
const MOST_FAILED_UPLOADS: u32 = 120;
/// A tab that was in the background must not jump.
const LONGEST_STEP_SECS: f64 = 1.0;

impl State {
    pub(super) fn new(options: &StageOptions) -> Self {
        let mut look = Look::new(options.home, options.limits);
        look.set_autorotate(options.autorotate_rad_per_sec);
        Self {
            told_camera: look.camera(),
            look,
            projection: options.projection,
            stereo: options.stereo,
            size: Viewport { width_px: 0, height_px: 0 },
            on_screen: true, // until the observer says otherwise
            canvas: None,
            painter: None,
            starting: None,
            loss: None,
            losses: 0,
            started_millis: 0.0,
            frame_expected: false,
            has_frame: false,
            frame_is_new: false,
            first_frame_told: false,
            failed_uploads: 0,
            unreadable: false,
            drawn: None,
            moved_millis: None,
            stats: StageStats::default(),
        }
    }

    pub(super) fn scene(&self, video: &HtmlVideoElement, viewport: Viewport) -> Scene {
        let frame = Viewport { width_px: video.video_width(), height_px: video.video_height() };
        let projection = match self.projection {
            Projection::Flat { .. } => {
                let extent = self.stereo.part(Eye::Left).extent;
                Projection::Flat { aspect: frame.aspect() * extent.x / extent.y }
            }
            other => other,
        };
        Scene::on_screen(&self.look.camera(), viewport, projection, self.stereo)
            .sampled_for(frame, viewport)
    }

    /// Nobody sees the canvas: the GPU is left alone. The first frame of a source is drawn all the
    /// same, so that whoever waits for it hears of it.
    pub(super) fn rests(&self) -> bool {
        !self.on_screen && self.first_frame_told
    }

    pub(super) fn upload(&mut self, video: &HtmlVideoElement) -> Upload {
        self.frame_expected = false;
        let Some(painter) = self.painter.as_mut().filter(|_| !self.unreadable) else {
            return Upload::Nothing; // a painter that starts expects a frame
        };
        let begin_millis = now_millis();
        match painter.upload(video) {
            Ok(()) => {
                let millis = now_millis() - begin_millis;
                let mean = &mut self.stats.upload_millis;
                let weight = if self.stats.uploaded_frames == 0 { 1.0 } else { 0.1 };
                *mean += (millis - *mean) * weight;
                self.stats.uploaded_frames += 1;
                self.failed_uploads = 0;
                self.has_frame = true;
                self.frame_is_new = true;
                Upload::Done
            }
            Err(UploadError::NoFrame) => Upload::Nothing,
            Err(error) => {
                self.failed_uploads += 1;
                let is_final =
                    error == UploadError::Tainted || self.failed_uploads == MOST_FAILED_UPLOADS;
                if !is_final {
                    self.frame_expected = true;
                    return Upload::Nothing;
                }
                self.failed_uploads = 0;
                let backend = painter.backend();
                // Another backend may still read what this one cannot, unless it is forbidden.
                self.unreadable = error == UploadError::Tainted || backend == Backend::WebGl2;
                Upload::Refused(error, backend)
            }
        }
    }

    /// Lets the camera move; true if it will go on by itself.
    pub(super) fn move_on(&mut self, time_millis: f64) -> bool {
        let step_secs = match self.moved_millis {
            Some(before_millis) => (time_millis - before_millis).max(0.0) / 1000.0,
            None => 0.0,
        };
        #[expect(clippy::cast_possible_truncation, reason = "a second at most")]
        let moving = self.look.update(step_secs.min(LONGEST_STEP_SECS) as f32);
        self.moved_millis = moving.then_some(time_millis);
        moving
    }

    /// Draws if anything changed.
    pub(super) fn draw(&mut self, video: &HtmlVideoElement) -> [Option<StageEvent>; 2] {
        let camera = self.look.camera();
        let view_changed = camera != self.told_camera;
        self.told_camera = camera;
        let mut news = [view_changed.then_some(StageEvent::ViewChanged), None];

        let scene = self.scene(video, self.size);
        let wanted = Some((scene, self.size));
        let visible = self.size.width_px > 0 && self.size.height_px > 0 && !self.rests();
        let Some(painter) = &mut self.painter else { return news };
        // Before the first frame there is nothing to draw, and the GPU has other things to start.
        if !visible || !self.has_frame || (self.drawn == wanted && !self.frame_is_new) {
            return news;
        }
        if painter.draw(&scene, self.size) {
            self.drawn = wanted;
            self.frame_is_new = false;
            self.stats.rendered_frames += 1;
            if !self.first_frame_told {
                self.first_frame_told = true;
                news[1] = Some(StageEvent::FirstFrame);
            }
        }
        news
    }
}
