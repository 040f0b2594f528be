//! The rooms of ARCHITECTURE.md reach only the rooms that it allows.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot read the manifests fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Which of our crates each may depend on. A new edge is a decision: change ARCHITECTURE.md with it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("crypto", &[]),
    ("domain", &["crypto"]),
    ("policy", &["domain"]),
    ("seal", &["crypto"]),
    ("store", &["crypto", "domain", "seal"]),
    ("derive", &[]),
    ("audit", &["crypto", "domain"]),
    ("service", &["audit", "crypto", "derive", "domain", "policy", "store"]),
    ("gateway", &["domain", "service"]),
    ("rotate", &["crypto", "domain", "service"]),
    ("sesame", &["audit", "crypto", "domain", "gateway", "policy", "rotate", "seal", "service", "store"]),
    ("testkit", &["audit", "crypto", "domain", "policy", "seal", "service", "store"]),
    ("bench", &[]),
];

/// Heavy crates and the only rooms that may name them.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sqlx", &["store", "rotate"]),
    ("aws-lc-rs", &["crypto", "bench"]),
    ("sm2", &["crypto", "bench"]),
    ("hyper", &["rotate", "sesame", "bench"]),
    ("rustls", &["gateway", "rotate", "sesame", "bench"]),
    ("redis", &["rotate"]),
    ("russh", &["rotate"]),
    ("quick-xml", &["gateway"]),
];

fn direct_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let short = |name: &str| name.strip_prefix("sesame-").unwrap_or(name).to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let normal =
            package["dependencies"].as_array().unwrap().iter().filter(|dependency| dependency["kind"].is_null());
        let names = normal.map(|dependency| short(dependency["name"].as_str().unwrap())).collect();
        (short(package["name"].as_str().unwrap()), names)
    });
    packages.collect()
}

#[test]
fn rooms_reach_only_what_the_architecture_allows() {
    let dependencies = direct_dependencies();
    let ours: BTreeSet<_> = dependencies.keys().cloned().collect();
    for (room, reached) in &dependencies {
        let (_, allowed) = MAY_USE.iter().find(|(name, _)| name == room).unwrap_or_else(|| panic!("{room} is new"));
        for other in reached.intersection(&ours) {
            assert!(allowed.contains(&other.as_str()), "{room} may not use {other}");
        }
    }
}

#[test]
fn heavy_libraries_stay_behind_one_room() {
    for (room, reached) in &direct_dependencies() {
        for (library, rooms) in ONLY_IN {
            let used = reached.contains(*library);
            assert!(!used || rooms.contains(&room.as_str()), "{room} may not use {library}");
        }
    }
}

#[test]
fn no_second_tls_library_is_compiled_in() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "-p", "sesame"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    for banned in ["ring v", "openssl v", "rsa v0.9"] {
        assert!(!tree.lines().any(|line| line.starts_with(banned)), "{banned}");
    }
}
