//! Puts signed load on a Sesame endpoint and reports what it bore.

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use sesame_bench::{
    acs3::{Credentials, Request},
    load::{self, Outcome, Plan, Stop},
    prepare::{self, Key, Shape, Workload},
    target::{DataFolder, Target},
    text,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

/// Loopback load on a server that speaks the Alibaba Cloud KMS API.
#[derive(Parser)]
struct Options {
    /// URL of the server, http or https.
    #[arg(long)]
    endpoint: Option<String>,
    /// Certificate of the CA to trust, PEM; needed for https.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Data folder of the server, for endpoint and access key where they are not given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Access key to sign with.
    #[arg(long, requires = "access_key_secret")]
    access_key_id: Option<String>,
    /// Its secret.
    #[arg(long, requires = "access_key_id")]
    access_key_secret: Option<String>,
    /// Keep-alive connections, each with one request under way.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Threads of this program.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Seconds of measurement.
    #[arg(long, default_value_t = 5.0, conflicts_with = "requests")]
    duration: f64,
    /// Requests to measure, instead of a duration.
    #[arg(long)]
    requests: Option<u64>,
    /// Seconds of load before the measurement.
    #[arg(long, default_value_t = 1.0)]
    warmup: f64,
    /// Process of the server, whose CPU time and memory are measured; may be given several times.
    #[arg(long = "pid", value_name = "PID")]
    pids: Vec<u32>,
    /// What to send.
    #[arg(long, value_enum, default_value_t = Workload::Encrypt)]
    workload: Workload,
    /// Bytes of plaintext, data key or secret, before Base64.
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Keys, or secrets, to spread the requests over.
    #[arg(long, default_value_t = 1)]
    keys: usize,
    /// File of key ids, one a line: keys in it are used again, missing ones are made and added.
    #[arg(long, value_name = "FILE")]
    key_list: Option<PathBuf>,
    /// KeySpec of the keys; by default Aliyun_AES_256, for signatures EC_P256.
    #[arg(long)]
    key_spec: Option<String>,
    /// PageSize of ListKeys.
    #[arg(long, default_value_t = 100)]
    page_size: usize,
    /// ListKeys goes round the pages from 1 to this one.
    #[arg(long, default_value_t = 1)]
    page_max: usize,
    /// Action of a raw workload; without it, an Encrypt of --size bytes under a key that need not exist.
    #[arg(long)]
    action: Option<String>,
    /// Parameter of a raw workload; may be given several times.
    #[arg(long = "parameter", value_name = "NAME=VALUE", requires = "action")]
    parameters: Vec<String>,
    /// Report as one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let target = Arc::new(options.target()?);
    let requests = options.requests(&target)?;
    let outcome = load::run(&Plan {
        target,
        requests,
        connections: options.connections,
        threads: options.threads,
        warmup: Duration::try_from_secs_f64(options.warmup)?,
        stop: match options.requests {
            Some(count) => Stop::Requests(count),
            None => Stop::After(Duration::try_from_secs_f64(options.duration)?),
        },
        pids: options.pids.clone(),
    })?;
    if options.json {
        println!("{}", as_json(&outcome, &options));
    } else {
        print(&outcome, &options);
    }
    Ok(if outcome.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Options {
    fn target(&self) -> Result<Target> {
        let folder = self.data.as_deref().map(DataFolder::read).transpose()?.unwrap_or_default();
        let credentials = match (&self.access_key_id, &self.access_key_secret) {
            (Some(id), Some(secret)) => Credentials::new(id, secret),
            _ if self.data.is_some() => folder.credentials()?,
            _ => Credentials::new("testid", "testsecret"),
        };
        let endpoint = self.endpoint.as_ref().or(folder.endpoint.as_ref()).context("--endpoint or --data is needed")?;
        Target::new(endpoint, self.ca.as_deref(), credentials)
    }

    fn requests(&self, target: &Arc<Target>) -> Result<Arc<[Request]>> {
        if self.workload == Workload::Raw {
            return Ok(vec![self.raw()?].into());
        }
        let shape = Shape {
            size: self.size,
            keys: self.keys,
            key_spec: self.key_spec.clone(),
            page_size: self.page_size,
            page_max: self.page_max,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let keys = if self.workload.needs_keys() { self.take_keys(target).await? } else { Vec::new() };
            self.workload.requests(target, &shape, &keys).await
        })
    }

    fn raw(&self) -> Result<Request> {
        let Some(action) = &self.action else {
            let plaintext = text::base64(&prepare::random(self.size)?);
            return Ok(prepare::encrypt("key-hzz00000000000000000000", &plaintext));
        };
        let split = |text: &'_ String| -> Result<(String, String)> {
            let (name, value) = text.split_once('=').with_context(|| format!("{text} is not NAME=VALUE"))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        let parameters = self.parameters.iter().map(split).collect::<Result<Vec<_>>>()?;
        let borrowed: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Ok(Request::new(action, &borrowed))
    }

    /// The keys of the list, and as many new ones as it lacks.
    async fn take_keys(&self, target: &Arc<Target>) -> Result<Vec<Key>> {
        let mut keys = self.key_list.as_deref().map(read_keys).transpose()?.unwrap_or_default();
        if keys.len() < self.keys {
            let spec = self.key_spec.as_deref().unwrap_or(self.workload.default_key_spec());
            keys.extend(prepare::make_keys(target, spec, self.keys - keys.len(), 64).await?);
            if let Some(path) = &self.key_list {
                let lines: String = keys.iter().flat_map(|key| [&key.id, "\n"]).collect();
                fs::write(path, lines)?;
            }
        }
        keys.truncate(self.keys);
        Ok(keys)
    }
}

fn read_keys(path: &Path) -> Result<Vec<Key>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path)?;
    Ok(text.lines().filter(|line| !line.is_empty()).map(|line| Key { id: line.to_owned() }).collect())
}

fn print(outcome: &Outcome, options: &Options) {
    let latencies = &outcome.latencies;
    println!("requests    {} in {:.2} s, errors {}", latencies.total(), outcome.elapsed.as_secs_f64(), outcome.errors);
    if let Some(error) = &outcome.first_error {
        println!("first error {error}");
    }
    println!("throughput  {:.0} per second", outcome.throughput());
    let [p50, p90, p99] = [500, 900, 990].map(|permille| micros(latencies.quantile(permille)));
    println!("latency     p50 {p50:.0} µs, p90 {p90:.0} µs, p99 {p99:.0} µs, max {:.0} µs", micros(latencies.max()));
    if !options.pids.is_empty() {
        let (rss, peak) = (mebibytes(outcome.server.rss_kib), mebibytes(outcome.server.peak_kib));
        println!("server      {:.2} µs CPU per request, {rss:.1} MiB resident, {peak:.1} MiB at its peak", {
            outcome.server_micros()
        });
    }
    println!("load        {:.2} µs CPU per request", outcome.client_micros());
}

fn as_json(outcome: &Outcome, options: &Options) -> serde_json::Value {
    let latencies = &outcome.latencies;
    let server = (!options.pids.is_empty()).then(|| {
        json!({
            "cpu_us_per_request": outcome.server_micros(),
            "cpu_s": outcome.server.cpu.as_secs_f64(),
            "rss_kib": outcome.server.rss_kib,
            "peak_kib": outcome.server.peak_kib,
        })
    });
    json!({
        "requests": latencies.total(),
        "errors": outcome.errors,
        "first_error": outcome.first_error,
        "seconds": outcome.elapsed.as_secs_f64(),
        "requests_per_second": outcome.throughput(),
        "latency_us": {
            "p50": micros(latencies.quantile(500)),
            "p90": micros(latencies.quantile(900)),
            "p99": micros(latencies.quantile(990)),
            "max": micros(latencies.max()),
        },
        "server": server,
        "load_cpu_us_per_request": outcome.client_micros(),
    })
}

fn micros(latency: Duration) -> f64 {
    latency.as_secs_f64() * 1e6
}

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
