'use strict';

// Which operations there are: in the API, in the program, and in a client without being in the API.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');

const API = path.resolve(__dirname, '..', '..', '..', '..', 'api');
const CATALOGUE = Object.keys(JSON.parse(fs.readFileSync(path.join(API, 'operations.json'), 'utf8')));
const lines = fs.readFileSync(path.join(API, 'to-come.txt'), 'utf8').split('\n');
const TO_COME = new Set(lines.filter((line) => line && !line.startsWith('#')));

// Methods of a client that lead nowhere, and why.
const NOT_IN_THE_API = {
  DescribeService: 'of the first days of the service; no document and no later client has it',
};

// Operations that a call without parameters does.
const WITHOUT_REQUIRED_PARAMETERS = new Set([
  'DescribeRegions', 'DescribeAccountKmsStatus', 'OpenKmsService', 'GetChallenge', 'CreateKey', 'ListKeys', 'ListAliases',
  'ListSecrets', 'GetRandomPassword',
]);

function withReason(client) {
  return client.operations.filter((operation) => operation in NOT_IN_THE_API);
}

// What a suite drives with a client: whatever is built, typed where the client has it, else through its generic request.
// A method of the client that is neither in the API nor named above fails here.
function toDrive(client) {
  const unknown = client.operations.filter((operation) => !CATALOGUE.includes(operation) && !(operation in NOT_IN_THE_API));
  assert.deepEqual(unknown, [], 'the API has them not: say in lib/operations.js why nobody drives them');
  return CATALOGUE.filter((operation) => !TO_COME.has(operation));
}

module.exports = { WITHOUT_REQUIRED_PARAMETERS, toDrive, withReason };
