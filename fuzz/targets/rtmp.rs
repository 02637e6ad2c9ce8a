#![no_main]
//! What a publisher says over RTMP, from the handshake on: the same events at any chunking, no more
//! media out than came in, answers in proportion. And AMF0: read, written, read.

use bytes::BytesMut;
use immersive_fuzz::Bytes;
use immersive_origin::ingest::rtmp::amf0;
use immersive_origin::ingest::rtmp::handshake::{self, HELLO_BYTES};
use immersive_origin::ingest::rtmp::session::{Event, Session};
use libfuzzer_sys::fuzz_target;

/// What a connection's first flight, up to the answer to "publish", and the rest of it become.
fn events(flights: &[&[u8]], chunk: usize, accepts: bool) -> (Vec<Event>, bool, usize) {
    let mut session = Session::default();
    let (mut events, mut answered) = (Vec::new(), 0);
    for flight in flights {
        let failed = flight.chunks(chunk).any(|piece| session.push(piece).is_err());
        while let Some(event) = session.next_event() {
            if matches!(event, Event::Publish { .. }) && accepts {
                session.accept();
            } else if matches!(event, Event::Publish { .. }) {
                session.refuse("no");
            }
            events.push(event);
        }
        answered += session.take_output().len();
        if failed {
            return (events, false, answered);
        }
    }
    (events, true, answered)
}

fn media_bytes(events: &[Event]) -> usize {
    let of = |event: &Event| if let Event::Tag(tag) = event { tag.data.len() } else { 0 };
    events.iter().map(of).sum()
}

fn check_amf(bytes: &[u8]) {
    let _ = amf0::first_value_bytes(bytes);
    let Ok(values) = amf0::read_all(bytes) else { return };
    // Long texts are cut when they are written.
    if bytes.len() > usize::from(u16::MAX) {
        return;
    }
    let write = |values: &[amf0::Value]| {
        let mut out = BytesMut::new();
        values.iter().for_each(|value| amf0::write(value, &mut out));
        out
    };
    let written = write(&values);
    let again = amf0::read_all(&written).expect("what was written can be read");
    assert_eq!(written, write(&again));
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes);
    check_amf(bytes.0);
    let chunk = usize::from(bytes.byte()) + 1;
    let accepts = bytes.byte() & 3 != 0;
    let first = usize::from(bytes.short());
    let mut hello = [0; HELLO_BYTES];
    let said = bytes.0.len().min(HELLO_BYTES);
    hello[..said].copy_from_slice(&bytes.0[..said]);
    let reply = handshake::reply(&hello, std::time::Duration::from_millis(u64::from(hello[1])));
    assert_eq!(reply.is_some(), hello[0] == 3);
    let flights = [bytes.slice(first), bytes.0];
    let sent = flights.concat().len();
    let whole = events(&flights, usize::MAX, accepts);
    let chunked = events(&flights, chunk, accepts);
    assert_eq!(whole.1, chunked.1);
    assert!(whole.0 == chunked.0, "chunks of {chunk} bytes give other events");
    assert!(media_bytes(&whole.0) <= sent);
    assert!(whole.2 <= 4_096 + 64 * sent, "{} bytes answer {sent}", whole.2);
});
