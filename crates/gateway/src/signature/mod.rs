//! The texts that requests sign. What is signed is built here, from the bytes received; the secret key and the
//! comparison belong to the service.

pub(crate) mod acs;
pub(crate) mod v1;

#[cfg(test)]
mod vectors;
