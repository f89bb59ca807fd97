//! Which addresses a stranger may make us connect to.
//!
//! A merchant names the URL, our machine makes the request: without a rule, anybody with a key could have us knock at our
//! own database, at the neighbours in our network, or at the cloud's metadata service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which networks deliveries may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Only what everybody on the Internet can reach, over TLS.
    Public,
    /// Loopback and private networks too, and without TLS: for sandboxes and for tests.
    Private,
}

impl Network {
    /// Whether a connection to this address may be made.
    #[must_use]
    pub fn admits(self, address: IpAddr) -> bool {
        is_public(address) || (self == Self::Private && is_private(address))
    }
}

/// Whether an address is one of the public Internet's: none of the blocks of the IANA special-purpose registries (RFC
/// 6890 and its successors), and no form of IPv6 that hides an IPv4 address which is not public itself.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match (a, b, c) {
        // "This network", private use, loopback.
        (0 | 10 | 127, _, _) => true,
        // Shared by carriers (RFC 6598).
        (100, 64..=127, _) => true,
        // Link-local; among them the metadata services of the clouds.
        (169, 254, _) => true,
        (172, 16..=31, _) | (192, 168, _) => true,
        // IETF protocol assignments, documentation, 6to4 relays, AS112, AMT.
        (192, 0, 0 | 2) | (192, 88, 99) | (192, 31, 196) | (192, 52, 193) | (192, 175, 48) => true,
        // Benchmarks, documentation.
        (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113) => true,
        // Multicast, reserved, broadcast.
        (224.., _, _) => true,
        _ => false,
    };
    // Metadata and health services of clouds at public addresses: Azure's, Alibaba's is in 100.64/10.
    !is_special && address != Ipv4Addr::new(168, 63, 129, 16)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(hidden) = hidden_v4(address) {
        return is_public_v4(hidden);
    }
    let [first, second, third, ..] = address.segments();
    // Only 2000::/3 is given out as global unicast.
    let is_global_unicast = (0x2000..0x4000).contains(&first);
    let is_special = match (first, second) {
        // IETF protocol assignments (Teredo, benchmarks, ORCHID …).
        (0x2001, 0x0000..=0x01ff) => true,
        // Documentation.
        (0x2001, 0x0db8) | (0x3fff, 0x0000..=0x0fff) => true,
        // Direct delegation AS112.
        (0x2620, 0x004f) => third == 0x8000,
        _ => false,
    };
    is_global_unicast && !is_special
}

/// The IPv4 address in an IPv6 address that translates to one: mapped, compatible, NAT64 (RFC 6052, RFC 8215), 6to4.
fn hidden_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0 | 0xffff) => of(g, h),
        (0, 0, 0, 0, 0xffff, 0) => of(g, h),
        (0x64, 0xff9b, 0, 0, 0, 0) => of(g, h),
        // A network's own prefix for translation: what is behind it is not for us to guess.
        (0x64, 0xff9b, 1, _, _, _) => Some(Ipv4Addr::UNSPECIFIED),
        (0x2002, _, _, _, _, _) => of(b, c),
        _ => None,
    }
}

/// Loopback, private use, and unique local addresses: what a sandbox may reach besides.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.is_loopback() || mapped.is_private(),
            // fd00:ec2::254 is a metadata service.
            None => {
                address.is_loopback()
                    || (address.is_unique_local() && address != Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap_or_else(|_| panic!("{text}")))
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.0",
            "126.0.0.1",
            "128.0.0.1",
            "169.253.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001:81b::200e",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert!(public(text), "{text}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!public(text), "{text}");
            assert!(!Network::Public.admits(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_sandbox_reaches_private_networks_and_no_further() {
        for (text, admitted) in [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("192.168.1.1", true),
            ("::1", true),
            ("fd12::1", true),
            ("::ffff:127.0.0.1", true),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("100.100.100.200", false),
            ("0.0.0.0", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("224.0.0.1", false),
        ] {
            assert_eq!(Network::Private.admits(text.parse().unwrap()), admitted, "{text}");
        }
    }
}
