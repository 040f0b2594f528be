'use strict';

// A `sesame serve` of one's own, in a folder that goes when it does.

const { execFileSync, spawn } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const REPOSITORY = path.resolve(__dirname, '..', '..', '..', '..');
const START_LIMIT = 30000;

function binary() {
  const file = path.resolve(process.env.SESAME_BIN || path.join(REPOSITORY, 'target', 'debug', 'sesame'));
  if (!fs.existsSync(file)) {
    throw new Error(`${file} does not exist: build it with \`cargo build -p sesame\`, or set SESAME_BIN`);
  }
  return file;
}

// With a PostgreSQL URL in SESAME_STORAGE_URL, a database of its own there.
function database() {
  const base = process.env.SESAME_STORAGE_URL || '';
  if (!/^postgres(ql)?:\/\//.test(base)) {
    return { url: base, drop() {} };
  }
  const name = `sesame_${crypto.randomBytes(8).toString('hex')}`;
  const sql = (statement) => execFileSync(
    'psql', ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--dbname', base, '--command', statement],
  );
  sql(`CREATE DATABASE "${name}"`);
  const url = new URL(base);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => sql(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`) };
}

// credentials.env is made to be sourced, so a shell reads it.
function credentials(file) {
  const script = '. "$0"; printf "%s\\n%s\\n" "$ALIBABA_CLOUD_ACCESS_KEY_ID" "$ALIBABA_CLOUD_ACCESS_KEY_SECRET"';
  const [accessKeyId, accessKeySecret] = execFileSync('sh', ['-c', script, file], { env: {}, encoding: 'utf8' }).split('\n');
  return { accessKeyId, accessKeySecret };
}

// Starts a server, with further variables when it is to be configured.
async function start(variables = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sesame-clients-'));
  const data = path.join(folder, 'data');
  const log = path.join(folder, 'server.log');
  const store = database();
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SESAME|ALIBABA_CLOUD)_/.test(name)),
  );
  Object.assign(environment, { SESAME_HTTP: '127.0.0.1:0', SESAME_HTTPS: '127.0.0.1:0', ...variables });
  if (store.url) {
    environment.SESAME_STORAGE_URL = store.url;
  }
  const output = fs.openSync(log, 'a');
  const options = { cwd: folder, env: environment, stdio: ['ignore', output, output] };
  let stopServing = async () => {};

  // Starts the program and waits until it has written down its addresses.
  async function serve() {
    const child = spawn(binary(), ['serve', '--data', data], options);
    let failure = null;
    child.on('error', (error) => { failure = error; });
    const ended = new Promise((resolve) => { child.on('exit', resolve); });
    stopServing = async () => {
      if (child.exitCode === null && child.signalCode === null && !failure) {
        child.kill('SIGTERM');
        const inTime = await Promise.race([ended.then(() => true), sleep(20000, false, { ref: false })]);
        if (!inTime) {
          child.kill('SIGKILL');
          await ended;
        }
      }
    };
    const deadline = Date.now() + START_LIMIT;
    for (;;) {
      try {
        return JSON.parse(fs.readFileSync(path.join(data, 'endpoints.json'), 'utf8'));
      } catch {
        if (failure || child.exitCode !== null || Date.now() > deadline) {
          const said = fs.readFileSync(log, 'utf8');
          throw new Error(`the server did not start: ${failure || `status ${child.exitCode}`}\n${said}`);
        }
        await sleep(10);
      }
    }
  }

  async function stop() {
    await stopServing();
    fs.closeSync(output);
    store.drop();
    fs.rmSync(folder, { recursive: true, force: true });
  }

  try {
    await serve();
    // A managed data key, which only the operator can make, and on SQLite only while nothing else has the database.
    await stopServing();
    execFileSync(binary(), ['data-key', 'app', '--data', data], options);
    const endpoints = await serve();
    return { ...endpoints, ...credentials(path.join(data, 'credentials.env')), ca: path.join(data, 'ca.pem'), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

module.exports = { start };
