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
    // To the byte, although section 5.2.4 has our clock in the middle: librtmp, which OBS is built on,
    // compares all of it and complains of a "client signature" that does not match.
    reply.extend_from_slice(&hello[1..]);
    Some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoes_the_client() {
        let mut hello: [u8; HELLO_BYTES] = std::array::from_fn(|at| at as u8);
        hello[0] = 3;
        let reply = reply(&hello, Duration::from_millis(5)).unwrap();
        assert_eq!(reply.len(), 1 + 2 * 1_536);
        assert_eq!(reply[..9], [3, 0, 0, 0, 5, 0, 0, 0, 0]);
        assert_eq!(reply[1 + 1_536..], hello[1..], "time, second time and random bytes of C1");
    }

    #[test]
    fn http_is_not_rtmp() {
        let mut hello = [b' '; HELLO_BYTES];
        hello[..4].copy_from_slice(b"GET ");
        assert_eq!(reply(&hello, Duration::ZERO), None);
    }
}
