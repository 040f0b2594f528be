//! Policy documents.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    sesame_policy::testing::fuzz_document(text);
});
