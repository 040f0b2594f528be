//! The registry of operations (being built).

/// An operation as the gateways, the console and the command line see it.
#[derive(Debug)]
pub struct Entry {
    /// The name on the wire.
    pub name: &'static str,
}
