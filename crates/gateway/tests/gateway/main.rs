//! The gateway from the outside: raw bytes in, raw bytes out, over a real service and database.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests, not only tests, fail so"
)]

mod http;
mod signed;
mod sts;
mod support;
