//! ffmpeg's `v360` filter, by pipes.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::{fmt, io, thread};

use immersive_view::{Camera, Viewport};

use crate::Picture;

/// Why ffmpeg drew nothing.
#[derive(Debug)]
pub enum V360Error {
    /// It could not be started.
    Start(io::Error),
    /// It said this.
    Failed(String),
}

impl fmt::Display for V360Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(
                formatter,
                "cannot run ffmpeg, which the oracle needs (Debian, Ubuntu: apt install ffmpeg; \
                 macOS: brew install ffmpeg): {error}"
            ),
            Self::Failed(said) => write!(formatter, "ffmpeg failed: {said}"),
        }
    }
}

impl std::error::Error for V360Error {}

/// What `frame` looks like through `camera`. `input` is the filter's name for the projection.
///
/// Planar RGB keeps ffmpeg from converting to YUV and back.
pub fn draw(
    frame: &Picture,
    input: &str,
    camera: &Camera,
    viewport: Viewport,
) -> Result<Picture, V360Error> {
    let half_height = (camera.vertical_fov_rad * 0.5).tan();
    let horizontal_fov_rad = 2.0 * (half_height * viewport.aspect()).atan();
    let filter = format!(
        "format=gbrp,v360=output=rectilinear:input={input}:w={}:h={}:h_fov={}:v_fov={}:yaw={}:pitch={}:roll={}\
         :interp=linear,format=rgb24",
        viewport.width_px,
        viewport.height_px,
        horizontal_fov_rad.to_degrees(),
        camera.vertical_fov_rad.to_degrees(),
        camera.yaw_rad.to_degrees(),
        camera.pitch_rad.to_degrees(),
        camera.roll_rad.to_degrees(),
    );
    let size = format!("{}x{}", frame.width_px, frame.height_px);
    let raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"];
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(raw)
        .args(["-s", &size, "-i", "pipe:0", "-vf", &filter, "-frames:v", "1"])
        .args(raw)
        .arg("pipe:1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(V360Error::Start)?;
    let mut stdin = child.stdin.take().expect("it was piped");
    let rgb = frame.rgb.clone();
    // ffmpeg may answer before it has read everything. If it goes away early, it says why.
    let writer = thread::spawn(move || stdin.write_all(&rgb));
    let output = child.wait_with_output().map_err(V360Error::Start)?;
    let written = writer.join().expect("the writer does not panic");
    let Viewport { width_px, height_px } = viewport;
    let expected = width_px as usize * height_px as usize * 3;
    if written.is_err() || !output.status.success() || output.stdout.len() != expected {
        return Err(V360Error::Failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(Picture { width_px, height_px, rgb: output.stdout })
}
