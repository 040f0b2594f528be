'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { it } = require('node:test');
const { base64, forEveryClient } = require('../lib/suite');

const MESSAGE = Buffer.from('what is signed');
const Digest = crypto.createHash('sha256').update(MESSAGE).digest('base64');
const PSS = { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
const SIGNING = [
  ['RSA_2048', 'RSA_PSS_SHA_256', PSS],
  ['RSA_2048', 'RSA_PKCS1_SHA_256', {}],
  ['EC_P256', 'ECDSA_SHA_256', {}],
  ['EC_P256K', 'ECDSA_SHA_256', {}],
];

forEveryClient((kms) => {
  async function pair(KeySpec, KeyUsage) {
    const KeyId = await kms.key({ KeySpec, KeyUsage });
    const versions = await kms.call('ListKeyVersions', { KeyId });
    const named = { KeyId, KeyVersionId: versions.KeyVersions.KeyVersion[0].KeyVersionId };
    return { named, pem: (await kms.call('GetPublicKey', named)).PublicKey };
  }

  for (const [spec, Algorithm, options] of SIGNING) {
    it(`makes signatures with ${spec} and ${Algorithm} that others accept`, async () => {
      const { named, pem } = await pair(spec, 'SIGN/VERIFY');
      const { Value } = await kms.call('AsymmetricSign', { ...named, Algorithm, Digest });
      const signature = Buffer.from(Value, 'base64');
      assert.ok(crypto.verify('sha256', MESSAGE, { key: pem, ...options }, signature));
      assert.equal((await kms.call('AsymmetricVerify', { ...named, Algorithm, Digest, Value })).Value, true);
      const other = crypto.createHash('sha256').update('other').digest('base64');
      assert.equal((await kms.call('AsymmetricVerify', { ...named, Algorithm, Digest: other, Value })).Value, false);
    });
  }

  it('decrypts what others encrypt under the public key', async () => {
    const { named, pem } = await pair('RSA_2048', 'ENCRYPT/DECRYPT');
    const how = { key: pem, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    const CiphertextBlob = crypto.publicEncrypt(how, Buffer.from('secret')).toString('base64');
    const Algorithm = 'RSAES_OAEP_SHA_256';
    const opened = await kms.call('AsymmetricDecrypt', { ...named, Algorithm, CiphertextBlob });
    assert.equal(opened.Plaintext, base64('secret'));
    const moved = await kms.call('ReEncrypt', {
      CiphertextBlob,
      SourceKeyId: named.KeyId,
      SourceKeyVersionId: named.KeyVersionId,
      SourceEncryptionAlgorithm: Algorithm,
      DestinationKeyId: await kms.key(),
    });
    const blob = moved.CiphertextBlob;
    assert.equal((await kms.call('Decrypt', { CiphertextBlob: blob })).Plaintext, base64('secret'));
  });

  it('encrypts and decrypts with SM2', async () => {
    const { named } = await pair('EC_SM2', 'ENCRYPT/DECRYPT');
    const call = { ...named, Algorithm: 'SM2PKE' };
    const { CiphertextBlob } = await kms.call('AsymmetricEncrypt', { ...call, Plaintext: base64('secret') });
    assert.equal((await kms.call('AsymmetricDecrypt', { ...call, CiphertextBlob })).Plaintext, base64('secret'));
  });

  it('exports a data key to the owner of a public key', async () => {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    const wrapping = {
      PublicKeyBlob: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      WrappingKeySpec: 'RSA_2048',
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
    };
    const how = { key: privateKey, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    const unwrap = (text) => crypto.privateDecrypt(how, Buffer.from(text, 'base64')).toString('base64');
    const made = await kms.call('GenerateAndExportDataKey', { KeyId: await kms.key(), ...wrapping });
    const { CiphertextBlob } = made;
    const { Plaintext } = await kms.call('Decrypt', { CiphertextBlob });
    assert.equal(unwrap(made.ExportedDataKey), Plaintext);
    const exported = await kms.call('ExportDataKey', { CiphertextBlob, ...wrapping });
    assert.equal(unwrap(exported.ExportedDataKey), Plaintext);
  });

  it('refuses versions that are not of the key, and keys of another usage', async () => {
    const { named } = await pair('EC_P256', 'SIGN/VERIFY');
    const call = { ...named, Algorithm: 'ECDSA_SHA_256', Digest };
    const wrong = { ...call, KeyVersionId: 'none' };
    await kms.refuses('Forbidden.KeyVersionNotFound', 404, 'AsymmetricSign', wrong);
    await kms.refuses('InvalidParameter', 400, 'AsymmetricSign', { ...call, Digest: 'AAAA' });
    await kms.refuses('DryRunOperationError', 400, 'AsymmetricSign', { ...call, DryRun: 'true' });
    const encrypt = { ...named, Algorithm: 'ECIES_DH_SHA_1_XOR_HMAC', Plaintext: base64('x') };
    await kms.refuses('Rejected.UnsupportedOperation', 400, 'AsymmetricEncrypt', encrypt);
  });
});
