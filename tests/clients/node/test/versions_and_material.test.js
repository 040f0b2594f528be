'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { it } = require('node:test');
const { base64, forEveryClient } = require('../lib/suite');

forEveryClient((kms) => {
  it('makes a version that encrypts, while the old one still decrypts', async () => {
    const KeyId = await kms.key({});
    const old = await kms.call('Encrypt', { KeyId, Plaintext: base64('before') });
    const { KeyVersion } = await kms.call('CreateKeyVersion', { KeyId });
    const versions = await kms.call('ListKeyVersions', { KeyId });
    assert.equal(versions.TotalCount, 2);
    const described = await kms.call('DescribeKeyVersion', { KeyId, KeyVersionId: KeyVersion.KeyVersionId });
    assert.deepEqual(described.KeyVersion, KeyVersion);
    const fresh = await kms.call('Encrypt', { KeyId, Plaintext: base64('after') });
    assert.equal(fresh.KeyVersionId, KeyVersion.KeyVersionId);
    const { Plaintext } = await kms.call('Decrypt', { CiphertextBlob: old.CiphertextBlob });
    assert.equal(Plaintext, base64('before'));
    await kms.call('UpdateRotationPolicy', { KeyId, EnableAutomaticRotation: true, RotationInterval: '30d' });
    const { KeyMetadata } = await kms.call('DescribeKey', { KeyId });
    assert.equal(KeyMetadata.AutomaticRotation, 'Enabled');
  });

  it('imports material', async () => {
    const KeyId = await kms.key({ Origin: 'EXTERNAL' });
    const offer = await kms.call('GetParametersForImport', {
      KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048',
    });
    const key = crypto.createPublicKey({ key: Buffer.from(offer.PublicKey, 'base64'), format: 'der', type: 'spki' });
    const wrapped = crypto.publicEncrypt({ key, oaepHash: 'sha256' }, Buffer.alloc(32, 7));
    await kms.call('ImportKeyMaterial', {
      KeyId, EncryptedKeyMaterial: wrapped.toString('base64'), ImportToken: offer.ImportToken, KeyMaterialExpireUnix: 0,
    });
    const { CiphertextBlob } = await kms.call('Encrypt', { KeyId, Plaintext: base64('imported') });
    assert.equal((await kms.call('Decrypt', { CiphertextBlob })).Plaintext, base64('imported'));
    await kms.call('DeleteKeyMaterial', { KeyId });
    assert.equal((await kms.call('DescribeKey', { KeyId })).KeyMetadata.KeyState, 'PendingImport');
  });
});
