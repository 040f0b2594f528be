'use strict';

// What the suites share: each client over each scheme, and the short cuts.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe } = require('node:test');
const { ApiError, client } = require('./clients');

const REGION = 'cn-hangzhou';
const NO_SUCH_KEY = '00000000-0000-4000-8000-000000000000';
const ENDPOINTS = { http: process.env.SESAME_TEST_HTTP, https: process.env.SESAME_TEST_HTTPS };
const CREDENTIALS = {
  accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
  accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
};
const CLIENTS = ['node-kms', 'pop-core', 'pop-core-form', 'pop-core-post'];

class Suite {
  constructor(name, scheme, credentials = CREDENTIALS) {
    this.name = name;
    this.scheme = scheme;
    this.client = client(name, ENDPOINTS[scheme], credentials);
  }

  call(operation, parameters) {
    return this.client.call(operation, parameters);
  }

  async key(parameters) {
    return (await this.call('CreateKey', parameters)).KeyMetadata.KeyId;
  }

  async describe(KeyId) {
    return (await this.call('DescribeKey', { KeyId })).KeyMetadata;
  }

  async disabledKey() {
    const KeyId = await this.key();
    await this.call('DisableKey', { KeyId });
    return KeyId;
  }

  async tags(KeyId) {
    const rows = (await this.call('ListResourceTags', { KeyId })).Tags.Tag;
    return Object.fromEntries(rows.map((row) => [row.TagKey, row.TagValue]));
  }

  // The call fails with exactly this code and status; gives the message.
  async refuses(code, status, operation, parameters) {
    let refusal;
    try {
      await this.call(operation, parameters);
    } catch (error) {
      refusal = error;
    }
    assert.ok(refusal, `${operation} should have been refused with ${code}`);
    if (!(refusal instanceof ApiError)) {
      throw refusal;
    }
    assert.deepEqual([refusal.code, refusal.status], [code, status], refusal.message);
    assert.match(refusal.requestId, /^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/);
    return refusal.text;
  }
}

// The body runs once for each client over each scheme.
function forEveryClient(body) {
  for (const name of CLIENTS) {
    for (const scheme of ['http', 'https']) {
      describe(`${name} over ${scheme}`, () => body(new Suite(name, scheme)));
    }
  }
}

const fresh = () => `t-${crypto.randomBytes(10).toString('hex')}`;
const base64 = (text) => Buffer.from(text).toString('base64');
const tagsJson = (tags) => JSON.stringify(Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })));

module.exports = { CLIENTS, CREDENTIALS, ENDPOINTS, NO_SUCH_KEY, REGION, Suite, base64, forEveryClient, fresh, tagsJson };
