//! Key specs, algorithms, secret types and ciphertext blobs.
