//! A picture in RGB, and its way to YUV.

/// Red, green, blue, 0 to 255.
pub type Colour = [f32; 3];

/// An equirectangular picture.
#[derive(Debug)]
pub struct Canvas {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[u8; 3]>,
}

impl Canvas {
    /// Fills a picture, a row at a time and several rows at once.
    pub fn fill(width: usize, height: usize, row: impl Fn(usize, &mut [[u8; 3]]) + Sync) -> Self {
        let mut pixels = vec![[0; 3]; width * height];
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
        let rows_each = height.div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            for (part, rows) in pixels.chunks_mut(rows_each * width).enumerate() {
                let row = &row;
                scope.spawn(move || {
                    for (index, pixels) in rows.chunks_mut(width).enumerate() {
                        row(part * rows_each + index, pixels);
                    }
                });
            }
        });
        Self { width, height, pixels }
    }

    /// Lays `colour` over a pixel, `coverage` from 0 to 1.
    pub fn blend(&mut self, at: usize, colour: Colour, coverage: f32) {
        for (channel, wanted) in self.pixels[at].iter_mut().zip(colour) {
            *channel = mix(f32::from(*channel), wanted, coverage).round() as u8;
        }
    }

    /// Planar 4:2:0, BT.709, limited range; chroma lies between the four pixels that it is for.
    pub fn to_yuv420(&self) -> Vec<u8> {
        let (width, height) = (self.width, self.height);
        let mut yuv = Vec::with_capacity(width * height * 3 / 2);
        yuv.extend(self.pixels.iter().map(|&pixel| luma(pixel.map(f32::from))));
        let mut red_difference = Vec::with_capacity(width * height / 4);
        for y in (0..height).step_by(2) {
            for x in (0..width).step_by(2) {
                let block = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
                let mut mean = [0.0; 3];
                for (x, y) in block {
                    for (sum, channel) in mean.iter_mut().zip(self.pixels[y * width + x]) {
                        *sum += f32::from(channel) / 4.0;
                    }
                }
                let (blue, red) = chroma(mean);
                yuv.push(blue);
                red_difference.push(red);
            }
        }
        yuv.extend(red_difference);
        yuv
    }
}

/// `from` at 0, `to` at 1.
pub fn mix(from: f32, to: f32, amount: f32) -> f32 {
    from + (to - from) * amount
}

/// ITU-R BT.709, 8 bits, 16 to 235.
pub fn luma([red, green, blue]: Colour) -> u8 {
    (16.0 + (0.2126 * red + 0.7152 * green + 0.0722 * blue) * 219.0 / 255.0).round() as u8
}

fn chroma([red, green, blue]: Colour) -> (u8, u8) {
    let luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let scale =
        |difference: f32, range: f32| (128.0 + difference / range * 224.0 / 255.0).round() as u8;
    (scale(blue - luma, 1.8556), scale(red - luma, 1.5748))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_as_bt_709_has_them() {
        // 75 % bars of SMPTE RP 219.
        assert_eq!(luma([191.25, 191.25, 191.25]), 180);
        assert_eq!((luma([191.25, 0.0, 0.0]), chroma([191.25, 0.0, 0.0])), (51, (109, 212)));
        assert_eq!((luma([0.0, 191.25, 0.0]), chroma([0.0, 191.25, 0.0])), (133, (63, 52)));
        assert_eq!((luma([0.0, 0.0, 191.25]), chroma([0.0, 0.0, 191.25])), (28, (212, 120)));
    }
}
