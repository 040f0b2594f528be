//! Proxies that say for whom they ask.

use httparse::Header;
use sesame_domain::Network;

use crate::http::Peer;

/// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, by address. Nobody else's are.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<Network>);

impl FromIterator<Network> for Proxies {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl Proxies {
    /// Who sent a request that came from a peer, and whether over TLS.
    ///
    /// Each proxy appends the address that it was asked from, so the list is read from its end, for as long as who wrote an
    /// entry is believed. What a client itself wrote stands before that and is never reached. An entry that is no address
    /// ends the search at the proxy that wrote it.
    pub(crate) fn client(&self, peer: Peer, headers: &[Header<'_>]) -> Peer {
        if !self.believes(peer) {
            return peer;
        }
        let mut client = peer;
        for entry in values(headers, "x-forwarded-for").rev() {
            let Some(address) = address(entry) else { break };
            client.address = address;
            if !self.believes(client) {
                break;
            }
        }
        // What any proxy was asked without TLS, travelled in clear.
        let mut schemes = values(headers, "x-forwarded-proto").peekable();
        if schemes.peek().is_some() {
            client.tls = schemes.all(|scheme| scheme.eq_ignore_ascii_case(b"https"));
        }
        client
    }

    fn believes(&self, peer: Peer) -> bool {
        self.0.iter().any(|network| network.holds(peer.address))
    }
}

/// The items of all headers of a name, in order; separated by commas.
fn values<'h>(headers: &'h [Header<'_>], name: &'h str) -> impl DoubleEndedIterator<Item = &'h [u8]> {
    let named = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.flat_map(|header| header.value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// An address, with or without a port; one of IPv6 is in brackets then.
fn address(entry: &[u8]) -> Option<std::net::IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse().ok().map(|socket: std::net::SocketAddr| socket.ip()));
    Some(address?.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &[&str], peer: &str, headers: &[(&str, &str)]) -> (String, bool) {
        let proxies: Proxies = proxies.iter().map(|network| network.parse::<Network>().unwrap()).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        let client = proxies.client(Peer { address: peer.parse().unwrap(), tls: false }, &headers);
        (client.address.to_string(), client.tls)
    }

    const FOR: &str = "X-Forwarded-For";

    #[test]
    fn an_address_is_believed_for_as_long_as_who_wrote_it_is() {
        let inside = ["10.0.0.0/8", "2001:db8::/32"];
        for (peer, written, expected) in [
            ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
            // The client made up the first.
            ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
            ("10.0.0.1", "1.1.1.1,198.51.100.7 , 10.0.0.2", "198.51.100.7"),
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("10.0.0.1", "198.51.100.7, 2001:db8::1", "198.51.100.7"),
            ("2001:db8::9", "[2001:470::1]:4711", "2001:470::1"),
            ("10.0.0.1", "[2001:470::1]", "2001:470::1"),
            ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
            ("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
            // Nobody who is believed says who wrote what is before these.
            ("10.0.0.1", "198.51.100.7, unknown", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.7, nonsense, 10.0.0.2", "10.0.0.2"),
            ("10.0.0.1", "", "10.0.0.1"),
            // Who is not believed may write what it likes.
            ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ] {
            assert_eq!(client(&inside, peer, &[(FOR, written)]).0, expected, "{peer}: {written}");
        }
        assert_eq!(client(&inside, "10.0.0.1", &[]).0, "10.0.0.1");
        assert_eq!(client(&inside, "10.0.0.1", &[(FOR, "1.1.1.1"), ("x-forwarded-for", "8.8.8.8")]).0, "8.8.8.8");
        assert_eq!(client(&[], "127.0.0.1", &[(FOR, "1.1.1.1")]).0, "127.0.0.1");
    }

    #[test]
    fn a_request_came_over_tls_when_it_did_all_the_way() {
        let tls = |headers: &[(&str, &str)]| client(&["10.0.0.1"], "10.0.0.1", headers).1;
        assert!(tls(&[("X-Forwarded-Proto", "https")]));
        assert!(tls(&[("X-Forwarded-Proto", "HTTPS, https")]));
        assert!(!tls(&[("X-Forwarded-Proto", "https, http")]));
        assert!(!tls(&[("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")]));
        assert!(!tls(&[("X-Forwarded-Proto", "")]));
        assert!(!tls(&[]));
        assert!(!client(&["10.0.0.1"], "10.0.0.2", &[("X-Forwarded-Proto", "https")]).1);
    }
}
