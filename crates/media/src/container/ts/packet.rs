//! Transport packets (ISO/IEC 13818-1, 2.4.3.2).

pub(crate) const PACKET_LENGTH: usize = 188;
pub(crate) const SYNC_BYTE: u8 = 0x47;

/// One packet, read.
pub(crate) struct Packet<'a> {
    pub pid: u16,
    /// `payload_unit_start_indicator`.
    pub starts_unit: bool,
    /// `transport_error_indicator`: at least one bit is wrong.
    pub damaged: bool,
    pub scrambled: bool,
    pub counter: u8,
    /// `discontinuity_indicator`: the counter may jump here.
    pub discontinuity: bool,
    /// Empty if there is none, or if the adaptation field is longer than the packet.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    pub fn parse(bytes: &'a [u8; PACKET_LENGTH]) -> Self {
        let header = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let has_adaptation = header & 0x20 != 0;
        let has_payload = header & 0x10 != 0;
        let (mut start, mut discontinuity) = (4, false);
        if has_adaptation {
            let length = usize::from(bytes[4]);
            start = 5 + length;
            discontinuity = length > 0 && bytes[5] & 0x80 != 0;
        }
        let payload = if has_payload { bytes.get(start..).unwrap_or_default() } else { &[] };
        Self {
            pid: (header >> 8) as u16 & 0x1fff,
            starts_unit: header & 0x40_0000 != 0,
            damaged: header & 0x80_0000 != 0,
            scrambled: header & 0xc0 != 0,
            counter: header as u8 & 15,
            discontinuity,
            payload,
        }
    }
}
