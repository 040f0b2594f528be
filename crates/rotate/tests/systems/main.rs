//! Rotation on real servers of Debian's packages, with the process dying at every step.
//!
//! `scripts/test rotation` runs it: PostgreSQL is found through `SESAME_TEST_POSTGRES_URL`, the URL of a superuser of a
//! server that nobody needs afterwards, for roles are left behind; the other servers are started here, each on a free port in a temporary folder.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that fails should stop, and one that is left out should say so"
)]

mod mariadb;
mod nodes;
mod openssh;
mod postgres;
mod redis;
mod servers;
mod world;
