//! What can go wrong in a cryptographic operation, without saying more than a caller may know.

/// The outcome of an operation that did not succeed. No variant carries a secret or a cause that could serve
/// as an oracle: everything that fails after a key was used is [`CryptoError::Integrity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The input is malformed in a way its sender can see without any key; the text names the part.
    #[error("malformed input: {0}")]
    InvalidInput(&'static str),
    /// A ciphertext does not open: altered, made with another key, or with other associated data.
    #[error("the ciphertext does not decrypt")]
    Integrity,
    /// The key's spec does not offer the operation or algorithm.
    #[error("the operation does not fit the key")]
    WrongKey,
    /// The input is longer than the algorithm takes with this key; `max` is in bytes.
    #[error("the input is longer than {max} bytes")]
    TooLong {
        /// The greatest length in bytes that would have been accepted.
        max: usize,
    },
    /// The source of randomness failed.
    #[error("no randomness available")]
    Random,
    /// The cryptographic library refused an operation that should not fail.
    #[error("cryptographic library failure")]
    Internal,
}
