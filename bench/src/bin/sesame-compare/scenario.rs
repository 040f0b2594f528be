//! What is compared, and how one comparison runs.

use crate::{
    Options, SEEDING_CONNECTIONS,
    report::{Figures, Row},
    server::{Bare, Sesame},
};
use anyhow::{Context, Result, bail};
use rcgen::CertifiedKey;
use sesame_bench::{
    acs3::Request,
    connection::Connection,
    load::{self, Plan, Stop},
    prepare::{self, Key, Shape, Workload},
    target::{DataFolder, Target},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::runtime::Runtime;

/// Keys of the scenarios that compare few stored keys with many.
const FEW_KEYS: usize = 10;
/// Requests prepared for keys beyond this would fill the load program's memory and measure little more.
const SPREAD_LIMIT: usize = 100_000;

/// One line of the table.
pub(crate) struct Scenario {
    name: &'static str,
    workload: Workload,
    shape: Shape,
    https: bool,
    /// Keys that must be stored before it runs.
    stored: usize,
}

/// Scenarios that leave the number of stored keys as it is, but for the keys they use.
pub(crate) fn plain() -> Vec<Scenario> {
    vec![
        Scenario::new("encrypt 32 B", Workload::Encrypt).size(32),
        Scenario::new("encrypt 64 B", Workload::Encrypt).size(64),
        Scenario::new("encrypt 1,024 B", Workload::Encrypt).size(1024),
        Scenario::new("encrypt 4,096 B", Workload::Encrypt).size(4096),
        Scenario::new("encrypt 64 B, https", Workload::Encrypt).size(64).https(),
        Scenario::new("decrypt 64 B", Workload::Decrypt).size(64),
        Scenario::new("decrypt 1,024 B", Workload::Decrypt).size(1024),
        Scenario::new("generate-data-key 32 B", Workload::GenerateDataKey).size(32),
        Scenario::new("get-secret-value 64 B", Workload::GetSecretValue).size(64),
        Scenario::new("describe-key", Workload::DescribeKey),
        Scenario::new("asymmetric-sign EC_P256", Workload::AsymmetricSign).spec("EC_P256"),
        Scenario::new("asymmetric-sign RSA_2048", Workload::AsymmetricSign).spec("RSA_2048"),
        Scenario::new("asymmetric-sign EC_P256K", Workload::AsymmetricSign).spec("EC_P256K"),
        Scenario::new("asymmetric-sign EC_SM2", Workload::AsymmetricSign).spec("EC_SM2"),
        Scenario::new("asymmetric-verify EC_P256", Workload::AsymmetricVerify).spec("EC_P256"),
        Scenario::new("asymmetric-verify RSA_2048", Workload::AsymmetricVerify).spec("RSA_2048"),
        Scenario::new("asymmetric-verify EC_SM2", Workload::AsymmetricVerify).spec("EC_SM2"),
    ]
}

/// Scenarios that store a certain number of keys.
pub(crate) fn listing() -> Vec<Scenario> {
    vec![Scenario::new("list-keys, 100 of 10,000", Workload::ListKeys).stored(10_000)]
}

/// Scenarios that store as many keys as the server can make: the last to run.
pub(crate) fn creating() -> Vec<Scenario> {
    vec![Scenario::new("create-key, durable", Workload::CreateKey)]
}

impl Scenario {
    fn new(name: &'static str, workload: Workload) -> Self {
        Self { name, workload, shape: Shape::default(), https: false, stored: 0 }
    }

    fn size(mut self, size: usize) -> Self {
        self.shape.size = size;
        self
    }

    fn spec(mut self, spec: &str) -> Self {
        self.shape.key_spec = Some(spec.to_owned());
        self
    }

    fn https(mut self) -> Self {
        self.https = true;
        self
    }

    fn stored(mut self, keys: usize) -> Self {
        self.stored = keys;
        self.shape.page_max = keys / self.shape.page_size;
        self
    }
}

/// Both servers, and the rows measured so far.
pub(crate) struct Bench<'a> {
    options: &'a Options,
    sesame: Sesame,
    bare: PathBuf,
    runtime: Runtime,
    plain: Arc<Target>,
    rows: Vec<Row>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(options: &'a Options, sesame: Sesame) -> Result<Self> {
        let bare = match &options.bare {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("sesame-bare"),
        };
        let credentials = DataFolder::read(&sesame.data)?.credentials()?;
        let plain = Arc::new(Target::new(&sesame.http, None, credentials)?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { options, sesame, bare, runtime, plain, rows: Vec::new() })
    }

    /// Runs the scenarios that were asked for; one that fails is a row that says why.
    pub(crate) fn run_all(&mut self, scenarios: &[Scenario]) {
        let only = &self.options.only;
        for scenario in scenarios {
            if only.is_empty() || only.iter().any(|text| scenario.name.contains(text.as_str())) {
                let outcome = self.run(scenario);
                self.note(scenario.name.to_owned(), outcome);
            }
        }
    }

    /// Encrypt under few keys while few are stored; gives the requests, to be repeated when many are.
    pub(crate) fn run_few_keys(&mut self) -> Option<Arc<[Request]>> {
        let name = format!("encrypt 64 B, {FEW_KEYS} keys of few stored");
        match self.make_keys("Aliyun_AES_256", FEW_KEYS).and_then(|few| self.encrypts(&few)) {
            Ok(requests) => {
                let outcome = self.compare(&requests, false);
                self.note(name, outcome);
                Some(requests)
            }
            Err(error) => {
                self.note(name, Err(error));
                None
            }
        }
    }

    /// The same requests when `count` keys are stored, then requests spread over the keys that were added.
    pub(crate) fn run_many_keys(&mut self, count: usize, few: &Arc<[Request]>) {
        let made = self.fill(count);
        let outcome = self.compare(few, false);
        self.note(format!("encrypt 64 B, {FEW_KEYS} keys of {count} stored"), outcome);
        let outcome = made.and_then(|many| {
            let spread = many.get(..SPREAD_LIMIT).unwrap_or(&many);
            self.compare(&self.encrypts(spread)?, false)
        });
        self.note(format!("encrypt 64 B, up to {SPREAD_LIMIT} keys of {count} stored"), outcome);
    }

    pub(crate) fn count_keys(&self) -> Result<usize> {
        self.runtime.block_on(prepare::count_keys(&self.plain))
    }

    /// Ends Sesame and gives the rows.
    pub(crate) fn finish(self) -> Vec<Row> {
        self.rows
    }

    fn note(&mut self, name: String, outcome: Result<(Figures, Figures)>) {
        match &outcome {
            Ok((sesame, bare)) => eprintln!("{name}: {:.0} of {:.0} per second", sesame.throughput, bare.throughput),
            Err(error) => eprintln!("{name}: {error:#}"),
        }
        self.rows.push(Row { name, outcome });
    }

    fn run(&self, scenario: &Scenario) -> Result<(Figures, Figures)> {
        if scenario.stored > 0 {
            self.fill(scenario.stored)?;
        }
        let spec = scenario.shape.key_spec.as_deref().unwrap_or(scenario.workload.default_key_spec());
        let keys = if scenario.workload.needs_keys() { self.make_keys(spec, scenario.shape.keys)? } else { Vec::new() };
        let prepared = scenario.workload.requests(&self.plain, &scenario.shape, &keys);
        let requests = self.runtime.block_on(prepared)?;
        self.compare(&requests, scenario.https)
    }

    /// Makes the keys that are missing from `count`, and gives them.
    fn fill(&self, count: usize) -> Result<Vec<Key>> {
        self.make_keys("Aliyun_AES_256", count.saturating_sub(self.count_keys()?))
    }

    fn encrypts(&self, keys: &[Key]) -> Result<Arc<[Request]>> {
        self.runtime.block_on(Workload::Encrypt.requests(&self.plain, &Shape::default(), keys))
    }

    fn make_keys(&self, spec: &str, count: usize) -> Result<Vec<Key>> {
        self.runtime.block_on(prepare::make_keys(&self.plain, spec, count, SEEDING_CONNECTIONS))
    }

    /// The rounds: Sesame and the bare server in turn, the one that begins changing from round to round.
    fn compare(&self, requests: &Arc<[Request]>, https: bool) -> Result<(Figures, Figures)> {
        let scratch = self.sesame.data.with_file_name("bare");
        fs::create_dir_all(&scratch)?;
        let (headers, body) = self.capture(requests)?;
        let body_file = scratch.join("body");
        fs::write(&body_file, body)?;
        let tls = if https { Some(make_certificate(&scratch)?) } else { None };
        let bare = Bare::start(&self.bare, &headers, &body_file, tls.as_ref())?;

        let credentials = DataFolder::read(&self.sesame.data)?.credentials()?;
        let bare_ca = tls.as_ref().map(|(certificate, _)| certificate.as_path());
        let bare_target = Target::new(&bare.endpoint, bare_ca, credentials.clone())?;
        let sesame_target = if https {
            let endpoint = self.sesame.https.as_deref().context("sesame does not serve https")?;
            Target::new(endpoint, Some(&self.sesame.data.join(&self.options.ca)), credentials)?
        } else {
            Target::clone(&self.plain)
        };
        let sesame = self.plan(sesame_target, requests, self.sesame.process.pid())?;
        let bare_plan = self.plan(bare_target, requests, bare.process.pid())?;
        let (mut of_sesame, mut of_bare) = (Vec::new(), Vec::new());
        for round in 0..self.options.rounds.max(1) {
            if round % 2 == 0 {
                of_sesame.push(measure(&sesame)?);
                of_bare.push(measure(&bare_plan)?);
            } else {
                of_bare.push(measure(&bare_plan)?);
                of_sesame.push(measure(&sesame)?);
            }
        }
        Ok((Figures::median(&of_sesame), Figures::median(&of_bare)))
    }

    fn plan(&self, target: Target, requests: &Arc<[Request]>, pid: u32) -> Result<Plan> {
        Ok(Plan {
            target: Arc::new(target),
            requests: Arc::clone(requests),
            connections: self.options.connections,
            threads: self.options.threads,
            warmup: Duration::try_from_secs_f64(self.options.warmup)?,
            stop: Stop::After(Duration::try_from_secs_f64(self.options.seconds)?),
            pids: vec![pid],
        })
    }

    /// Headers and body of one actual answer, for the bare server to repeat.
    fn capture(&self, requests: &Arc<[Request]>) -> Result<(Vec<String>, Vec<u8>)> {
        let request = requests.first().context("a scenario has a request")?;
        self.runtime.block_on(async {
            let mut client = Connection::open(Arc::clone(&self.plain)).await?;
            let answer = client.call(request).await?;
            let body = answer.body.to_vec();
            if answer.status != 200 {
                bail!("{} {}", answer.status, String::from_utf8_lossy(&body));
            }
            Ok((repeatable_headers(&String::from_utf8_lossy(answer.head)), body))
        })
    }
}

fn measure(plan: &Plan) -> Result<Figures> {
    let outcome = load::run(plan)?;
    if let Some(error) = &outcome.first_error {
        bail!("{} errors, the first: {error}", outcome.errors);
    }
    Ok(Figures::of(&outcome))
}

/// The headers of an answer without those that the bare server sets itself.
fn repeatable_headers(head: &str) -> Vec<String> {
    let own = ["content-length", "date", "connection"];
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

/// A certificate for the bare server, and its key.
fn make_certificate(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    fs::write(&certificate, cert.pem())?;
    fs::write(&key, signing_key.serialize_pem())?;
    Ok((certificate, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_server_repeats_all_headers_but_its_own() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=utf-8\r\ncontent-length: 2\r\n\
                    x-acs-request-id: A:1\r\ndate: now";
        assert_eq!(repeatable_headers(head), ["content-type=application/json;charset=utf-8", "x-acs-request-id=A:1"]);
    }
}
