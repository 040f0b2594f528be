'use strict';

// A program that takes its credentials as @alicloud/credentials finds them and uses a key with them. It is a program of
// its own because the variables and the CA must be there when Node starts. The argument is a JSON object: `endpoint`,
// `key`, and `config` of the credentials, or none for the default chain.

const Credential = require('@alicloud/credentials');
const Kms = require('@alicloud/kms20160120');

async function main() {
  const { endpoint, key, config } = JSON.parse(process.argv[2]);
  const credential = config ? new Credential.default(new Credential.Config(config)) : new Credential.default();
  const kms = new Kms.default({ credential, endpoint, protocol: 'https' });
  const who = await kms.doRequest('GetCallerIdentity', 'HTTPS', 'POST', '2015-04-01', 'AK', {}, null, {});
  const plaintext = Buffer.from('as whoever I am').toString('base64');
  const { ciphertextBlob } = await kms.encrypt(new Kms.EncryptRequest({ keyId: key, plaintext }));
  const opened = await kms.decrypt(new Kms.DecryptRequest({ ciphertextBlob }));
  const { providerName } = await credential.getCredential();
  console.log(JSON.stringify({
    provider: providerName, arn: who.Arn, plaintext: Buffer.from(opened.plaintext, 'base64').toString(),
  }));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
