'use strict';

// Starts a server, runs the suites against it, and passes their status on. The server comes first because node-kms can
// be told of a CA only by NODE_EXTRA_CA_CERTS, which Node reads when it starts.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { start } = require('./lib/server');

async function main() {
  const wanted = process.argv.slice(2);
  const folder = path.join(__dirname, 'test');
  const files = wanted.length ? wanted : fs.readdirSync(folder).filter((f) => f.endsWith('.test.js')).map((f) => path.join(folder, f));
  const server = await start();
  try {
    const environment = { ...process.env };
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']) {
      delete environment[name];
    }
    const done = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], {
      stdio: 'inherit',
      env: {
        ...environment,
        NODE_EXTRA_CA_CERTS: server.ca,
        SESAME_TEST_HTTP: server.http,
        SESAME_TEST_HTTPS: server.https,
        SESAME_TEST_CA: server.ca,
        ALIBABA_CLOUD_ACCESS_KEY_ID: server.accessKeyId,
        ALIBABA_CLOUD_ACCESS_KEY_SECRET: server.accessKeySecret,
      },
    });
    process.exitCode = done.status === null ? 1 : done.status;
  } finally {
    await server.stop();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
