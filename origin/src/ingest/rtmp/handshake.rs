//! The RTMP handshake (RTMP 1.0, section 5.2), in its plain form: every encoder in use accepts it.

use std::time::Duration;

/// C0 and C1, S0 and S1.
pub const HELLO_BYTES: usize = 1 + ECHO_BYTES;
/// C2, S2.
pub const ECHO_BYTES: usize = 1_536;
const VERSION: u8 = 3;

/// S0, S1 and S2 for a client's C0 and C1; `None` when the client does not speak RTMP.
///
/// S1's bytes after the clock are zero: that tells clients that no digest follows.
pub fn reply(hello: &[u8; HELLO_BYTES], now: Duration) -> Option<Vec<u8>> {
    if hello[0] != VERSION {
        return None;
    }
    let clock = (now.as_millis() as u32).to_be_bytes();
    let mut reply = Vec::with_capacity(HELLO_BYTES + ECHO_BYTES);
    reply.push(VERSION);
    reply.extend_from_slice(&clock);
    reply.extend_from_slice(&[0; 4]);
    // "Random" data: its only use is to tell this connection's echo from another's.
    let mut state = now.as_nanos() as u64 | 1;
    for _ in 0..(ECHO_BYTES - 8) / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        reply.extend_from_slice(&state.to_be_bytes());
    }
    reply.extend_from_slice(&hello[1..5]);
    reply.extend_from_slice(&clock);
    reply.extend_from_slice(&hello[9..]);
    Some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoes_the_client() {
        let mut hello = [7; HELLO_BYTES];
        hello[0] = 3;
        let reply = reply(&hello, Duration::from_millis(5)).unwrap();
        assert_eq!(reply.len(), 1 + 2 * 1_536);
        assert_eq!(reply[1 + 1_536..][..4], [7; 4]);
        assert_eq!(reply[1 + 1_536 + 8..], [7; 1_528]);
    }

    #[test]
    fn http_is_not_rtmp() {
        let mut hello = [b' '; HELLO_BYTES];
        hello[..4].copy_from_slice(b"GET ");
        assert_eq!(reply(&hello, Duration::ZERO), None);
    }
}
