//! The `openssl` program, and certificate authorities made with it.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the program; what it wrote.
///
/// # Errors
/// What it complained about.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that has read enough may have closed its end.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(output.stdout) } else { Err(format!("{arguments:?}: {complaint}")) }
}

/// A certificate authority in a folder: `<name>.key` and `<name>.pem`.
#[derive(Clone, Copy, Debug)]
pub struct Authority<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// Its name, also in its certificate.
    pub name: &'a str,
}

impl Authority<'_> {
    fn file(&self, suffix: &str) -> String {
        self.folder.join(format!("{}.{suffix}", self.name)).to_str().unwrap().to_owned()
    }

    /// A key of its own and a certificate that it signed itself.
    pub fn root(&self, algorithm: &[&str]) {
        self.make_key(algorithm);
        let (key, pem, subject) = (self.file("key"), self.file("pem"), format!("/CN={}", self.name));
        let call = ["req", "-x509", "-key", &key, "-out", &pem, "-subj", &subject, "-days", "30"];
        openssl(&[&call[..], self.options(), &["-addext", "keyUsage=keyCertSign"]].concat(), b"").unwrap();
    }

    /// A key of its own and a certificate of the issuer with these extensions.
    pub fn below(&self, issuer: &Authority<'_>, algorithm: &[&str], extensions: &str) {
        self.make_key(algorithm);
        let (key, subject) = (self.file("key"), format!("/CN={}", self.name));
        let call = ["req", "-new", "-key", &key, "-subj", &subject];
        let csr = openssl(&[&call[..], self.options()].concat(), b"").unwrap();
        let pem = issuer.sign(&String::from_utf8(csr).unwrap(), extensions, &[]);
        std::fs::write(self.file("pem"), pem).unwrap();
    }

    fn make_key(&self, algorithm: &[&str]) {
        let key = self.file("key");
        openssl(&[&["genpkey", "-out", &key, "-algorithm"], algorithm].concat(), b"").unwrap();
    }

    fn is_sm2(&self) -> bool {
        let key = self.file("key");
        openssl(&["pkey", "-in", &key, "-noout", "-text"], b"")
            .is_ok_and(|text| String::from_utf8_lossy(&text).contains("SM2"))
    }

    fn options(&self) -> &'static [&'static str] {
        if self.is_sm2() { &["-sm3", "-sigopt", "distid:1234567812345678"] } else { &[] }
    }

    /// The certificate for a signing request, which is checked first.
    pub fn sign(&self, csr: &str, extensions: &str, options: &[&str]) -> String {
        let (key, pem, file) = (self.file("key"), self.file("pem"), self.file("ext"));
        std::fs::write(&file, extensions).unwrap();
        let call = ["x509", "-req", "-CA", &pem, "-CAkey", &key, "-CAcreateserial", "-extfile", &file, "-days", "30"];
        let own = self.options();
        let checked = ["-vfyopt", "distid:1234567812345678"];
        let checked: &[&str] = if csr_is_sm2(csr) { &checked } else { &[] };
        let signed = openssl(&[&call[..], own, checked, options].concat(), csr.as_bytes()).unwrap();
        String::from_utf8(signed).unwrap()
    }

    /// Its certificate in PEM.
    pub fn certificate(&self) -> String {
        std::fs::read_to_string(self.file("pem")).unwrap()
    }
}

fn csr_is_sm2(csr: &str) -> bool {
    openssl(&["req", "-noout", "-text"], csr.as_bytes())
        .is_ok_and(|text| String::from_utf8_lossy(&text).contains("SM2"))
}

/// A certificate for a signing request, by an authority of no importance.
pub fn issue(folder: &Path, csr: &str) -> String {
    let authority = Authority { folder, name: "nobody" };
    if !folder.join("nobody.pem").exists() {
        authority.root(&["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    }
    authority.sign(csr, "", &[])
}
