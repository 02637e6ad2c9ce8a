//! Runs of packets of one stream that have payload and nothing else: the way that nearly all bytes
//! of a segment take.

use super::packet::{PACKET_LENGTH, SYNC_BYTE};
use crate::scan::copy_and_find_zeros;

/// What a packet carries that has no adaptation field.
pub(crate) const PAYLOAD_LENGTH: usize = PACKET_LENGTH - 4;

/// The room for so many packets is made before it is known how many go into it.
pub(crate) const MOST_PACKETS: usize = 64;

/// A packet.
pub(crate) type Bytes = [u8; PACKET_LENGTH];

/// How many of `packets`, from the first on, carry on with the stream after a packet with this
/// counter: nothing is damaged, missing, repeated, scrambled or adapted, and no unit starts.
pub(super) fn length(packets: &[Bytes], pid: u16, mut counter: u8) -> usize {
    let [high, low] = pid.to_be_bytes();
    let carries_on = |packet: &&Bytes| {
        counter = (counter + 1) & 15;
        packet[..4] == [SYNC_BYTE, high, low, 0x10 | counter]
    };
    packets.iter().take(MOST_PACKETS).take_while(carries_on).count()
}

/// The payload of a packet without an adaptation field.
pub(super) fn payload(packet: &Bytes) -> &[u8; PAYLOAD_LENGTH] {
    packet.last_chunk().expect("a packet is longer than its payload")
}

/// Appends payloads to `out`, up to the first in which a start code may begin or end, after a byte
/// that is not zero. Returns of how many packets.
///
/// A function of its own, as small as it is: browsers make fast code of it soon.
#[inline(never)]
pub(crate) fn append(packets: &[Bytes], out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.resize(start + packets.len() * PAYLOAD_LENGTH, 0);
    let room = out[start..].as_chunks_mut::<PAYLOAD_LENGTH>().0;
    let (mut count, mut last) = (0, 0xff);
    for (packet, room) in packets.iter().zip(room) {
        let from = payload(packet);
        if copy_and_find_zeros(from, room) || last | from[0] == 0 {
            break;
        }
        last = from[PAYLOAD_LENGTH - 1];
        count += 1;
    }
    out.truncate(start + count * PAYLOAD_LENGTH);
    count
}
