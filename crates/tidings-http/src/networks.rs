//! Which proxies are believed when they say for whom they ask.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// Networks of proxies, as CIDR blocks (RFC 4632) or single addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// The addresses of this machine: a proxy beside the hub.
    pub fn loopback() -> Self {
        ["127.0.0.0/8", "::1"].into_iter().filter_map(|text| network(text).ok()).collect::<Vec<_>>().into()
    }

    /// Whether the address is in one of the networks. IPv4 addresses mapped to IPv6 count as what they are.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl From<Vec<Network>> for Networks {
    fn from(networks: Vec<Network>) -> Self {
        Self(networks.into_iter().map(|Network(network)| network).collect())
    }
}

/// One network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = String;

    /// Reads `10.0.0.0/8`, `fd00::/8` or a single address.
    fn from_str(text: &str) -> Result<Self, String> {
        network(text)
    }
}

fn network(text: &str) -> Result<Network, String> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address.to_canonical())),
        Err(_) => text.parse::<IpNet>(),
    };
    network.map(Network).map_err(|_| {
        format!(
            "{text:?} is neither an address nor a network: write one such as \"10.0.0.0/8\" or \"10.0.0.7\""
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_network_however_it_is_written() {
        let networks: Networks = ["10.0.0.0/8", "192.0.2.7", "fd00::/8"]
            .map(|text| text.parse::<Network>().unwrap())
            .to_vec()
            .into();
        for (address, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fd00::1", true),
            ("::1", false),
        ] {
            assert_eq!(networks.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(Networks::loopback().contains("127.0.0.9".parse().unwrap()));
        assert!("10.0.0.0/99".parse::<Network>().unwrap_err().contains("10.0.0.7"));
    }
}
