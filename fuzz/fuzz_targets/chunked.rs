//! Bodies in chunks.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    sesame_gateway::testing::fuzz_chunked(bytes);
});
