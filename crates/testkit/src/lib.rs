//! What tests share: a service in process over a fresh database, and a clock that the test moves.
//!
//! Never a normal dependency of any crate.
#![expect(clippy::expect_used, reason = "a fixture that cannot be made fails its test")]

mod clock;
mod kms;
pub mod openssl;
mod postgres;

pub use clock::TestClock;
pub use kms::{Refusal, TestKms};
