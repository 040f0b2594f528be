//! Texts in JSON and XML answers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    sesame_gateway::testing::fuzz_render(text);
});
