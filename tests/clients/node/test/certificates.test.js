'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { it } = require('node:test');
const { issue } = require('../lib/certificates');
const { NO_SUCH_KEY, base64, forEveryClient } = require('../lib/suite');

const MESSAGE = Buffer.from('what is signed');
const DIGEST = crypto.createHash('sha256').update(MESSAGE).digest();
const PSS = { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
const SUBJECT = 'CN=app,OU=kms,O=example,C=CN';
const SIGNING = [
  ['EC_P256', 'ECDSA_SHA_256', {}],
  ['RSA_2048', 'RSA_PSS_SHA_256', PSS],
  ['RSA_2048', 'RSA_PKCS1_SHA_256', {}],
];

forEveryClient((kms) => {
  async function uploaded(KeySpec) {
    const { CertificateId, Csr } = await kms.call('CreateCertificate', { Subject: SUBJECT, KeySpec });
    const { certificate, chain } = issue(Csr);
    await kms.call('UploadCertificate', { CertificateId, Certificate: certificate, CertificateChain: chain });
    return { CertificateId, publicKey: new crypto.X509Certificate(certificate).publicKey };
  }

  it('requests, uploads, describes and deletes a certificate', async () => {
    const { CertificateId, Csr } = await kms.call('CreateCertificate', {
      Subject: SUBJECT, KeySpec: 'EC_P256', SubjectAlternativeNames: '["app.example.com"]',
    });
    assert.match(Csr, /^-----BEGIN CERTIFICATE REQUEST-----/);
    assert.equal((await kms.call('DescribeCertificate', { CertificateId })).Status, 'PENDING');
    const { certificate, chain } = issue(Csr);
    await kms.call('UploadCertificate', { CertificateId, Certificate: certificate, CertificateChain: chain });
    const kept = await kms.call('GetCertificate', { CertificateId });
    assert.deepEqual([kept.Certificate.trim(), kept.CertificateChain.trim(), kept.Csr], [certificate.trim(), chain.trim(), Csr]);
    const described = await kms.call('DescribeCertificate', { CertificateId });
    const { serialNumber } = new crypto.X509Certificate(certificate);
    assert.deepEqual([described.Status, described.KeySpec], ['ACTIVE', 'EC_P256']);
    assert.equal(BigInt(`0x${described.Serial}`), BigInt(`0x${serialNumber}`));
    await kms.call('DeleteCertificate', { CertificateId });
    await kms.refuses('Certificate.NotFound', 404, 'DescribeCertificate', { CertificateId });
  });

  for (const [spec, Algorithm, options] of SIGNING) {
    it(`signs and verifies with a certificate of ${spec} and ${Algorithm}`, async () => {
      const { CertificateId, publicKey } = await uploaded(spec);
      for (const [message, MessageType] of [[MESSAGE, 'RAW'], [DIGEST, 'DIGEST']]) {
        const call = { CertificateId, Algorithm, Message: message.toString('base64'), MessageType };
        const { SignatureValue } = await kms.call('CertificatePrivateKeySign', call);
        assert.ok(crypto.verify('sha256', MESSAGE, { key: publicKey, ...options }, Buffer.from(SignatureValue, 'base64')));
        assert.equal((await kms.call('CertificatePublicKeyVerify', { ...call, SignatureValue })).SignatureValid, true);
        const other = { ...call, Message: crypto.createHash('sha256').update('other').digest('base64'), SignatureValue };
        assert.equal((await kms.call('CertificatePublicKeyVerify', other)).SignatureValid, false);
      }
    });
  }

  it('encrypts and decrypts with a certificate, as others do', async () => {
    const { CertificateId, publicKey } = await uploaded('RSA_2048');
    for (const [Algorithm, oaepHash] of [['RSAES_OAEP_SHA_256', 'sha256'], ['RSAES_OAEP_SHA_1', 'sha1']]) {
      const call = { CertificateId, Algorithm };
      const { CiphertextBlob } = await kms.call('CertificatePublicKeyEncrypt', { ...call, Plaintext: base64('hello') });
      const how = { key: publicKey, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
      for (const blob of [CiphertextBlob, crypto.publicEncrypt(how, Buffer.from('hello')).toString('base64')]) {
        const opened = await kms.call('CertificatePrivateKeyDecrypt', { ...call, CiphertextBlob: blob });
        assert.equal(opened.Plaintext, base64('hello'));
      }
      const broken = { ...call, CiphertextBlob: base64('x'.repeat(256)) };
      await kms.refuses('InvalidParameter', 400, 'CertificatePrivateKeyDecrypt', broken);
    }
  });

  it('uses a certificate as its status allows', async () => {
    const { CertificateId } = await uploaded('EC_P256');
    const call = { CertificateId, Algorithm: 'ECDSA_SHA_256', Message: base64('message') };
    const { SignatureValue } = await kms.call('CertificatePrivateKeySign', call);
    await kms.call('UpdateCertificateStatus', { CertificateId, Status: 'INACTIVE' });
    await kms.refuses('InvalidParameter', 400, 'CertificatePrivateKeySign', call);
    await kms.call('UpdateCertificateStatus', { CertificateId, Status: 'REVOKED' });
    await kms.refuses('InvalidParameter', 400, 'CertificatePrivateKeySign', call);
    assert.equal((await kms.call('CertificatePublicKeyVerify', { ...call, SignatureValue })).SignatureValid, true);
    await kms.refuses('InvalidParameter', 400, 'UpdateCertificateStatus', { CertificateId, Status: 'ACTIVE' });
  });

  it('is refused what cannot be', async () => {
    await kms.refuses('InvalidParameter', 400, 'CreateCertificate', { Subject: 'nobody', KeySpec: 'EC_P256' });
    await kms.refuses('InvalidParameter', 400, 'CreateCertificate', { Subject: SUBJECT, KeySpec: 'RSA_4096' });
    const { CertificateId } = await kms.call('CreateCertificate', { Subject: SUBJECT, KeySpec: 'EC_P256' });
    const other = await kms.call('CreateCertificate', { Subject: SUBJECT, KeySpec: 'EC_P256' });
    const stranger = issue(other.Csr).certificate;
    await kms.refuses('InvalidParameter', 400, 'UploadCertificate', { CertificateId, Certificate: stranger });
    const signing = { Algorithm: 'ECDSA_SHA_256', Message: base64('m') };
    const encrypting = { Algorithm: 'RSAES_OAEP_SHA_256' };
    await kms.refuses('InvalidParameter', 400, 'CertificatePrivateKeySign', { CertificateId, ...signing });
    const calls = {
      UploadCertificate: { Certificate: stranger },
      DescribeCertificate: {},
      GetCertificate: {},
      DeleteCertificate: {},
      UpdateCertificateStatus: { Status: 'INACTIVE' },
      CertificatePrivateKeySign: signing,
      CertificatePublicKeyVerify: { ...signing, SignatureValue: 'AAAA' },
      CertificatePublicKeyEncrypt: { ...encrypting, Plaintext: base64('m') },
      CertificatePrivateKeyDecrypt: { ...encrypting, CiphertextBlob: 'AAAA' },
    };
    for (const [operation, parameters] of Object.entries(calls)) {
      await kms.refuses('Certificate.NotFound', 404, operation, { CertificateId: NO_SUCH_KEY, ...parameters });
    }
  });
});
