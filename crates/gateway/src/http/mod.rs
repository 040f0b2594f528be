//! HTTP/1.1 as the gateway needs it: requests read whole and borrowed from the connection's buffer, answers written in
//! one piece, and an API error for everything that cannot be read.

mod chunked;
mod connection;
mod fault;
mod head;
mod read_buffer;
mod response;
mod timer;

pub(crate) use chunked::Chunked;
pub(crate) use connection::Connection;
pub(crate) use fault::Fault;
pub(crate) use head::{Head, Known, MAX_HEADERS, parse as parse_head};
pub(crate) use response::{Extra, Response};

use std::net::IpAddr;

/// A whole request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) head: &'a Head<'a>,
    pub(crate) body: &'a [u8],
    /// Who sent it: the other end of the connection, or whom a proxy there asks for.
    pub(crate) peer: Peer,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    pub(crate) tls: bool,
}
