//! Durable storage: one set of table modules over two engines, with everything secret sealed by the barrier.
//!
//! [`Store::read`] gives one consistent snapshot, [`Store::reader`] a connection for a single statement,
//! [`Store::write`] a transaction that is durable when it returns. What a write changed is told to the listeners of
//! [`Store::on_change`] after the commit and before the writer gets its answer.
//!
//! The closure of a write may run more than once: on SQLite when a neighbour in its group fails, on PostgreSQL when
//! the server asks for another run. It therefore does nothing but read and write through its `Tx`.
//!
//! Signatures worth knowing: functions of [`tags`] that change something take several resources at once
//! (`&[&str]`); [`key_versions::set_material`] and `clear_material` take the key beside the version; the fingerprint
//! of imported material is in [`keys`], since it is a fact of the key; [`keys::KeyFilter`] holds domain types where
//! the domain has them and text where a caller may send any; the table modules say [`Change`]s themselves.

mod barrier;
mod change;
#[cfg(test)]
mod conformance;
mod conn;
mod error;
mod job;
mod migrations;
mod options;
mod postgres;
mod sql;
mod sqlite;
mod store;
mod tables;

pub use change::{Change, Listener};
pub use conn::{Conn, Engine, Tx};
pub use error::StoreError;
pub use options::Options;
pub use store::Store;
pub use tables::{
    access_keys, accounts, aliases, audit_events, certificates, import_tokens, key_policies, key_uses, key_versions,
    keys, managed_data_keys, meta, oidc_providers, ram_access_keys, ram_attachments, ram_grants, ram_groups,
    ram_logins, ram_memberships, ram_policies, ram_roles, ram_settings, ram_users, secret_rotations, secrets,
    server_keys, tags,
};

/// A boxed future, as the closures of [`Store::read`] and [`Store::write`] return it.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
