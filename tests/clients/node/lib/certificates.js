'use strict';

// An authority that issues certificates for the signing requests of the service, with the `openssl` program, since Node
// itself cannot make certificates.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

let authority = null;

function openssl(...call) {
  return execFileSync('openssl', call, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function makeAuthority() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sesame-authority-'));
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  const made = { folder, key: path.join(folder, 'ca.key'), pem: path.join(folder, 'ca.pem') };
  openssl(
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', made.key, '-out', made.pem,
    '-subj', '/CN=authority', '-days', '30', '-addext', 'keyUsage=keyCertSign',
  );
  return made;
}

// A certificate for the request, and the certificate of the authority that issued it.
function issue(csr) {
  authority = authority || makeAuthority();
  const { folder, key, pem } = authority;
  const request = path.join(folder, 'request.csr');
  fs.writeFileSync(request, csr);
  const certificate = openssl('x509', '-req', '-in', request, '-CA', pem, '-CAkey', key, '-CAcreateserial', '-days', '30');
  return { certificate, chain: fs.readFileSync(pem, 'utf8') };
}

module.exports = { issue };
