'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { NO_SUCH_KEY, REGION, forEveryClient, fresh, tagsJson } = require('../lib/suite');

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

forEveryClient((kms) => {
  for (const spec of ['Aliyun_AES_256', 'Aliyun_AES_192', 'Aliyun_AES_128', 'Aliyun_SM4']) {
    it(`makes an ${spec} key with all its metadata`, async () => {
      const made = (await kms.call('CreateKey', { KeySpec: spec, Description: "it's a *key* (密钥)!" })).KeyMetadata;
      assert.match(made.Creator, /^\d{16}$/);
      assert.equal(made.Arn, `acs:kms:${REGION}:${made.Creator}:key/${made.KeyId}`);
      assert.equal(made.PrimaryKeyVersion.length, 36);
      assert.match(made.CreationDate, TIME);
      assert.match(made.LastRotationDate, TIME);
      const expected = {
        KeySpec: spec,
        Description: "it's a *key* (密钥)!",
        KeyState: 'Enabled',
        KeyUsage: 'ENCRYPT/DECRYPT',
        Origin: 'Aliyun_KMS',
        ProtectionLevel: 'SOFTWARE',
        AutomaticRotation: 'Disabled',
      };
      for (const [name, value] of Object.entries(expected)) {
        assert.equal(made[name], value, name);
      }
      assert.equal((await kms.describe(made.KeyId)).CreationDate, made.CreationDate);
    });
  }

  it('does not find what is not there', async () => {
    const message = await kms.refuses('Forbidden.KeyNotFound', 404, 'DescribeKey', { KeyId: NO_SUCH_KEY });
    assert.equal(message, 'The specified Key is not found.');
    await kms.refuses('Forbidden.AliasNotFound', 404, 'DescribeKey', { KeyId: 'alias/no-such-alias' });
    for (const operation of ['EnableKey', 'DisableKey', 'CancelKeyDeletion', 'ListAliasesByKeyId', 'ListResourceTags']) {
      await kms.refuses('Forbidden.KeyNotFound', 404, operation, { KeyId: NO_SUCH_KEY });
    }
  });

  it('names a missing parameter', async () => {
    const message = await kms.refuses('MissingParameter', 400, 'DescribeKey', {});
    assert.equal(message, 'The parameter "KeyId" is needed but not provided.');
    await kms.refuses('MissingParameter', 400, 'ScheduleKeyDeletion', { KeyId: NO_SUCH_KEY });
  });

  it('refuses a key that cannot be made', async () => {
    await kms.refuses('InvalidParameter', 400, 'CreateKey', { KeySpec: 'AES_256' });
    await kms.refuses('InvalidParameter', 400, 'CreateKey', { Origin: 'elsewhere' });
    await kms.refuses('InvalidParameter', 400, 'CreateKey', { Tags: tagsJson({ 'acs:x': '1' }) });
  });

  it('lists keys page by page, by filters', async () => {
    const mark = fresh();
    const keys = [];
    for (let n = 0; n < 3; n += 1) {
      keys.push(await kms.key({ Tags: tagsJson({ [mark]: String(n) }) }));
    }
    const Filters = JSON.stringify([{ Key: 'TagKey', Values: [mark] }]);
    const first = await kms.call('ListKeys', { Filters, PageNumber: 1, PageSize: 2 });
    const last = await kms.call('ListKeys', { Filters, PageNumber: 2, PageSize: 2 });
    const beyond = await kms.call('ListKeys', { Filters, PageNumber: 3, PageSize: 2 });
    assert.deepEqual([first.Keys.Key.length, last.Keys.Key.length], [2, 1]);
    assert.deepEqual(beyond.Keys.Key, []);
    assert.equal(first.TotalCount, 3);
    assert.deepEqual([...first.Keys.Key, ...last.Keys.Key].map((row) => row.KeyId).sort(), keys.sort());
    await kms.refuses('InvalidParameter', 400, 'ListKeys', { Filters: '[{"Key":"Colour","Values":["red"]}]' });
    await kms.refuses('InvalidParameter', 400, 'ListKeys', { Filters: 'KeyState=Enabled' });
    await kms.refuses('InvalidParameter', 400, 'ListKeys', { PageSize: 102 });
    assert.ok((await kms.call('ListKeys', { PageNumber: 1, PageSize: 1 })).TotalCount >= 3);
  });

  it('does no cryptography with a disabled key', async () => {
    const KeyId = await kms.key();
    const { CiphertextBlob } = await kms.call('Encrypt', { KeyId, Plaintext: 'aGk=' });
    await kms.call('DisableKey', { KeyId });
    const message = await kms.refuses('Rejected.Disabled', 409, 'Encrypt', { KeyId, Plaintext: 'aGk=' });
    assert.equal(message, 'The request was rejected because the key state is Disabled.');
    await kms.refuses('Rejected.Disabled', 409, 'Decrypt', { CiphertextBlob });
    await kms.refuses('Rejected.Disabled', 409, 'GenerateDataKey', { KeyId });
    await kms.call('EnableKey', { KeyId });
    assert.equal((await kms.call('Decrypt', { CiphertextBlob })).Plaintext, 'aGk=');
  });

  it('leaves a key that waits for deletion alone until it is saved', async () => {
    const KeyId = await kms.key();
    const { CiphertextBlob } = await kms.call('Encrypt', { KeyId, Plaintext: 'aGk=' });
    await kms.call('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
    const metadata = await kms.describe(KeyId);
    assert.equal(metadata.KeyState, 'PendingDeletion');
    assert.match(metadata.DeleteDate, TIME);
    await kms.refuses('Rejected.PendingDeletion', 409, 'Decrypt', { CiphertextBlob });
    await kms.refuses('Rejected.PendingDeletion', 409, 'UpdateKeyDescription', { KeyId, Description: 'x' });
    await kms.refuses('Rejected.StateModifiedFailed', 409, 'EnableKey', { KeyId });
    await kms.refuses('Rejected.StateModifiedFailed', 409, 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
    await kms.call('CancelKeyDeletion', { KeyId });
    await kms.refuses('Rejected.StateModifiedFailed', 409, 'CancelKeyDeletion', { KeyId });
    await kms.refuses('InvalidParameter', 400, 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 6 });
  });

  it('protects a key from deletion', async () => {
    const KeyId = await kms.key();
    const { Arn } = await kms.describe(KeyId);
    await kms.call('SetDeletionProtection', { ProtectedResourceArn: Arn, EnableDeletionProtection: true });
    await kms.refuses('Rejected.UnsupportedOperation', 400, 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
    await kms.call('SetDeletionProtection', { ProtectedResourceArn: Arn, EnableDeletionProtection: false });
    await kms.call('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
  });
});
