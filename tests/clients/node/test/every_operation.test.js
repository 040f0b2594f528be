'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const crypto = require('node:crypto');
const { issue } = require('../lib/certificates');
const { WITHOUT_REQUIRED_PARAMETERS, withReason, toDrive } = require('../lib/operations');
const { REGION, base64, forEveryClient, fresh, tagsJson } = require('../lib/suite');

const OAEP = { padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };

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

    await asymmetricKeysAndMessages(call, kms);
    await exportedAndManagedDataKeys(call, kms);
    await versionsMaterialAndPolicies(call, kms);
    await certificates(call);
    await secrets(call);
    assert.deepEqual([...done].sort(), toDrive(kms.client).sort());
  });

  it('is told what an operation misses', async () => {
    for (const operation of toDrive(kms.client).filter((name) => !WITHOUT_REQUIRED_PARAMETERS.has(name))) {
      await kms.refuses('MissingParameter', 400, operation);
    }
  });

  it('is told of operations that the API no longer has', async () => {
    for (const operation of withReason(kms.client)) {
      await kms.refuses('InvalidAction.NotFound', 404, operation, { KeyId: fresh() });
    }
  });
});

async function asymmetricKeysAndMessages(call, kms) {
  const signer = await kms.key({ KeySpec: 'EC_P256' });
  const [version] = (await call('ListKeyVersions', { KeyId: signer })).KeyVersions.KeyVersion;
  const named = { KeyId: signer, KeyVersionId: version.KeyVersionId };
  assert.deepEqual((await call('DescribeKeyVersion', named)).KeyVersion, version);
  const { PublicKey } = await call('GetPublicKey', named);
  const Digest = crypto.createHash('sha256').update('message').digest('base64');
  const signing = { ...named, Algorithm: 'ECDSA_SHA_256', Digest };
  const { Value } = await call('AsymmetricSign', signing);
  assert.ok(crypto.verify('sha256', Buffer.from('message'), PublicKey, Buffer.from(Value, 'base64')));
  assert.equal((await call('AsymmetricVerify', { ...signing, Value })).Value, true);

  const KeyId = await kms.key({ KeySpec: 'EC_SM2', KeyUsage: 'ENCRYPT/DECRYPT' });
  const { KeyVersionId } = (await kms.call('ListKeyVersions', { KeyId })).KeyVersions.KeyVersion[0];
  const sm2 = { KeyId, KeyVersionId, Algorithm: 'SM2PKE' };
  const { CiphertextBlob } = await call('AsymmetricEncrypt', { ...sm2, Plaintext: base64('hello') });
  assert.equal((await call('AsymmetricDecrypt', { ...sm2, CiphertextBlob })).Plaintext, base64('hello'));

  const mac = { KeyId: await kms.key({ KeySpec: 'HMAC_SM3' }), Algorithm: 'HMAC_SM3', Message: base64('message') };
  const { Mac } = await call('GenerateMac', mac);
  assert.equal((await call('VerifyMac', { ...mac, Mac })).Value, true);
  assert.ok((await call('GetChallenge')).ChallengeToken);
}

async function exportedAndManagedDataKeys(call, kms) {
  const KeyId = await kms.key();
  const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const wrapping = {
    PublicKeyBlob: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    WrappingKeySpec: 'RSA_2048',
    WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
  };
  const made = await call('GenerateAndExportDataKey', { KeyId, NumberOfBytes: 24, ...wrapping });
  const { CiphertextBlob } = made;
  const { Plaintext } = await kms.call('Decrypt', { CiphertextBlob });
  for (const answer of [made, await call('ExportDataKey', { CiphertextBlob, ...wrapping })]) {
    const dataKey = crypto.privateDecrypt({ key: privateKey, ...OAEP }, Buffer.from(answer.ExportedDataKey, 'base64'));
    assert.deepEqual([dataKey.length, dataKey.toString('base64')], [24, Plaintext]);
  }
  const advanced = await call('AdvanceEncrypt', { KeyId, Plaintext: base64('hello') });
  const opened = await kms.call('Decrypt', { CiphertextBlob: advanced.CiphertextBlob });
  assert.equal(opened.Plaintext, base64('hello'));

  const managed = await call('GetManagedDataKey', { DataKeyName: 'app', UseLatest: true });
  const versions = await call('ListManagedDataKeyVersions', { DataKeyName: 'app' });
  assert.ok(JSON.stringify(versions).includes(managed.DataKeyVersionId));
}

async function versionsMaterialAndPolicies(call, kms) {
  const KeyId = await kms.key();
  const { KeyVersion } = await call('CreateKeyVersion', { KeyId });
  assert.equal((await kms.describe(KeyId)).PrimaryKeyVersion, KeyVersion.KeyVersionId);
  await call('UpdateRotationPolicy', { KeyId, EnableAutomaticRotation: true, RotationInterval: '30d' });
  const { Policy } = await call('GetKeyPolicy', { KeyId });
  await call('SetKeyPolicy', { KeyId, Policy });

  const external = await kms.key({ Origin: 'EXTERNAL' });
  const offer = await call('GetParametersForImport', {
    KeyId: external, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048',
  });
  const key = crypto.createPublicKey({ key: Buffer.from(offer.PublicKey, 'base64'), format: 'der', type: 'spki' });
  const wrapped = crypto.publicEncrypt({ key, ...OAEP }, Buffer.alloc(32, 7)).toString('base64');
  await call('ImportKeyMaterial', {
    KeyId: external, EncryptedKeyMaterial: wrapped, ImportToken: offer.ImportToken, KeyMaterialExpireUnix: 0,
  });
  assert.equal((await kms.describe(external)).KeyState, 'Enabled');
  await call('DeleteKeyMaterial', { KeyId: external });
  assert.equal((await kms.describe(external)).KeyState, 'PendingImport');
}

async function certificates(call) {
  const uploaded = async (KeySpec) => {
    const made = await call('CreateCertificate', { Subject: 'CN=app,OU=kms,O=example,C=CN', KeySpec });
    const { CertificateId } = made;
    const { certificate, chain } = issue(made.Csr);
    await call('UploadCertificate', { CertificateId, Certificate: certificate, CertificateChain: chain });
    return { CertificateId, certificate };
  };
  const { CertificateId, certificate } = await uploaded('EC_P256');
  assert.equal((await call('DescribeCertificate', { CertificateId })).Status, 'ACTIVE');
  assert.equal((await call('GetCertificate', { CertificateId })).Certificate.trim(), certificate.trim());
  const signing = { CertificateId, Algorithm: 'ECDSA_SHA_256', Message: base64('message'), MessageType: 'RAW' };
  const { SignatureValue } = await call('CertificatePrivateKeySign', signing);
  const { publicKey } = new crypto.X509Certificate(certificate);
  assert.ok(crypto.verify('sha256', Buffer.from('message'), publicKey, Buffer.from(SignatureValue, 'base64')));
  assert.equal((await call('CertificatePublicKeyVerify', { ...signing, SignatureValue })).SignatureValid, true);
  await call('UpdateCertificateStatus', { CertificateId, Status: 'INACTIVE' });
  await call('DeleteCertificate', { CertificateId });

  const rsa = { CertificateId: (await uploaded('RSA_2048')).CertificateId, Algorithm: 'RSAES_OAEP_SHA_256' };
  const { CiphertextBlob } = await call('CertificatePublicKeyEncrypt', { ...rsa, Plaintext: base64('hello') });
  assert.equal((await call('CertificatePrivateKeyDecrypt', { ...rsa, CiphertextBlob })).Plaintext, base64('hello'));
}

async function secrets(call) {
  const prefix = fresh();
  const { RandomPassword } = await call('GetRandomPassword', { PasswordLength: '40', ExcludePunctuation: 'true' });
  assert.match(RandomPassword, /^[0-9A-Za-z]{40}$/);
  const SecretName = `${prefix}/a`;
  const made = await call('CreateSecret', {
    SecretName, VersionId: 'v1', SecretData: RandomPassword, Tags: tagsJson({ team: 'a' }),
  });
  assert.deepEqual([made.SecretName, made.VersionId], [SecretName, 'v1']);
  await call('UpdateSecret', { SecretName, Description: 'for tests' });
  const described = await call('DescribeSecret', { SecretName, FetchTags: 'true' });
  assert.deepEqual([described.Arn, described.Description], [made.Arn, 'for tests']);
  assert.deepEqual(described.Tags.Tag, [{ TagKey: 'team', TagValue: 'a' }]);
  const listed = await call('ListSecrets', { Filters: JSON.stringify([{ Key: 'SecretName', Values: [SecretName] }]) });
  assert.deepEqual(listed.SecretList.Secret.map((row) => row.SecretName), [SecretName]);

  const put = await call('PutSecretValue', {
    SecretName, VersionId: 'v2', SecretData: 'second', VersionStages: '["ACSCurrent","mine"]',
  });
  assert.deepEqual(put.VersionStages.VersionStage, ['ACSCurrent', 'mine']);
  const move = { VersionStage: 'mine', MoveToVersion: 'v1', RemoveFromVersion: 'v2' };
  await call('UpdateSecretVersionStage', { SecretName, ...move });
  const value = await call('GetSecretValue', { SecretName, VersionStage: 'mine' });
  assert.deepEqual([value.VersionId, value.SecretData], ['v1', RandomPassword]);
  const versions = (await call('ListSecretVersionIds', { SecretName })).VersionIds.VersionId;
  assert.deepEqual(
    versions.map((row) => [row.VersionId, row.VersionStages.VersionStage]),
    [['v2', ['ACSCurrent']], ['v1', ['ACSPrevious', 'mine']]],
  );
  const batch = await call('BatchGetSecretValue', {
    SecretsList: JSON.stringify([{ SecretName }, { SecretName: `${prefix}/none` }]),
  });
  assert.deepEqual(batch.SecretValues.map((row) => row.SecretData), ['second']);
  assert.deepEqual(batch.Errors.map((row) => [row.Code, row.HttpStatus]), [['Forbidden.ResourceNotFound', 404]]);
  const { Policy } = await call('GetSecretPolicy', { SecretName });
  await call('SetSecretPolicy', { SecretName, Policy });

  const rds = { SecretName: `${prefix}/rds` };
  await call('CreateSecret', {
    ...rds,
    VersionId: 'v1',
    SecretType: 'Rds',
    SecretData: '{"Accounts":[{"AccountName":"app","AccountPassword":"secret"}]}',
    ExtendedConfig: '{"SecretSubType":"SingleUser","DBInstanceId":"rm-not-configured"}',
  });
  await call('UpdateSecretRotationPolicy', { ...rds, EnableAutomaticRotation: true, RotationInterval: '7d' });
  assert.equal((await call('RotateSecret', { ...rds, VersionId: 'v1' })).VersionId, 'v1'); // it exists already

  assert.ok((await call('DeleteSecret', { SecretName, RecoveryWindowInDays: '7' })).PlannedDeleteTime);
  assert.equal((await call('RestoreSecret', { SecretName })).SecretName, SecretName);
  for (const secret of [{ SecretName }, rds]) {
    await call('DeleteSecret', { ...secret, ForceDeleteWithoutRecovery: 'true' });
  }
}
