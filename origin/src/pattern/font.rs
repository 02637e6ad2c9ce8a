//! Letters as strokes, so that they stay sharp at any size and no font file is needed.

/// Width and height of a letter, and the distance from one letter to the next, in font units.
pub const WIDTH: f32 = 4.0;
pub const HEIGHT: f32 = 6.0;
pub const ADVANCE: f32 = 5.6;
/// Half the thickness of a stroke.
const HALF_STROKE: f32 = 0.5;

/// How far a point (x to the right, y up, font units from the letter's lower left corner) is
/// outside of the strokes of `letter`; negative inside. Letters that the font lacks have none.
pub fn distance(letter: char, x: f32, y: f32) -> f32 {
    let mut nearest = f32::MAX;
    for line in strokes(letter).split('|').filter(|line| !line.is_empty()) {
        let mut points = line.as_bytes().chunks_exact(2).map(|xy| (digit(xy[0]), digit(xy[1])));
        let Some(mut from) = points.next() else { continue };
        for to in points {
            nearest = nearest.min(distance_to_segment((x, y), from, to));
            from = to;
        }
    }
    nearest - HALF_STROKE
}

/// Width of a line of text in font units, without the gap after the last letter.
pub fn text_width(text: &str) -> f32 {
    text.chars().count() as f32 * ADVANCE - (ADVANCE - WIDTH)
}

fn digit(byte: u8) -> f32 {
    f32::from(byte - b'0')
}

fn distance_to_segment((x, y): (f32, f32), (ax, ay): (f32, f32), (bx, by): (f32, f32)) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let length_squared = dx * dx + dy * dy;
    let along =
        if length_squared == 0.0 { 0.0 } else { ((x - ax) * dx + (y - ay) * dy) / length_squared };
    let along = along.clamp(0.0, 1.0);
    let (ox, oy) = (x - ax - along * dx, y - ay - along * dy);
    (ox * ox + oy * oy).sqrt()
}

/// Polylines of x and y digits, separated by bars.
fn strokes(letter: char) -> &'static str {
    match letter {
        'A' => "0004264440|0242",
        'B' => "00063645443303|3342413000",
        'C' => "4130100105163645",
        'D' => "00062644422000",
        'E' => "40000646|0333",
        'F' => "000646|0333",
        'G' => "45361605011030414323",
        'H' => "0006|4046|0343",
        'I' => "1030|2026|1636",
        'J' => "0110304146",
        'K' => "0006|460340",
        'L' => "060040",
        'M' => "0006234640",
        'N' => "00064046",
        'O' | '0' => "100105163645413010",
        'P' => "00063645443303",
        'Q' => "100105163645413010|2240",
        'R' => "00063645443303|2340",
        'S' => "011030414233130405163645",
        'T' => "2026|0646",
        'U' => "060110304146",
        'V' => "062046",
        'W' => "0610243046",
        'X' => "0046|0640",
        'Y' => "062346|2320",
        'Z' => "06460040",
        '1' => "152620|1030",
        '2' => "05163645440040",
        '3' => "0516364544334241301001|1333",
        '4' => "30360242",
        '5' => "460603334241301001",
        '6' => "4536160501103041423303",
        '7' => "064610",
        '8' => "13040516364544331302011030414233",
        '9' => "0110304145361605041343",
        ':' => "2121|2424",
        '.' => "2020",
        '-' => "1333",
        '+' => "0343|2125",
        // The degree sign.
        '\u{b0}' => "1516262515",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stroke_stays_in_its_box() {
        for letter in ('A'..='Z').chain('0'..='9').chain(":.-+\u{b0}".chars()) {
            let strokes = strokes(letter);
            assert!(!strokes.is_empty(), "{letter}");
            for line in strokes.split('|') {
                assert!(line.len() >= 4 && line.len().is_multiple_of(2), "{letter}: {line}");
                for xy in line.as_bytes().chunks(2) {
                    assert!(digit(xy[0]) <= WIDTH && digit(xy[1]) <= HEIGHT, "{letter}: {line}");
                }
            }
        }
    }

    #[test]
    fn distances() {
        assert!(distance('L', 0.0, 3.0) < 0.0);
        assert!((distance('L', 2.0, 3.0) - 1.5).abs() < 1e-6);
        assert!(distance(' ', 0.0, 0.0) > 1e9);
    }
}
