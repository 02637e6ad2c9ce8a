//! `onMetaData`: facts about a stream in AMF0 (Adobe, "Action Message Format").

/// What `onMetaData` says in numbers and text, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// `width`, `height`, `framerate`, `videodatarate`, ...
    pub numbers: Vec<(String, f64)>,
    /// `encoder`, ...
    pub texts: Vec<(String, String)>,
}

const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const TEXT: u8 = 2;
const OBJECT: u8 = 3;
const NULL: u8 = 5;
const UNDEFINED: u8 = 6;
const MAP: u8 = 8;
const END: u8 = 9;
const ARRAY: u8 = 10;
const DATE: u8 = 11;
const LONG_TEXT: u8 = 12;

/// Values nest no deeper in metadata that mean well.
const DEEPEST: u32 = 8;
/// What Enhanced RTMP v2 says of tracks of sound other than the first lies in here, by their number.
const TRACKS: &str = "audioTrackIdInfoMap";
/// And no names of what has something in it are longer, nor are there more values.
const LONGEST: usize = 64;
const MOST: usize = 1_000;

impl Metadata {
    /// Reads a script tag's body, or an RTMP data message with or without `@setDataFrame`; `None`
    /// if it is something else. Nested values are passed over, but for those of tracks of sound:
    /// `audioTrackIdInfoMap.1.language`.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut rest = body;
        let mut name = text_value(&mut rest)?;
        if name == "@setDataFrame" {
            name = text_value(&mut rest)?;
        }
        if name != "onMetaData" {
            return None;
        }
        match byte(&mut rest)? {
            OBJECT => {}
            MAP => {
                take(&mut rest, 4)?; // a count that need not be right
            }
            _ => return None,
        }
        let mut metadata = Self::default();
        // What was read before the end stays.
        let _ = metadata.read_properties("", &mut rest, DEEPEST);
        Some(metadata)
    }

    /// A text by its name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// A number by its name.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }

    /// Says the size of the pictures in pixels, for a stream that has not.
    pub fn set_size(&mut self, (width, height): (u32, u32)) {
        self.numbers.retain(|(known, _)| known != "width" && known != "height");
        for (name, pixels) in [("width", width), ("height", height)] {
            self.numbers.push((name.to_owned(), f64::from(pixels)));
        }
    }

    /// Writes the body of a script tag.
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![TEXT];
        push_text(&mut out, "onMetaData");
        out.push(MAP);
        let count = u32::try_from(self.numbers.len() + self.texts.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        for (name, number) in &self.numbers {
            push_text(&mut out, name);
            out.push(NUMBER);
            out.extend_from_slice(&number.to_be_bytes());
        }
        for (name, text) in &self.texts {
            push_text(&mut out, name);
            out.push(TEXT);
            push_text(&mut out, text);
        }
        out.extend_from_slice(&[0, 0, END]);
        out
    }

    /// What lies within `within` is named after it.
    fn read_properties(&mut self, within: &str, rest: &mut &[u8], depth: u32) -> Option<()> {
        let deeper = depth.checked_sub(1)?;
        while self.numbers.len() + self.texts.len() < MOST {
            let name = within.to_owned() + &short_text(rest)?;
            match byte(rest)? {
                END => return Some(()),
                NUMBER => {
                    let number = f64::from_be_bytes(*take(rest, 8)?.first_chunk()?);
                    self.numbers.push((name, number));
                }
                TEXT => {
                    let text = short_text(rest)?;
                    self.texts.push((name, text));
                }
                kind @ (OBJECT | MAP) if name.starts_with(TRACKS) && name.len() < LONGEST => {
                    if kind == MAP {
                        take(rest, 4)?;
                    }
                    self.read_properties(&(name + "."), rest, deeper)?;
                }
                other => skip_value(other, rest, deeper)?,
            }
        }
        None
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    take(rest, 1).map(|bytes| bytes[0])
}

fn short_text(rest: &mut &[u8]) -> Option<String> {
    let length = u16::from_be_bytes(*take(rest, 2)?.first_chunk()?);
    take(rest, usize::from(length)).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn text_value(rest: &mut &[u8]) -> Option<String> {
    if byte(rest)? == TEXT { short_text(rest) } else { None }
}

/// Passes over a value of this type.
fn skip_value(kind: u8, rest: &mut &[u8], depth: u32) -> Option<()> {
    let deeper = depth.checked_sub(1)?;
    let length = |rest: &mut &[u8]| Some(u32::from_be_bytes(*take(rest, 4)?.first_chunk()?));
    match kind {
        NUMBER => take(rest, 8).map(drop),
        BOOLEAN => take(rest, 1).map(drop),
        TEXT => short_text(rest).map(drop),
        NULL | UNDEFINED => Some(()),
        DATE => take(rest, 10).map(drop),
        LONG_TEXT => {
            let length = length(rest)?;
            take(rest, length as usize).map(drop)
        }
        ARRAY => {
            for _ in 0..length(rest)? {
                let kind = byte(rest)?;
                skip_value(kind, rest, deeper)?;
            }
            Some(())
        }
        OBJECT | MAP => {
            if kind == MAP {
                length(rest)?;
            }
            loop {
                short_text(rest)?;
                match byte(rest)? {
                    END => return Some(()),
                    kind => skip_value(kind, rest, deeper)?,
                }
            }
        }
        _ => None,
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    // Longer text than that is no name.
    let bytes = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, value: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push_text(&mut out, name);
        [out, value.to_vec()].concat()
    }

    #[test]
    fn tracks_of_sound_are_named() {
        let language = named("language", &named("de", &[])[..]);
        let language = [&language[..10], &[TEXT], &language[10..]].concat();
        let rate = named("samplerate", &[&[NUMBER][..], &48_000f64.to_be_bytes()].concat());
        let object = [&[OBJECT][..], &language, &rate, &[0, 0, END]].concat();
        let map = [&[MAP, 0, 0, 0, 1][..], &named("1", &object), &[0, 0, END]].concat();
        let other = [&[OBJECT][..], &rate, &[0, 0, END]].concat();
        let width = [&[NUMBER][..], &640f64.to_be_bytes()].concat();
        let body = [
            [&[TEXT][..], &named("onMetaData", &[OBJECT])].concat(),
            named(TRACKS, &map),
            named("other", &other),
            named("width", &width),
            vec![0, 0, END],
        ]
        .concat();
        let metadata = Metadata::parse(&body).unwrap();
        assert_eq!(metadata.text("audioTrackIdInfoMap.1.language"), Some("de"));
        assert_eq!(metadata.number("audioTrackIdInfoMap.1.samplerate"), Some(48_000.0));
        assert_eq!((metadata.number("width"), metadata.numbers.len()), (Some(640.0), 2));
    }

    #[test]
    fn metadata_without_measure_is_cut() {
        let value = named("x", &[&[NUMBER][..], &[0; 8]].concat());
        let body = [&[TEXT][..], &named("onMetaData", &[OBJECT]), &value.repeat(5_000)].concat();
        assert_eq!(Metadata::parse(&body).unwrap().numbers.len(), MOST);
    }
}
