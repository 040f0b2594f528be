'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { describe, it } = require('node:test');
const { CLIENTS, CREDENTIALS, ENDPOINTS, REGION, Suite, forEveryClient } = require('../lib/suite');

forEveryClient(({ name, scheme }) => {
  it('is refused with a wrong secret', async () => {
    const impostor = new Suite(name, scheme, { ...CREDENTIALS, accessKeySecret: 'not-the-secret' });
    const message = await impostor.refuses('SignatureDoesNotMatch', 400, 'DescribeRegions');
    assert.match(message, /^Specified signature is not matched with our calculation\. server string to sign is:(GET|POST)&%2F&/);
  });

  it('is refused with an unknown access key', async () => {
    const stranger = new Suite(name, scheme, { ...CREDENTIALS, accessKeyId: 'LTAI0000000000000000' });
    await stranger.refuses('InvalidAccessKeyId.NotFound', 404, 'DescribeRegions');
  });

  it('makes many calls at once on kept connections', async () => {
    const kms = new Suite(name, scheme);
    const answers = await Promise.all(Array.from({ length: 20 }, () => kms.call('DescribeRegions')));
    assert.equal(new Set(answers.map((answer) => answer.RequestId)).size, 20);
    assert.deepEqual(answers[19].Regions.Region, [{ RegionId: REGION }]);
  });

  it('is told of an operation that does not exist', async () => {
    await new Suite(name, scheme).refuses('InvalidAction.NotFound', 404, 'MakeCoffee');
  });
});

describe('a certificate of an unknown CA', () => {
  for (const name of CLIENTS) {
    it(`is not trusted by ${name}`, async () => {
      const environment = { ...process.env, SESAME_ENDPOINT: ENDPOINTS.https };
      delete environment.NODE_EXTRA_CA_CERTS;
      delete environment.SESAME_TEST_CA;
      const said = await new Promise((resolve) => {
        execFile(
          process.execPath, [path.join(__dirname, '..', 'call.js'), name, 'DescribeRegions', '{}'],
          { env: environment }, (error, stdout, stderr) => resolve(error ? stderr : 'it was trusted'),
        );
      });
      assert.match(said, /certificate/i);
    });
  }
});
