//! Inputs worth keeping, replayed through the fuzz targets.

use sesame_gateway::testing::{fuzz_chunked, fuzz_render, fuzz_request};

#[test]
fn the_corpus_breaks_nothing() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        // Every prefix too: a request may end anywhere.
        for end in 0..=bytes.len() {
            fuzz_request(&bytes[..end]);
            fuzz_chunked(&bytes[..end]);
        }
        fuzz_render(&String::from_utf8_lossy(&bytes));
        count += 1;
    }
    assert!(count >= 5, "the corpus is there");
}
