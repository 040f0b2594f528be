'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { NO_SUCH_KEY, REGION, forEveryClient, fresh, tagsJson } = require('../lib/suite');

forEveryClient((kms) => {
  it('moves an alias and deletes it', async () => {
    const AliasName = `alias/${fresh()}`;
    const [old, now] = [await kms.key(), await kms.key()];
    await kms.refuses('Forbidden.AliasNotFound', 404, 'UpdateAlias', { AliasName, KeyId: old });
    await kms.call('CreateAlias', { AliasName, KeyId: old });
    await kms.refuses('AliasAlreadyExists', 400, 'CreateAlias', { AliasName, KeyId: now });
    await kms.call('UpdateAlias', { AliasName, KeyId: now });
    assert.equal((await kms.call('Encrypt', { KeyId: AliasName, Plaintext: 'aGk=' })).KeyId, now);
    assert.deepEqual((await kms.call('ListAliasesByKeyId', { KeyId: old })).Aliases.Alias, []);
    await kms.refuses('Unsupported.Alias', 400, 'DisableKey', { KeyId: AliasName });
    await kms.call('DeleteAlias', { AliasName });
    await kms.refuses('Forbidden.AliasNotFound', 404, 'DeleteAlias', { AliasName });
  });

  it('refuses a name that is no alias', async () => {
    const KeyId = await kms.key();
    for (const AliasName of ['no-prefix', 'alias/', 'alias/a b', 'alias/acs/ecs', '密钥', `alias/${'x'.repeat(256)}`]) {
      await kms.refuses('InvalidParameter', 400, 'CreateAlias', { AliasName, KeyId });
    }
    await kms.refuses('Forbidden.KeyNotFound', 404, 'CreateAlias', { AliasName: `alias/${fresh()}`, KeyId: NO_SUCH_KEY });
    await kms.refuses('MissingParameter', 400, 'CreateAlias', { KeyId });
  });

  it('tags one key', async () => {
    const KeyId = await kms.key();
    assert.deepEqual((await kms.call('ListResourceTags', { KeyId })).Tags.Tag, []);
    await kms.call('TagResource', { KeyId, Tags: tagsJson({ a: '1', 环境: '' }) });
    await kms.call('TagResource', { KeyId, Tags: tagsJson({ a: '2' }) });
    assert.deepEqual(await kms.tags(KeyId), { a: '2', 环境: '' });
    await kms.call('UntagResource', { KeyId, TagKeys: '["a","never there"]' });
    assert.deepEqual(await kms.tags(KeyId), { 环境: '' });
    await kms.refuses('InvalidParameter', 400, 'TagResource', { KeyId, Tags: 'a=1' });
    await kms.refuses('InvalidParameter', 400, 'TagResource', { Tags: tagsJson({ a: '1' }) });
    await kms.refuses('MissingParameter', 400, 'TagResource', { KeyId });
  });

  it('untags many keys, all or nothing', async () => {
    const keys = [await kms.key(), await kms.key()];
    const on = { RegionId: REGION, ResourceType: 'key', ResourceId: keys };
    await kms.call('TagResources', { ...on, Tag: [{ Key: 'a', Value: '1' }, { Key: 'b', Value: '2' }] });
    await kms.refuses('InvalidResourceId.NotFound', 404, 'UntagResources', { ...on, ResourceId: [keys[0], NO_SUCH_KEY], TagKey: ['a'] });
    await kms.refuses('InvalidParameter.TagKey', 400, 'UntagResources', { ...on, TagKey: ['a', 'acs:x'] });
    await kms.refuses('InvalidParameter.TagKey', 400, 'UntagResources', { ...on, TagKey: ['aliyun'] });
    await kms.refuses('MissingParameter', 400, 'UntagResources', { ...on, All: false });
    await kms.refuses('InvalidParameter', 400, 'UntagResources', { ...on, ResourceId: Array(51).fill(keys[0]), TagKey: ['a'] });
    assert.deepEqual(await kms.tags(keys[0]), { a: '1', b: '2' });
    await kms.call('UntagResources', { ...on, TagKey: ['a'], All: true });
    assert.deepEqual(await kms.tags(keys[1]), { b: '2' });
    await kms.call('UntagResources', { ...on, All: true });
    assert.deepEqual(await kms.tags(keys[1]), {});
  });

  it('refuses bad tags on many keys', async () => {
    const on = { RegionId: REGION, ResourceType: 'key', ResourceId: [await kms.key()] };
    const twice = [{ Key: 'a', Value: '1' }, { Key: 'a', Value: '2' }];
    await kms.refuses('Duplicate.TagKey', 400, 'TagResources', { ...on, Tag: twice });
    await kms.refuses('InvalidParameter.TagKey', 400, 'TagResources', { ...on, Tag: [{ Key: 'Aliyun.x', Value: '1' }] });
    await kms.refuses('InvalidParameter.TagValue', 400, 'TagResources', { ...on, Tag: [{ Key: 'a', Value: '?' }] });
    await kms.refuses('InvalidParameter', 400, 'TagResources', { ...on, ResourceType: 'Key', Tag: twice.slice(1) });
    await kms.refuses('MissingParameter', 400, 'TagResources', on);
    await kms.refuses('Duplicate.TagKey', 400, 'ListTagResources', { ...on, Tag: twice });
  });
});
