//! Load program and side-by-side benchmarks of Sesame.
//!
//! Three programs share this library: `sesame-load` puts signed load on an endpoint, `sesame-bare` is the yardstick
//! server that answers constant bytes, and `sesame-compare` runs both servers under the same load and prints a table.

pub mod acs3;
pub mod bare;
pub mod connection;
pub mod histogram;
pub mod load;
pub mod prepare;
pub mod primitive;
pub mod process;
pub mod target;
pub mod text;
pub mod tls;
