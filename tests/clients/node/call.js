'use strict';

// One call by one client: node call.js <client> <operation> <parameters as JSON>. Prints the answer.

const { client } = require('./lib/clients');

const [name, operation, parameters] = process.argv.slice(2);
const kms = client(name, process.env.SESAME_ENDPOINT, {
  accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
  accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
});

kms.call(operation, JSON.parse(parameters)).then(
  (answer) => console.log(JSON.stringify(answer)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
