//! Which addresses are public: the only ones that a user's link may lead to. Knows no names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// After IANA's registry of special addresses.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _) // this network, private, loopback, multicast and reserved
            | (100, 64..=127, _) // behind a carrier's translation
            | (169, 254, _) // link-local, where clouds keep their metadata
            | (172, 16..=31, _)
            | (192, 0, 0 | 2) // protocols, documentation
            | (192, 31, 196) | (192, 52, 193) | (192, 175, 48) // AS112, AMT
            | (192, 88, 99) // 6to4 relays
            | (192, 168, _)
            | (198, 18 | 19, _) // benchmarks
            | (198, 51, 100) | (203, 0, 113) // documentation
    );
    !is_special
}

/// Only what is handed out for the internet, without the parts that carry IPv4 addresses or stand in documents.
/// Addresses that wrap IPv4 ones (mapped, compatible, NAT64) lie outside of it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_global = (0x2000..0x4000).contains(&a);
    let is_special = matches!(
        (a, b),
        (0x2001, 0..=0x01ff | 0x0db8) // protocols with Teredo, documentation
            | (0x2002, _) // 6to4
            | (0x2620, 0x004f) // AS112
            | (0x3ffe, _) // the former test network
            | (0x3fff, 0..=0x0fff) // documentation
    );
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_public_and_the_others_not() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "2001:4860:4860::8888",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }
}
