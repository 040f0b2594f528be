//! What can be set.

use std::time::Duration;

use crate::proxies::Proxies;

/// Bounds of what a client may ask of the gateway, and for how long.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest request line. Older SDKs put a whole secret or policy into it: about 100 KB, encoded.
    pub request_line_bytes: usize,
    /// The most bytes of headers.
    pub header_bytes: usize,
    /// The largest body.
    pub body_bytes: usize,
    /// The most parameters of one call.
    pub parameters: usize,
    /// Connections at the same time; further ones wait.
    pub connections: usize,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long request line and headers may take from their first byte.
    pub head_timeout: Duration,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// How long a client may take to accept an answer.
    pub write_timeout: Duration,
    /// How long a connection is kept without a request.
    pub idle_timeout: Duration,
    /// How long requests in flight may take once the gateway stops.
    pub stop_timeout: Duration,
    /// Whether pages of other origins may call.
    pub cors: bool,
    /// Proxies whose word about their clients is taken.
    pub proxies: Proxies,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            request_line_bytes: 256 * 1024,
            header_bytes: 64 * 1024,
            body_bytes: 1024 * 1024,
            parameters: 1_000,
            connections: 10_000,
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            stop_timeout: Duration::from_secs(30),
            cors: false,
            proxies: Proxies::default(),
        }
    }
}
