//! `emsg`: events beside the media (ISO/IEC 23009-1, 5.10.3.3).

use super::read::{BoxRef, Fields, short};
use crate::data::{Content, TimedData};
use crate::error::Error;
use crate::time::{Timescale, Timestamp};

/// An event whose time may count from the start of its segment.
pub(crate) struct Event {
    timescale: Timescale,
    ticks: i64,
    from_segment_start: bool,
    content: Content,
}

/// Reads an `emsg`.
pub(crate) fn parse(found: &BoxRef<'_>) -> Result<Event, Error> {
    read(found.body).ok_or_else(|| short(found, "emsg"))
}

fn read(body: &[u8]) -> Option<Event> {
    let (mut fields, version, _) = Fields::full(body)?;
    let mut texts = (String::new(), String::new());
    if version == 0 {
        texts = (text(&mut fields)?, text(&mut fields)?);
    }
    let timescale = Timescale::new(fields.u32()?)?;
    let ticks = i64::try_from(fields.by_version(version)?).ok()?;
    let duration = fields.u32()?;
    let id = fields.u32()?;
    if version != 0 {
        texts = (text(&mut fields)?, text(&mut fields)?);
    }
    let content = Content::Event {
        scheme: texts.0,
        value: texts.1,
        id,
        duration_ticks: (duration != u32::MAX).then_some(duration),
        bytes: fields.rest().to_vec(),
    };
    Some(Event { timescale, ticks, from_segment_start: version == 0, content })
}

/// Text that ends with a zero.
fn text(fields: &mut Fields<'_>) -> Option<String> {
    let end = fields.rest().iter().position(|byte| *byte == 0)?;
    let text = String::from_utf8_lossy(&fields.rest()[..end]).into_owned();
    fields.skip(end + 1)?;
    Some(text)
}

impl Event {
    /// The event, in a segment that begins at `start`.
    pub fn at(self, start: Timestamp) -> TimedData {
        let before = if self.from_segment_start { start.ticks_in(self.timescale) } else { 0 };
        let time = Timestamp::new(self.ticks.saturating_add(before), self.timescale);
        TimedData { time, content: self.content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions() {
        let start = Timestamp::new(90_000, Timescale::new(90_000).unwrap());
        let old = b"\0\0\0\0urn:x\0v\0\0\0\x03\xe8\0\0\0\x05\xff\xff\xff\xff\0\0\0\x07hello";
        let event = read(old).unwrap().at(start);
        assert_eq!(event.time, Timestamp::new(1005, Timescale::new(1000).unwrap()));
        let new =
            b"\x01\0\0\0\0\0\x03\xe8\0\0\0\0\0\0\0\x05\xff\xff\xff\xff\0\0\0\x07urn:x\0v\0hello";
        let same = read(new).unwrap().at(start);
        assert_eq!(same.content, event.content);
        assert_eq!(same.time.ticks, 5);
        assert!(read(&new[..30]).is_none());
    }
}
