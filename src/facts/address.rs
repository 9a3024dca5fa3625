//! Which part of the world an address belongs to.
//!
//! Source: the IANA registries of special-purpose addresses (RFC 6890 and its successors), and RFC 5771 for multicast.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are no public ones: first address and length of the prefix in bits.
const SPECIAL: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),           // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carriers, RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation, RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays, given up
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, broadcast
];

/// Whether packets to an address leave the site that sends them: it is no private, local, reserved or documentation address.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL.iter().any(|&(network, length)| {
        let host = u32::MAX.checked_shr(length).unwrap_or(0);
        address.to_bits() & !host == network.to_bits()
    })
}

/// Global unicast is `2000::/3`; documentation (`2001:db8::/32`, `3fff::/20`) and protocol assignments (`2001::/23`) are in it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_special = first == 0x2001 && (second < 0x200 || second == 0xdb8)
        || first == 0x3fff && second < 0x1000;
    first & 0xe000 == 0x2000 && !is_special
}

/// The IPv4 address that a text is, as `inet_aton` reads it: four decimal numbers, or one decimal or hexadecimal number.
pub fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(address) = text.trim_matches(['[', ']']).parse() {
        return Some(address);
    }
    let number = match text.strip_prefix("0x") {
        Some(digits) if digits.len() == 8 => u32::from_str_radix(digits, 16).ok()?,
        None if text.len() >= 8 => text.parse().ok()?,
        _ => return None,
    };
    Some(IpAddr::V4(Ipv4Addr::from_bits(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses() {
        let public = |text: &str| is_public(text.parse().unwrap());
        for text in [
            "202.114.4.119",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "2606:4700::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(public(text), "{text}");
        }
        for text in [
            "0.1.2.3",
            "10.1.1.1",
            "100.64.0.1",
            "127.0.0.53",
            "169.254.1.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.119",
            "224.0.0.251",
            "239.255.255.250",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "2001:db8::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!public(text), "{text}");
        }
    }

    #[test]
    fn addresses_as_numbers() {
        let expected = "202.114.4.119".parse().ok();
        for text in ["202.114.4.119", "3396469879", "0xca720477"] {
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
        for text in ["1.2.3", "12345", "0xca", "host", "1.2.3.4.5", ""] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
