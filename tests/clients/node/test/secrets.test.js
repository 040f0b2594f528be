'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { NO_SUCH_KEY, REGION, forEveryClient, fresh, tagsJson } = require('../lib/suite');

const NOT_FOUND = ['Forbidden.ResourceNotFound', 404];
const INVALID = ['InvalidParameter', 400];
const MISSING = ['MissingParameter', 400];
const SCHEDULED = ['Rejected.ResourceInDeleteWindow', 409];
const UNSUPPORTED = ['UnsupportedOperation', 400];
const RDS = { SecretSubType: 'DoubleUsers', DBInstanceId: 'rm-not-configured', CustomData: { Port: '3306' } };
const TWO_ACCOUNTS = JSON.stringify({
  Accounts: [{ AccountName: 'a', AccountPassword: 'p"1' }, { AccountName: 'b', AccountPassword: 'p2' }],
});

forEveryClient((kms) => {
  // One secret of one test, with calls that name it.
  async function secret(parameters = {}, SecretName = `${fresh()}/app`) {
    const made = await kms.call('CreateSecret', { SecretName, VersionId: 'v1', SecretData: 'one', ...parameters });
    const call = (operation, more) => kms.call(operation, { SecretName, ...more });
    const get = (more) => call('GetSecretValue', more);
    return {
      name: SecretName,
      arn: made.Arn,
      made,
      call,
      get,
      read: async (more) => {
        const { VersionId, SecretData } = await get(more);
        return [VersionId, SecretData];
      },
      put: async (VersionId, SecretData, more) => (
        (await call('PutSecretValue', { VersionId, SecretData, ...more })).VersionStages.VersionStage
      ),
      refuses: ([code, status], operation, more) => kms.refuses(code, status, operation, { SecretName, ...more }),
      versions: async (more) => {
        const rows = (await call('ListSecretVersionIds', more)).VersionIds.VersionId;
        return Object.fromEntries(rows.map((row) => [row.VersionId, row.VersionStages.VersionStage]));
      },
      tags: async () => {
        const rows = (await call('DescribeSecret', { FetchTags: 'true' })).Tags.Tag;
        return Object.fromEntries(rows.map((row) => [row.TagKey, row.TagValue]));
      },
    };
  }
  const rds = () => secret({ SecretType: 'Rds', SecretData: TWO_ACCOUNTS, ExtendedConfig: RDS });
  const filters = (...pairs) => JSON.stringify(pairs.map(([Key, ...Values]) => ({ Key, Values })));
  const listed = async (...pairs) => {
    const { SecretList } = await kms.call('ListSecrets', { Filters: filters(...pairs) });
    return SecretList.Secret.map((row) => row.SecretName);
  };

  it('creates, describes and changes a secret', async () => {
    const EncryptionKeyId = await kms.key();
    const a = await secret({ EncryptionKeyId, Description: '密', Tags: tagsJson({ team: 'a' }) });
    assert.ok(a.arn.endsWith(`:secret/${a.name}`));
    const described = await a.call('DescribeSecret', { FetchTags: 'true' });
    assert.deepEqual([described.Arn, described.EncryptionKeyId, described.Description], [a.arn, EncryptionKeyId, '密']);
    assert.deepEqual(described.Tags.Tag, [{ TagKey: 'team', TagValue: 'a' }]);
    assert.match(described.CreateTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    await a.call('UpdateSecret', { Description: 'new' });
    assert.equal((await a.call('DescribeSecret')).Description, 'new');
    await a.refuses(['Rejected.ResourceExist', 409], 'CreateSecret', { VersionId: 'v1', SecretData: 'one' });
    await a.refuses(INVALID, 'UpdateSecret', { Description: 'x'.repeat(8193) });
    await kms.refuses(...NOT_FOUND, 'DescribeSecret', { SecretName: `${a.name}/none` });
  });

  it('refuses a secret that is not right', async () => {
    const first = { SecretName: fresh(), VersionId: 'v1', SecretData: 'one' };
    for (const [change, refusal] of [
      [{ SecretName: 'a b' }, INVALID],
      [{ SecretName: 'acs/x' }, INVALID],
      [{ VersionId: 'x'.repeat(65) }, INVALID],
      [{ SecretData: 'x'.repeat(30721) }, INVALID],
      [{ SecretDataType: 'json' }, INVALID],
      [{ SecretType: 'Rds' }, MISSING],
      [{ SecretType: 'Rds', ExtendedConfig: RDS }, INVALID],
      [{ EncryptionKeyId: NO_SUCH_KEY }, ['Forbidden.KeyNotFound', 404]],
      [{ EncryptionKeyId: await kms.key({ KeySpec: 'EC_P256' }) }, INVALID],
      [{ EncryptionKeyId: await kms.disabledKey() }, ['Rejected.Disabled', 409]],
      [{ DKMSInstanceId: 'kst-none' }, ['Forbidden.DKMSInstanceNotFound', 403]],
      [{ Tags: tagsJson({ 'acs:x': '' }) }, INVALID],
      [{ Policy: '{}' }, INVALID],
    ]) {
      await kms.refuses(...refusal, 'CreateSecret', { ...first, ...change });
    }
  });

  it('stores values as they are and finds them by id and label', async () => {
    const a = await secret();
    const odd = ' "quotes" \\ and\nlines 密 <b>&amp;';
    assert.deepEqual(await a.put('v2', odd, { SecretDataType: 'binary' }), ['ACSCurrent']);
    assert.deepEqual(await a.put('v3', 'three', { VersionStages: '["mine"]' }), ['mine']);
    const value = await a.get();
    assert.deepEqual([value.SecretName, value.SecretData, value.SecretDataType], [a.name, odd, 'binary']);
    assert.deepEqual(await a.read({ VersionStage: 'ACSPrevious' }), ['v1', 'one']);
    assert.deepEqual(await a.read({ VersionStage: 'mine', VersionId: 'v3' }), ['v3', 'three']);
    assert.deepEqual(await a.read({ SecretName: a.arn }), ['v2', odd]);
    await a.refuses(INVALID, 'GetSecretValue', { VersionStage: 'ACSCurrent', VersionId: 'v3' });
    assert.match(await a.refuses(NOT_FOUND, 'GetSecretValue', { VersionId: 'v9' }), /^Resource not found/);
    await a.refuses(NOT_FOUND, 'GetSecretValue', { VersionStage: 'none' });
    assert.deepEqual(await a.put('v1', 'one'), ['ACSPrevious']);
    await a.refuses(['Rejected.ResourceExist', 409], 'PutSecretValue', { VersionId: 'v1', SecretData: 'other' });
    await a.refuses(INVALID, 'PutSecretValue', { VersionId: 'v4', SecretData: 'x', VersionStages: 'mine' });
    const VersionStages = JSON.stringify([...'abcdefg']);
    await a.refuses(['Rejected.LimitExceeded', 400], 'PutSecretValue', { VersionId: 'v4', SecretData: 'x', VersionStages });
  });

  it('moves labels and lists versions', async () => {
    const a = await secret();
    for (let n = 2; n <= 11; n += 1) {
      await a.put(`v${n}`, `value ${n}`);
    }
    assert.deepEqual(await a.versions(), { v11: ['ACSCurrent'], v10: ['ACSPrevious'] });
    const page = await a.call('ListSecretVersionIds', { IncludeDeprecated: 'true', PageNumber: 2, PageSize: 4 });
    assert.deepEqual(page.VersionIds.VersionId.map((row) => row.VersionId), ['v7', 'v6', 'v5', 'v4']);
    assert.deepEqual([page.TotalCount, page.VersionIds.VersionId[0].VersionStages.VersionStage], [10, []]);
    await a.refuses(NOT_FOUND, 'GetSecretValue', { VersionId: 'v1' });
    await a.call('UpdateSecretVersionStage', { VersionStage: 'ACSCurrent', MoveToVersion: 'v2' });
    await a.call('UpdateSecretVersionStage', { VersionStage: 'mine', MoveToVersion: 'v2' });
    assert.deepEqual(await a.versions(), { v11: ['ACSPrevious'], v2: ['ACSCurrent', 'mine'] });
    await a.call('UpdateSecretVersionStage', { VersionStage: 'mine', RemoveFromVersion: 'v2' });
    for (const [refusal, parameters] of [
      [MISSING, { VersionStage: 'mine' }],
      [MISSING, { VersionStage: 'ACSCurrent', RemoveFromVersion: 'v2' }],
      [INVALID, { VersionStage: 'mine', RemoveFromVersion: 'v2' }],
      [NOT_FOUND, { VersionStage: 'mine', MoveToVersion: 'v99' }],
    ]) {
      await a.refuses(refusal, 'UpdateSecretVersionStage', parameters);
    }
  });

  it('reads many values at once', async () => {
    const [a, managed] = [await secret(), await rds()];
    const SecretsList = JSON.stringify([
      { SecretName: a.name, VersionId: 'v1' }, { SecretName: managed.name, FetchExtendedConfig: 'true' }, { SecretName: `${a.name}/none` },
    ]);
    const { SecretValues, Errors } = await kms.call('BatchGetSecretValue', { SecretsList });
    assert.deepEqual(SecretValues.map((row) => row.SecretName), [a.name, managed.name]);
    assert.deepEqual(JSON.parse(SecretValues[1].ExtendedConfig), RDS);
    assert.deepEqual(Errors.map((row) => [row.Code, row.HttpStatus]), [NOT_FOUND]);
    await kms.refuses(...INVALID, 'BatchGetSecretValue', { SecretsList: '[]' });
  });

  it('knows managed secrets', async () => {
    const a = await rds();
    const current = await a.get({ FetchExtendedConfig: true });
    assert.deepEqual(JSON.parse(current.SecretData), { AccountName: 'a', AccountPassword: 'p"1' });
    const previous = await a.get({ VersionStage: 'ACSPrevious' });
    assert.deepEqual(JSON.parse(previous.SecretData), { AccountName: 'b', AccountPassword: 'p2' });
    await a.refuses(UNSUPPORTED, 'PutSecretValue', { VersionId: 'v2', SecretData: 'x' });
    await a.call('UpdateSecretRotationPolicy', { EnableAutomaticRotation: true, RotationInterval: '7d' });
    await a.refuses(INVALID, 'UpdateSecretRotationPolicy', { EnableAutomaticRotation: true, RotationInterval: '5h' });
    await a.refuses(MISSING, 'UpdateSecretRotationPolicy', { EnableAutomaticRotation: true });
    await a.call('RotateSecret', { VersionId: 'v1' });
    assert.match(await a.refuses(NOT_FOUND, 'RotateSecret', { VersionId: 'v2' }), /rm-not-configured/);
    const generic = await secret();
    await generic.refuses(UNSUPPORTED, 'RotateSecret', { VersionId: 'v2' });
    await generic.refuses(UNSUPPORTED, 'UpdateSecretRotationPolicy', { EnableAutomaticRotation: false });
  });

  it('replaces custom data in both wire forms', async () => {
    const a = await rds();
    for (const parameters of [
      { 'ExtendedConfig.CustomData': '{"DBName":"app","Port":"1"}' },
      { 'ExtendedConfig.CustomData.DBName': 'app', 'ExtendedConfig.CustomData.Port': '1' },
    ]) {
      await a.call('UpdateSecret', { 'ExtendedConfig.CustomData': '{}' });
      await a.call('UpdateSecret', parameters);
      const { ExtendedConfig } = await a.get({ FetchExtendedConfig: true });
      assert.deepEqual(JSON.parse(ExtendedConfig), { ...RDS, CustomData: { DBName: 'app', Port: '1' } });
    }
    await a.refuses(INVALID, 'UpdateSecret', { 'ExtendedConfig.CustomData': '[]' });
    await (await secret()).refuses(INVALID, 'UpdateSecret', { 'ExtendedConfig.CustomData': '{}' });
  });

  it('draws passwords', async () => {
    const { RandomPassword } = await kms.call('GetRandomPassword', { RequireEachIncludedType: 'true', ExcludeCharacters: '0aA!' });
    assert.match(RandomPassword, /^(?=.*[1-9])(?=.*[b-z])(?=.*[B-Z])(?=.*["-/:-@[-_{-~])[^0aA!`]{32}$/);
    await kms.refuses(...INVALID, 'GetRandomPassword', { PasswordLength: '7' });
    await kms.refuses(...INVALID, 'GetRandomPassword', { ExcludeCharacters: '0123456789', RequireEachIncludedType: 'true' });
  });

  it('filters and pages lists', async () => {
    const tag = fresh();
    const a = await secret({ Description: tag, Tags: tagsJson({ [tag]: 'prod' }) }, `${tag}/a`);
    const b = await secret({ Description: tag, Tags: tagsJson({ [tag]: 'test' }) }, `${tag}/b`);
    const r = await secret({ SecretType: 'Rds', SecretData: TWO_ACCOUNTS, ExtendedConfig: RDS }, `${tag}/r`);
    const all = ['SecretName', a.name, b.name, r.name];
    assert.deepEqual(await listed(all), [a.name, b.name, r.name]);
    assert.deepEqual(await listed(['Description', tag]), [a.name, b.name]);
    assert.deepEqual(await listed(['TagKey', tag]), [a.name, b.name]);
    assert.deepEqual(await listed(['TagKey', tag], ['TagValue', 'test']), [b.name]);
    assert.deepEqual(await listed(all, ['SecretType', 'RDS']), [r.name]);
    assert.deepEqual(await listed(all, ['Creator', 'nobody']), []);
    assert.deepEqual(await listed(all, ['DKMSInstanceId', 'kst-none']), []);
    const page = await kms.call('ListSecrets', { Filters: filters(['TagKey', tag]), FetchTags: 'true', PageNumber: 2, PageSize: 1 });
    assert.deepEqual([page.PageNumber, page.PageSize, page.TotalCount], [2, 1, 2]);
    const [row] = page.SecretList.Secret;
    assert.deepEqual([row.SecretName, row.Tags.Tag], [b.name, [{ TagKey: tag, TagValue: 'test' }]]);
    await kms.refuses(...INVALID, 'ListSecrets', { Filters: '{}' });
    await kms.refuses(...INVALID, 'ListSecrets', { PageNumber: 0 });
  });

  it('deletes and restores', async () => {
    const a = await secret();
    assert.equal(await a.refuses(['Rejected.ResourceInUse', 409], 'RestoreSecret'), 'restore normal secret');
    const { PlannedDeleteTime } = await a.call('DeleteSecret', { RecoveryWindowInDays: '7' });
    assert.equal((await a.call('DescribeSecret')).PlannedDeleteTime, PlannedDeleteTime);
    for (const [operation, parameters] of [
      ['GetSecretValue', {}], ['DeleteSecret', {}], ['UpdateSecret', { Description: 'x' }],
      ['PutSecretValue', { VersionId: 'v2', SecretData: 'x' }], ['CreateSecret', { VersionId: 'v1', SecretData: 'x' }],
    ]) {
      await a.refuses(SCHEDULED, operation, parameters);
    }
    await a.call('RestoreSecret');
    assert.deepEqual(await a.read(), ['v1', 'one']);
    await a.refuses(INVALID, 'DeleteSecret', { RecoveryWindowInDays: '31' });
    await a.call('DeleteSecret', { ForceDeleteWithoutRecovery: 'true', RecoveryWindowInDays: '30' });
    for (const operation of ['DescribeSecret', 'RestoreSecret', 'DeleteSecret', 'GetSecretPolicy']) {
      await a.refuses(NOT_FOUND, operation);
    }
    assert.deepEqual(await (await secret({ SecretData: 'again' }, a.name)).read(), ['v1', 'again']);
  });

  it('keeps policies', async () => {
    const a = await secret();
    const { Policy } = await a.call('GetSecretPolicy');
    assert.equal(JSON.parse(Policy).Version, '1');
    const mine = JSON.stringify(JSON.parse(Policy), null, 1);
    await a.call('SetSecretPolicy', { Policy: mine });
    assert.equal((await a.call('GetSecretPolicy', { PolicyName: 'default' })).Policy, mine);
    await a.refuses(INVALID, 'SetSecretPolicy', { Policy: '{}' });
    await a.refuses(NOT_FOUND, 'GetSecretPolicy', { PolicyName: 'other' });
  });

  it('tags and untags secrets, all or nothing', async () => {
    const [a, b] = [await secret(), await secret()];
    const on = (ResourceId, more) => ({ RegionId: REGION, ResourceType: 'secret', ResourceId, ...more });
    await kms.call('TagResources', on([a.name, b.arn], { Tag: [{ Key: 'one', Value: '1' }, { Key: 'two', Value: '' }] }));
    await a.call('TagResource', { Tags: tagsJson({ three: '3' }) });
    await a.call('UntagResource', { TagKeys: '["two","never there"]' });
    assert.deepEqual(await a.tags(), { one: '1', three: '3' });
    const { TagResources } = await kms.call('ListTagResources', on([b.name]));
    assert.deepEqual(TagResources.TagResource, [
      { ResourceId: b.name, ResourceType: 'secret', TagKey: 'one', TagValue: '1' },
      { ResourceId: b.name, ResourceType: 'secret', TagKey: 'two', TagValue: '' },
    ]);
    await kms.refuses('InvalidResourceId.NotFound', 404, 'UntagResources', on([a.name, `${a.name}/none`], { TagKey: ['one'] }));
    await kms.refuses('InvalidParameter.TagKey', 400, 'UntagResources', on([a.name], { TagKey: ['acs:x'] }));
    await kms.refuses(...MISSING, 'UntagResources', on([a.name]));
    assert.deepEqual(await a.tags(), { one: '1', three: '3' });
    await kms.call('UntagResources', on([a.name, b.name], { TagKey: ['one'] }));
    await kms.call('UntagResources', on([b.name], { All: true }));
    assert.deepEqual([await a.tags(), await b.tags()], [{ three: '3' }, {}]);
  });
});
