'use strict';

// A quota of calls, as the Node clients see it. It has a server of its own, since the others have none.

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { ApiError, client } = require('../lib/clients');
const { start } = require('../lib/server');
const { CLIENTS } = require('../lib/suite');

describe('a quota of calls', () => {
  let server;
  before(async () => { server = await start({ SESAME_QUOTAS_GROUPS: 'activation=60/min' }); });
  after(async () => { await server.stop(); });

  for (const name of CLIENTS) {
    it(`refuses ${name} and lets it through again`, async () => {
      const { accessKeyId, accessKeySecret } = server;
      const kms = client(name, server.http, { accessKeyId, accessKeySecret });
      let refusal = null;
      for (let calls = 0; calls < 80 && !refusal; calls += 1) {
        try {
          await kms.call('DescribeAccountKmsStatus');
        } catch (error) {
          refusal = error;
        }
      }
      assert.ok(refusal instanceof ApiError, String(refusal));
      assert.deepEqual([refusal.code, refusal.status, refusal.text], ['Rejected.Throttling', 429, 'QPS Limit Exceeded']);
      await sleep(1050);
      assert.equal((await kms.call('DescribeAccountKmsStatus')).AccountStatus, 'Enabled');
    });
  }
});
