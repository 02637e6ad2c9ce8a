//! Numbers in a frame that programs can read, after scaling and encoding too.
//!
//! A row of 32 cells, black or white, across the middle third of the frame's width, W/96 wide and
//! H/24 high each. Row 16 of 24 from the top holds the number of the frame, row 17 the wall clock
//! in milliseconds since 1970; both modulo 2^24. From the left: white, black, 24 bits of the
//! number in Gray code (most significant first), 4 bits of check, black, white. The check is the
//! exclusive or of the number's six nibbles and 10.

const CELLS: usize = 32;
const COLUMNS: usize = 96;
const ROWS: usize = 24;
const BITS: u32 = 24;
const MASK: u32 = (1 << BITS) - 1;
const BLACK: u8 = 16;
const WHITE: u8 = 235;

/// Which number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// How many frames came before this one.
    Frame,
    /// Milliseconds since 1970.
    WallClock,
}

/// Writes a number, modulo 2^24, into the luma plane of a frame.
pub fn write(luma: &mut [u8], size_px: (u32, u32), row: Row, number: u32) {
    let cells = encode(number & MASK);
    for (index, is_white) in cells.into_iter().enumerate() {
        let (xs, ys) = cell(size_px, row, index);
        for y in ys {
            let start = y * size_px.0 as usize;
            luma[start + xs.start..start + xs.end].fill(if is_white { WHITE } else { BLACK });
        }
    }
}

/// The pixels of both rows, x and y.
pub fn area((width, height): (u32, u32)) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let (first, last) =
        (cell((width, height), Row::Frame, 0), cell((width, height), Row::WallClock, CELLS - 1));
    (first.0.start..last.0.end, first.1.start..last.1.end)
}

/// Reads a number from a luma plane of any size and range; `None` when there is none.
pub fn read(luma: &[u8], size_px: (u32, u32), row: Row) -> Option<u32> {
    let mut means = [0.0; CELLS];
    for (index, mean) in means.iter_mut().enumerate() {
        *mean = middle_mean(luma, size_px, cell(size_px, row, index))?;
    }
    let threshold = (means[0] + means[1] + means[CELLS - 2] + means[CELLS - 1]) / 4.0;
    let cells = means.map(|mean| mean > threshold);
    let number = cells[2..2 + BITS as usize].iter().fold((0, false), |(number, last), &bit| {
        let plain = bit != last;
        (number << 1 | u32::from(plain), plain)
    });
    (encode(number.0) == cells).then_some(number.0)
}

fn encode(number: u32) -> [bool; CELLS] {
    let gray = number ^ (number >> 1);
    let check = (0..6).fold(10, |check, nibble| check ^ (number >> (4 * nibble) & 15));
    let mut cells = [false; CELLS];
    (cells[0], cells[CELLS - 1]) = (true, true);
    for bit in 0..BITS {
        cells[2 + bit as usize] = gray >> (BITS - 1 - bit) & 1 == 1;
    }
    for bit in 0..4 {
        cells[2 + (BITS + bit) as usize] = check >> (3 - bit) & 1 == 1;
    }
    cells
}

type Span = std::ops::Range<usize>;

fn cell((width, height): (u32, u32), row: Row, index: usize) -> (Span, Span) {
    let (width, height) = (width as usize, height as usize);
    let row = match row {
        Row::Frame => 16,
        Row::WallClock => 17,
    };
    let x = |column: usize| column * width / COLUMNS;
    let y = |row: usize| row * height / ROWS;
    (x(CELLS + index)..x(CELLS + index + 1), y(row)..y(row + 1))
}

/// The mean of a cell without its edges, which encoders blur.
fn middle_mean(luma: &[u8], size_px: (u32, u32), (xs, ys): (Span, Span)) -> Option<f32> {
    let inner = |span: Span| span.start + span.len() / 4..span.end - span.len() / 4;
    let (mut sum, mut count) = (0.0, 0.0);
    for y in inner(ys) {
        for x in inner(xs.clone()) {
            sum += f32::from(*luma.get(y * size_px.0 as usize + x)?);
            count += 1.0;
        }
    }
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_damage_is_noticed() {
        let size = (480, 240);
        for number in [0, 1, 2, 0x00ab_cdef, MASK] {
            let mut luma = vec![100; 480 * 240];
            write(&mut luma, size, Row::Frame, number);
            assert_eq!(read(&luma, size, Row::Frame), Some(number));
            assert_eq!(read(&luma, size, Row::WallClock), None);
            let (xs, ys) = cell(size, Row::Frame, 9);
            for y in ys {
                for x in xs.clone() {
                    luma[y * 480 + x] = 251 - luma[y * 480 + x];
                }
            }
            assert_eq!(read(&luma, size, Row::Frame), None);
        }
    }

    #[test]
    fn a_picture_cut_short_is_no_number() {
        assert_eq!(read(&[0; 100], (480, 240), Row::Frame), None);
    }
}
