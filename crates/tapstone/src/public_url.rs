//! Where phones reach the platform.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use tag::{AesKey, ReadCounter, SoftwareTag, Uid};

/// An address such as `https://pay.example`, without a slash at its end. It has no path: the pages are at the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl(String);

impl PublicUrl {
    /// Where a browser on this machine reaches a server that listens there.
    pub(crate) fn of_listener(address: SocketAddr) -> Self {
        match address.ip() {
            ip if ip.is_unspecified() => Self(format!("http://localhost:{}", address.port())),
            IpAddr::V4(ip) => Self(format!("http://{ip}:{}", address.port())),
            IpAddr::V6(ip) => Self(format!("http://[{ip}]:{}", address.port())),
        }
    }

    /// The address that tags mirror their readings into.
    pub(crate) fn of_taps(&self) -> String {
        format!("{self}/t")
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let url = Self(url.trim_end_matches('/').to_owned());
        let rest = url.0.strip_prefix("https://").or_else(|| url.0.strip_prefix("http://"));
        match rest {
            Some(rest) if rest.contains('/') => {
                let message = "must have no path, as the pages work only at the root: give the platform a name of its \
                               own, such as https://pay.example";
                return Err(message.to_owned());
            }
            Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', '@']) => {}
            _ => return Err("must be an address such as https://pay.example, without ? or #".to_owned()),
        }
        // Whatever a tag could not be at is no good either.
        SoftwareTag::new(&AesKey::new([0; 16]), Uid([4; 7]), ReadCounter::ZERO, &url.of_taps())
            .map_err(|error| error.to_string())?;
        Ok(url)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_and_nothing_else() {
        for (given, kept) in [
            ("https://pay.example", "https://pay.example"),
            ("https://pay.example/", "https://pay.example"),
            ("http://192.168.1.7:8080", "http://192.168.1.7:8080"),
        ] {
            assert_eq!(given.parse::<PublicUrl>().map(|url| url.to_string()), Ok(kept.to_owned()));
        }
        for wrong in ["", "pay.example", "ftp://pay.example", "https://", "https:///", "https://a?b", "https://a b"] {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
        for path in ["https://example.org/pay", "https://example.org/pay/", "https://example.org//a"] {
            assert!(path.parse::<PublicUrl>().unwrap_err().contains("must have no path"), "{path}");
        }
    }

    #[test]
    fn a_listener_has_an_address_that_can_be_opened() {
        for (listener, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("0.0.0.0:80", "http://localhost:80"),
            ("[::]:80", "http://localhost:80"),
            ("[::1]:80", "http://[::1]:80"),
        ] {
            assert_eq!(PublicUrl::of_listener(listener.parse().unwrap()).to_string(), url);
        }
    }
}
