//! Who may publish what.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Settings of all ingest protocols.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Secrets by stream name; `*` stands for all streams that are not named.
    pub keys: BTreeMap<String, String>,
    /// Networks that may publish; everybody when empty.
    pub allow: Vec<Network>,
    /// What happens to a publisher whose name somebody else has.
    pub name_in_use: NameInUse,
}

/// What happens to a publisher whose name somebody else has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameInUse {
    /// It gets the name: an encoder that reconnects must not wait for its dead connection.
    #[default]
    TakeOver,
    /// It is sent away.
    Refuse,
}

/// An address with a prefix length: `10.0.0.0/8`, `::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Policy {
    /// Whether somebody at `peer` may publish `name` with this key.
    ///
    /// # Errors
    /// With a reason that may be told to the peer.
    pub fn check(&self, peer: IpAddr, name: &str, key: Option<&str>) -> Result<(), String> {
        // IPv4 clients of an IPv6 socket.
        let peer = peer.to_canonical();
        if !self.allow.is_empty() && !self.allow.iter().any(|network| network.contains(peer)) {
            return Err(format!("{peer} may not publish here"));
        }
        let Some(wanted) = self.keys.get(name).or_else(|| self.keys.get("*")) else {
            return Ok(());
        };
        match key {
            Some(key) if same(key, wanted) => Ok(()),
            Some(_) => Err(format!("the key for stream {name:?} is wrong")),
            None => Err(format!("stream {name:?} needs a key: publish to {name}?key=...")),
        }
    }
}

impl Network {
    fn contains(self, peer: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let ((ours, width), (theirs, their_width)) = (bits(self.address), bits(peer));
        let rest = 128 - u32::from(self.prefix);
        width == their_width && (ours ^ theirs).checked_shr(rest).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let network = address.parse::<IpAddr>().ok().and_then(|address| {
            let widest = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.map_or(Some(widest), |prefix| prefix.parse().ok())?;
            (prefix <= widest).then_some(Self { address, prefix })
        });
        network.ok_or_else(|| format!("{text:?} is not a network like 10.0.0.0/8 or an address"))
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        format!("{}/{}", network.address, network.prefix)
    }
}

/// Compares in a time that does not tell where the difference is.
fn same(given: &str, wanted: &str) -> bool {
    let differences = given.bytes().zip(wanted.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    given.len() == wanted.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks() {
        let within = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(ip(address))
        };
        assert!(within("10.0.0.0/8", "10.255.0.1") && !within("10.0.0.0/8", "11.0.0.1"));
        assert!(within("192.168.1.7", "192.168.1.7") && !within("192.168.1.7", "192.168.1.6"));
        assert!(within("0.0.0.0/0", "8.8.8.8") && !within("0.0.0.0/0", "::1"));
        assert!(within("fe80::/10", "fe80::1") && !within("fe80::/10", "2001::1"));
        assert!(within("::/0", "2001::1"));
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "x", "::/129", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_and_networks_decide() {
        let mut policy = Policy::default();
        assert_eq!(policy.check(ip("8.8.8.8"), "test", None), Ok(()));
        policy.keys.insert("test".to_owned(), "secret".to_owned());
        assert_eq!(policy.check(ip("8.8.8.8"), "other", None), Ok(()));
        assert_eq!(policy.check(ip("8.8.8.8"), "test", Some("secret")), Ok(()));
        for key in [None, Some(""), Some("secre"), Some("secret1"), Some("Secret")] {
            assert!(policy.check(ip("8.8.8.8"), "test", key).is_err(), "{key:?}");
        }
        policy.keys.insert("*".to_owned(), "all".to_owned());
        assert!(policy.check(ip("8.8.8.8"), "other", None).is_err());
        policy.allow.push("10.0.0.0/8".parse().unwrap());
        assert!(policy.check(ip("8.8.8.8"), "test", Some("secret")).is_err());
        assert_eq!(policy.check(ip("::ffff:10.1.1.1"), "test", Some("secret")), Ok(()));
    }
}
