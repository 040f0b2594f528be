'use strict';

// Every provider of @alicloud/credentials that needs a server finds in this one what it needs, and the KMS client works
// with what it finds.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { client } = require('../lib/clients');
const { Ram } = require('../lib/ram');
const { start } = require('../lib/server');

// Its keys are in a file, so nobody asks it for them.
const ISSUER = 'https://issuer.invalid';
const HANDLE = crypto.randomBytes(32).toString('base64url');

describe('@alicloud/credentials', () => {
  let folder, server, ram, key, user, role, nextRole, podRole, provider, tokenFile;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sesame-credentials-'));
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: '1' };
    fs.writeFileSync(path.join(folder, 'keys.json'), JSON.stringify({ keys: [jwk] }));
    const configuration = path.join(folder, 'sesame.toml');
    fs.writeFileSync(configuration, `
[sts.issuers."${ISSUER}"]
jwks = "${path.join(folder, 'keys.json')}"
[sts.credentials."build"]
handle = "${HANDLE}"
role = "machine"
`, { mode: 0o600 });
    server = await start({ SESAME_CONFIG: configuration });
    const root = { accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret };
    ram = new Ram(server.http, root);
    key = (await client('pop-core', server.http, root).call('CreateKey')).KeyMetadata.KeyId;
    user = await ram.user('alice', 'AliyunSTSAssumeRoleAccess', 'AliyunKMSCryptoUserAccess');
    const account = { RAM: [await ram.arn('root')] };
    role = await ram.role('app', account, 'AliyunKMSCryptoUserAccess', 'AliyunSTSAssumeRoleAccess');
    nextRole = await ram.role('next', account, 'AliyunKMSCryptoUserAccess');
    provider = await ram.oidcProvider('k8s', ISSUER, 'sts.test');
    podRole = await ram.role('pod', { Federated: [provider] }, 'AliyunKMSCryptoUserAccess');
    await ram.role('machine', { Service: ['ecs.aliyuncs.com'] }, 'AliyunKMSCryptoUserAccess');
    tokenFile = path.join(folder, 'token');
    fs.writeFileSync(tokenFile, token(privateKey));
  });

  after(async () => {
    await server?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  function token(privateKey) {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: ISSUER, sub: 'system:serviceaccount:prod:app', aud: 'sts.test', iat: now, exp: now + 600 };
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const message = `${part({ alg: 'ES256', kid: '1' })}.${part(claims)}`;
    const signature = crypto.sign('sha256', Buffer.from(message), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${message}.${signature.toString('base64url')}`;
  }

  // What a program with these credentials does and sees; without a configuration, by the default chain.
  async function use(config, variables = {}) {
    const endpoint = new URL(server.https).host;
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ALIBABA_CLOUD_')));
    Object.assign(environment, {
      HOME: folder, NODE_EXTRA_CA_CERTS: server.ca, ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true', ...variables,
    });
    const said = await new Promise((resolve, reject) => {
      execFile(
        process.execPath, [path.join(__dirname, '..', 'with_credentials.js'), JSON.stringify({ endpoint, key, config })],
        { env: environment }, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)),
      );
    });
    const answer = JSON.parse(said);
    assert.equal(answer.plaintext, 'as whoever I am');
    return answer;
  }

  const sts = () => new URL(server.https).host;

  it('signs with an access key', async () => {
    const answer = await use({ type: 'access_key', ...user });
    assert.equal(answer.arn, await ram.arn('user/alice'));
  });

  it('signs with credentials of a session', async () => {
    const answer = await use({ type: 'sts', ...await ram.assume(user, role, 'by-hand') });
    assert.equal(answer.arn, await ram.arn('role/app/by-hand'));
  });

  // Not for 15 minutes: the provider asks again when less than that is left, here for each of key, secret and token.
  it('assumes a role as a user', async () => {
    // With 900 seconds the library would assume the role anew for each part of the credentials, and mix them.
    const answer = await use({
      type: 'ram_role_arn', ...user, roleArn: role, roleSessionName: 'job-1', roleSessionExpiration: 1800,
      policy: '{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}', externalId: 'partner',
      stsEndpoint: sts(),
    });
    assert.equal(answer.arn, await ram.arn('role/app/job-1'));
  });

  it('assumes a role as a role', async () => {
    const session = await ram.assume(user, role, 'by-hand');
    const answer = await use({
      type: 'ram_role_arn', ...session, roleArn: nextRole, roleSessionName: 'job-2', stsEndpoint: sts(),
    });
    assert.equal(answer.arn, await ram.arn('role/next/job-2'));
  });

  it('assumes a role with the token of an issuer', async () => {
    const answer = await use({
      type: 'oidc_role_arn', roleArn: podRole, oidcProviderArn: provider, oidcTokenFilePath: tokenFile,
      roleSessionName: 'pod-1', stsEndpoint: sts(),
    });
    assert.equal(answer.arn, await ram.arn('role/pod/pod-1'));
  });

  it('gets credentials by their URL', async () => {
    const answer = await use({ type: 'credentials_uri', credentialsURI: `${server.http}/credentials/${HANDLE}` });
    assert.equal(answer.arn, await ram.arn('role/machine/build'));
  });

  it('finds them in variables', async () => {
    const session = await ram.assume(user, role, 'by-hand');
    const of = ({ accessKeyId, accessKeySecret, securityToken }) => ({
      ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret,
      ...(securityToken ? { ALIBABA_CLOUD_SECURITY_TOKEN: securityToken } : {}),
    });
    assert.equal((await use(undefined, of(user))).arn, await ram.arn('user/alice'));
    assert.equal((await use(undefined, of(session))).arn, await ram.arn('role/app/by-hand'));
    const byUrl = await use(undefined, { ALIBABA_CLOUD_CREDENTIALS_URI: `${server.https}/credentials/${HANDLE}` });
    assert.equal(byUrl.arn, await ram.arn('role/machine/build'));
  });

  it('finds them in the file of the SDK', async () => {
    const file = path.join(folder, 'credentials');
    const { accessKeyId, accessKeySecret } = user;
    fs.writeFileSync(file, `[mine]\ntype = access_key\naccess_key_id = ${accessKeyId}\naccess_key_secret = ${accessKeySecret}\n`);
    const answer = await use(undefined, { ALIBABA_CLOUD_CREDENTIALS_FILE: file, ALIBABA_CLOUD_PROFILE: 'mine' });
    assert.equal(answer.arn, await ram.arn('user/alice'));
  });

  it('finds them in the file of the command line tool', async () => {
    const session = await ram.assume(user, role, 'by-hand');
    const profile = {
      name: 'mine', mode: 'StsToken', region_id: 'cn-hangzhou', access_key_id: session.accessKeyId,
      access_key_secret: session.accessKeySecret, sts_token: session.securityToken,
    };
    fs.mkdirSync(path.join(folder, '.aliyun'), { recursive: true });
    fs.writeFileSync(path.join(folder, '.aliyun', 'config.json'), JSON.stringify({ current: 'mine', profiles: [profile] }));
    const answer = await use(undefined);
    fs.rmSync(path.join(folder, '.aliyun'), { recursive: true });
    assert.equal(answer.arn, await ram.arn('role/app/by-hand'));
  });
});
