'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const Kms = require('@alicloud/kms20160120');
const { NO_SUCH_KEY, Suite, base64, forEveryClient } = require('../lib/suite');

forEveryClient((kms) => {
  it('gives back the plaintext as it was', async () => {
    const KeyId = await kms.key();
    for (const Plaintext of ['plaintext', base64('secret'), "a b+c/d=e&f~*!'()", '密钥 🔑', '-----BEGIN-----\nabc\n']) {
      const { CiphertextBlob } = await kms.call('Encrypt', { KeyId, Plaintext });
      assert.equal((await kms.call('Decrypt', { CiphertextBlob })).Plaintext, Plaintext);
    }
  });

  it('opens a blob only with its context', async () => {
    const KeyId = await kms.key();
    const EncryptionContext = { app: 'pay & go', 环境: 'a=b' };
    const { CiphertextBlob } = await kms.call('Encrypt', { KeyId, Plaintext: 'aGk=', EncryptionContext });
    const opened = await kms.call('Decrypt', { CiphertextBlob, EncryptionContext: { 环境: 'a=b', app: 'pay & go' } });
    assert.equal(opened.Plaintext, 'aGk=');
    await kms.refuses('InvalidParameter', 400, 'Decrypt', { CiphertextBlob });
    await kms.refuses('InvalidParameter', 400, 'Decrypt', { CiphertextBlob, EncryptionContext: { app: 'pay' } });
  });

  it('binds data keys to their context', async () => {
    const KeyId = await kms.key();
    const EncryptionContext = { app: 'pay' };
    for (const operation of ['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext']) {
      const { CiphertextBlob } = await kms.call(operation, { KeyId, EncryptionContext, NumberOfBytes: 24 });
      const { Plaintext } = await kms.call('Decrypt', { CiphertextBlob, EncryptionContext });
      assert.equal(Buffer.from(Plaintext, 'base64').length, 24);
      await kms.refuses('InvalidParameter', 400, 'Decrypt', { CiphertextBlob });
    }
  });

  it('moves a blob to another key and context', async () => {
    const [source, destination] = [await kms.key(), await kms.key({ KeySpec: 'Aliyun_SM4' })];
    const { CiphertextBlob } = await kms.call('Encrypt', { KeyId: source, Plaintext: 'aGk=', EncryptionContext: { from: 'a' } });
    const moved = await kms.call('ReEncrypt', {
      CiphertextBlob,
      SourceEncryptionContext: { from: 'a' },
      DestinationKeyId: destination,
      DestinationEncryptionContext: { to: 'b' },
    });
    assert.equal(moved.KeyId, source);
    const opened = await kms.call('Decrypt', { CiphertextBlob: moved.CiphertextBlob, EncryptionContext: { to: 'b' } });
    assert.deepEqual([opened.KeyId, opened.Plaintext], [destination, 'aGk=']);
    await kms.refuses('InvalidParameter', 400, 'ReEncrypt', { CiphertextBlob, DestinationKeyId: destination });
  });

  it('encrypts six kilobytes and no more', async () => {
    const KeyId = await kms.key();
    const most = Buffer.alloc(6144).toString('base64');
    const { CiphertextBlob } = await kms.call('Encrypt', { KeyId, Plaintext: most });
    assert.equal((await kms.call('Decrypt', { CiphertextBlob })).Plaintext, most);
    await kms.refuses('InvalidParameter', 400, 'Encrypt', { KeyId, Plaintext: Buffer.alloc(6145).toString('base64') });
  });

  it('refuses what is no blob', async () => {
    await kms.refuses('InvalidParameter', 400, 'Decrypt', { CiphertextBlob: 'not base64!' });
    await kms.refuses('InvalidParameter', 400, 'Decrypt', { CiphertextBlob: base64('short') });
    const stranger = Buffer.concat([Buffer.from(NO_SUCH_KEY), Buffer.alloc(32)]).toString('base64');
    await kms.refuses('Forbidden.KeyNotFound', 404, 'Decrypt', { CiphertextBlob: stranger });
    await kms.refuses('MissingParameter', 400, 'Encrypt', { KeyId: NO_SUCH_KEY });
  });

  it('refuses a data key of a size that does not exist', async () => {
    const KeyId = await kms.key();
    await kms.refuses('InvalidParameter', 400, 'GenerateDataKey', { KeyId, NumberOfBytes: 1025 });
    await kms.refuses('InvalidParameter', 400, 'GenerateDataKey', { KeyId, NumberOfBytes: 0 });
    await kms.refuses('InvalidParameter', 400, 'GenerateDataKey', { KeyId, KeySpec: 'AES_512' });
  });

  it('tells how a dry run would end', async () => {
    const KeyId = await kms.key();
    await kms.refuses('DryRunOperationError', 400, 'Encrypt', { KeyId, Plaintext: 'aGk=', DryRun: 'true' });
    await kms.refuses('ValidationError', 400, 'GenerateDataKey', { KeyId: NO_SUCH_KEY, DryRun: 'true' });
    assert.ok((await kms.call('Encrypt', { KeyId, Plaintext: 'aGk=', DryRun: 'false' })).CiphertextBlob);
  });
});

describe('node-kms with a context as a map', () => {
  // Its models take a map, but it sends EncryptionContext.app=pay instead of a JSON text. Were that ignored, the caller
  // would believe in a binding that is not there.
  it('binds the blob to it', { todo: 'the server reads a context only as one JSON text' }, async () => {
    const kms = new Suite('node-kms', 'http');
    const request = { keyId: await kms.key(), plaintext: 'aGk=', encryptionContext: { app: 'pay & go', 环境: 'a=b' } };
    const { ciphertextBlob } = await kms.client.client.encrypt(new Kms.EncryptRequest(request));
    const CiphertextBlob = ciphertextBlob;
    await kms.refuses('InvalidParameter', 400, 'Decrypt', { CiphertextBlob });
    const opened = await kms.call('Decrypt', { CiphertextBlob, EncryptionContext: { 环境: 'a=b', app: 'pay & go' } });
    assert.equal(opened.Plaintext, 'aGk=');
  });
});
