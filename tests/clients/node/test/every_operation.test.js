'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { REGION, base64, forEveryClient, fresh, tagsJson } = require('../lib/suite');

const OPERATIONS = `
  TagResources UntagResources ListTagResources TagResource UntagResource ListResourceTags
  DescribeRegions DescribeAccountKmsStatus OpenKmsService
  CreateKey DescribeKey ListKeys EnableKey DisableKey ScheduleKeyDeletion CancelKeyDeletion
  SetDeletionProtection UpdateKeyDescription
  Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext
  CreateAlias UpdateAlias DeleteAlias ListAliases ListAliasesByKeyId
`.trim().split(/\s+/);

forEveryClient((kms) => {
  it('drives every operation', async () => {
    const done = new Set();
    const call = async (operation, parameters) => {
      const answer = await kms.call(operation, parameters);
      assert.match(answer.RequestId, /^[0-9A-F-]{36}$/i);
      done.add(operation);
      return answer;
    };

    assert.deepEqual((await call('DescribeRegions')).Regions.Region, [{ RegionId: REGION }]);
    assert.equal((await call('DescribeAccountKmsStatus')).AccountStatus, 'Enabled');
    await kms.refuses('Forbidden.Opened', 400, 'OpenKmsService');
    done.add('OpenKmsService');

    const metadata = (await call('CreateKey', { Description: 'first' })).KeyMetadata;
    const { KeyId: key, Arn: arn, PrimaryKeyVersion: version } = metadata;
    const other = await kms.key();
    await call('UpdateKeyDescription', { KeyId: key, Description: 'second' });
    assert.equal((await call('DescribeKey', { KeyId: key })).KeyMetadata.Description, 'second');
    const listed = await call('ListKeys', { Filters: JSON.stringify([{ Key: 'keyId', Values: [key] }]) });
    assert.deepEqual(listed.Keys.Key, [{ KeyId: key, KeyArn: arn }]);
    assert.deepEqual([listed.PageNumber, listed.PageSize, listed.TotalCount], [1, 10, 1]);

    const alias = `alias/${fresh()}`;
    await call('CreateAlias', { AliasName: alias, KeyId: other });
    await call('UpdateAlias', { AliasName: alias, KeyId: key });
    const aliasArn = arn.replace(`key/${key}`, alias);
    assert.deepEqual(
      (await call('ListAliasesByKeyId', { KeyId: key })).Aliases.Alias,
      [{ AliasName: alias, AliasArn: aliasArn, KeyId: key }],
    );
    assert.ok((await call('ListAliases', { PageSize: 100 })).TotalCount >= 1);

    const encrypted = await call('Encrypt', { KeyId: alias, Plaintext: base64('hello') });
    assert.deepEqual([encrypted.KeyId, encrypted.KeyVersionId], [key, version]);
    const opened = await call('Decrypt', { CiphertextBlob: encrypted.CiphertextBlob });
    assert.deepEqual([opened.KeyId, opened.KeyVersionId, opened.Plaintext], [key, version, base64('hello')]);
    const moved = await call('ReEncrypt', { CiphertextBlob: encrypted.CiphertextBlob, DestinationKeyId: other });
    assert.equal(moved.KeyId, key);
    assert.equal((await call('Decrypt', { CiphertextBlob: moved.CiphertextBlob })).KeyId, other);
    const dataKey = await call('GenerateDataKey', { KeyId: key, KeySpec: 'AES_256' });
    assert.equal((await call('Decrypt', { CiphertextBlob: dataKey.CiphertextBlob })).Plaintext, dataKey.Plaintext);
    assert.ok((await call('GenerateDataKeyWithoutPlaintext', { KeyId: key, NumberOfBytes: 64 })).CiphertextBlob);

    await call('TagResource', { KeyId: key, Tags: tagsJson({ one: '1' }) });
    await call('UntagResource', { KeyId: key, TagKeys: '["one"]' });
    const both = { RegionId: REGION, ResourceType: 'key', ResourceId: [key, other] };
    await call('TagResources', { ...both, Tag: [{ Key: 'two', Value: '2' }, { Key: 'three', Value: '' }] });
    const rows = await call('ListTagResources', { ...both, ResourceId: [key] });
    assert.equal(rows.NextToken, '');
    assert.deepEqual(rows.TagResources.TagResource, [
      { ResourceId: key, ResourceType: 'key', TagKey: 'three', TagValue: '' },
      { ResourceId: key, ResourceType: 'key', TagKey: 'two', TagValue: '2' },
    ]);
    await call('UntagResources', { ...both, TagKey: ['two'] });
    assert.deepEqual((await call('ListResourceTags', { KeyId: key })).Tags.Tag, [{ KeyId: key, TagKey: 'three', TagValue: '' }]);
    await call('UntagResources', { ...both, All: true });
    assert.deepEqual((await call('ListResourceTags', { KeyId: key })).Tags.Tag, []);

    await call('DisableKey', { KeyId: key });
    await call('EnableKey', { KeyId: key });
    await call('SetDeletionProtection', { ProtectedResourceArn: arn, EnableDeletionProtection: true });
    await call('SetDeletionProtection', { ProtectedResourceArn: arn, EnableDeletionProtection: false });
    await call('ScheduleKeyDeletion', { KeyId: key, PendingWindowInDays: 30 });
    await call('CancelKeyDeletion', { KeyId: key });
    await call('DeleteAlias', { AliasName: alias });
    assert.equal((await kms.describe(key)).KeyState, 'Enabled');

    assert.deepEqual([...done].sort(), [...OPERATIONS].sort());
  });
});
