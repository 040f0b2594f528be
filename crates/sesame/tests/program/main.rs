//! Drives the built program as its users do: over its command line, its files, its ports and its signals.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails should stop")]

mod auditing;
mod calling;
mod client;
mod configuration;
mod durability;
mod first_start;
mod operator;
mod rotation;
mod server;
mod stopping;
mod tls;
