//! How streams come in. A protocol is a folder: it accepts connections and feeds a
//! [`Publisher`](crate::hub::Publisher).

pub mod policy;
pub mod rtmp;
