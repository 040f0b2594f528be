//! Head, query, form, `Authorization` and the signed texts. Seeds: `crates/gateway/tests/corpus`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    sesame_gateway::testing::fuzz_request(bytes);
});
