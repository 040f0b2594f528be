//! The sockets, bound before anything is served from them.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};

use anyhow::{Context as _, Result, bail};

use crate::config::{Listen, Settings};

/// What is bound.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) http: Option<TcpListener>,
    pub(super) https: Option<TcpListener>,
}

/// The addresses of what is bound, as URLs for clients on this machine.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    pub(super) http: Option<String>,
    pub(super) https: Option<String>,
}

impl Bound {
    /// Binds what the settings ask for.
    pub(super) fn open(settings: &Settings) -> Result<Self> {
        let http = address(&settings.http, "http")?;
        if let Some(address) = http
            && !address.ip().is_loopback()
            && !settings.http_anywhere
        {
            bail!(
                "http = {} can be reached from other machines, and plaintexts and secret values would travel over the \
                 network in clear; use https there, or allow it by name with --http-anywhere (SESAME_HTTP_ANYWHERE=true)",
                settings.http
            );
        }
        let https = address(&settings.https, "https")?;
        Ok(Self { http: bind(http, "http")?, https: bind(https, "https")? })
    }

    /// Where clients on this machine reach them.
    pub(super) fn endpoints(&self) -> Result<Endpoints> {
        let url = |listener: &Option<TcpListener>, scheme: &str| -> Result<Option<String>> {
            let Some(listener) = listener else { return Ok(None) };
            Ok(Some(format!("{scheme}://{}", reachable(listener.local_addr()?))))
        };
        Ok(Endpoints { http: url(&self.http, "http")?, https: url(&self.https, "https")? })
    }
}

impl Endpoints {
    /// The content of `endpoints.json`.
    pub(super) fn json(&self) -> String {
        let members = [("http", &self.http), ("https", &self.https)];
        let members = members.iter().filter_map(|(name, url)| url.as_ref().map(|url| format!("\"{name}\": \"{url}\"")));
        format!("{{{}}}\n", members.collect::<Vec<_>>().join(", "))
    }

    /// The one for a client that has no preference: without TLS where that never leaves the machine.
    pub(super) fn preferred(&self) -> &str {
        self.http.as_ref().or(self.https.as_ref()).map_or("", String::as_str)
    }
}

fn address(listen: &Listen, setting: &str) -> Result<Option<SocketAddr>> {
    let Listen::At { host, port } = listen else { return Ok(None) };
    let mut found = (host.as_str(), *port)
        .to_socket_addrs()
        .with_context(|| format!("{setting} = {listen}: the host {host} cannot be resolved"))?;
    found.next().map(Some).with_context(|| format!("{setting} = {listen}: the host {host} has no address"))
}

fn bind(address: Option<SocketAddr>, setting: &str) -> Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address}; choose another address with --{setting} HOST:PORT (port 0 takes a free one), or none with --{setting} off")
    })?;
    listener.set_nonblocking(true)?;
    Ok(Some(listener))
}

/// An address that stands for all of them cannot be connected to everywhere; loopback is among them.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, v6.port()).into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(http: &str, anywhere: bool) -> Settings {
        Settings { http: http.parse().unwrap(), https: Listen::Off, http_anywhere: anywhere, ..Settings::default() }
    }

    #[test]
    fn plain_http_beyond_this_machine_has_to_be_asked_for() {
        let refused = Bound::open(&settings("0.0.0.0:0", false)).unwrap_err().to_string();
        assert!(refused.contains("--http-anywhere"), "{refused}");
        let bound = Bound::open(&settings("0.0.0.0:0", true)).unwrap();
        assert!(bound.endpoints().unwrap().preferred().starts_with("http://127.0.0.1:"));
    }

    #[test]
    fn only_bound_addresses_are_told() {
        let bound = Bound::open(&settings("127.0.0.1:0", false)).unwrap();
        let port = bound.http.as_ref().unwrap().local_addr().unwrap().port();
        assert_eq!(bound.endpoints().unwrap().json(), format!("{{\"http\": \"http://127.0.0.1:{port}\"}}\n"));
        let refused = Bound::open(&settings(&format!("127.0.0.1:{port}"), false)).unwrap_err();
        assert!(refused.to_string().contains("--http off"), "{refused}");
    }
}
