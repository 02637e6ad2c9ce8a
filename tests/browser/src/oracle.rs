//! What a view of a panorama should look like: ffmpeg's v360 filter turns the very frame that the
//! browser decoded.
//!
//! The frame comes from the browser's own `drawImage`, because two correct conversions from YUV to
//! RGB differ more than two correct projections do.

use anyhow::{Context, Result, ensure};
use image::RgbImage;
use tokio::process::Command;

/// Where a camera looks, in degrees; `vertical_fov` is from the lower to the upper edge.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Positive to the right.
    pub yaw: f64,
    /// Positive up.
    pub pitch: f64,
    /// Vertical field of view.
    pub vertical_fov: f64,
}

/// The view of an equirectangular frame, as wide and high as asked.
pub async fn view_of(
    equirectangular: &RgbImage,
    view: View,
    width_px: u32,
    height_px: u32,
) -> Result<RgbImage> {
    let folder = tempfile::tempdir().context("cannot make a folder for the oracle")?;
    let (frame, turned) = (folder.path().join("frame.png"), folder.path().join("turned.png"));
    equirectangular.save(&frame).context("saving the frame")?;
    // v360 takes no more than half a turn to either side.
    let yaw = (view.yaw + 180.0).rem_euclid(360.0) - 180.0;
    let half = (view.vertical_fov.to_radians() / 2.0).tan();
    let aspect = f64::from(width_px) / f64::from(height_px);
    let horizontal_fov = 2.0 * (half * aspect).atan().to_degrees();
    let filter = format!(
        "format=gbrp,v360=e:rectilinear:yaw={yaw}:pitch={}:h_fov={horizontal_fov}:v_fov={}:\
         w={width_px}:h={height_px}:interp=linear",
        view.pitch, view.vertical_fov
    );
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-i"])
        .arg(&frame)
        .args(["-vf", &filter, "-frames:v", "1", "-pix_fmt", "rgb24"])
        .arg(&turned)
        .output()
        .await
        .context("cannot start ffmpeg")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ffmpeg could not turn the frame: {}", said.trim());
    Ok(image::open(&turned).context("reading the oracle's picture")?.to_rgb8())
}

/// Peak signal-to-noise ratio in dB over all channels; infinite for equal pictures.
pub fn psnr_db(left: &RgbImage, right: &RgbImage) -> Result<f64> {
    ensure!(left.dimensions() == right.dimensions(), "pictures of different sizes");
    let squares = left.iter().zip(right.iter()).map(|(&left, &right)| {
        let difference = f64::from(left) - f64::from(right);
        difference * difference
    });
    let mean = squares.sum::<f64>() / left.len() as f64;
    Ok(10.0 * (255.0 * 255.0 / mean).log10())
}

/// Whether a picture shows something. A frame that could not be read is black all over.
pub fn is_black(picture: &RgbImage) -> bool {
    picture.iter().all(|&level| level < 8)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::{is_black, psnr_db};

    #[test]
    fn psnr_of_pictures_one_level_apart() {
        let left = RgbImage::from_pixel(4, 4, Rgb([100, 100, 100]));
        let right = RgbImage::from_pixel(4, 4, Rgb([101, 101, 101]));
        assert!((psnr_db(&left, &right).unwrap() - 48.13).abs() < 0.01);
        assert!(psnr_db(&left, &left).unwrap().is_infinite());
        assert!(!is_black(&left));
        assert!(is_black(&RgbImage::new(4, 4)));
    }
}
