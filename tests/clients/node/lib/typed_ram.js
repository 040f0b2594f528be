'use strict';

// @alicloud/ram20150501, the official client of RAM: typed requests and answers, in the API's own names.

const assert = require('node:assert/strict');
const Ram = require('@alicloud/ram20150501');
const { Config } = require('@alicloud/openapi-core').$OpenApiUtil;
const { ApiError } = require('./clients');

const lowerFirst = (text) => text[0].toLowerCase() + text.slice(1);

// Every field of a typed answer holds what its model says, all the way down.
function check(model, where = model.constructor.name) {
  for (const [name, type] of Object.entries(model.constructor.types())) {
    const value = model[name];
    if (value === undefined) {
      continue;
    }
    if (typeof type === 'string') {
      assert.equal(typeof value, type, `${where}.${name}`);
    } else if (type.type === 'array') {
      value.forEach((item, index) => check(item, `${where}.${name}[${index}]`));
    } else {
      assert.ok(value instanceof type, `${where}.${name}`);
      check(value, `${where}.${name}`);
    }
  }
}

class TypedRam {
  constructor(endpoint, credentials) {
    const url = new URL(endpoint);
    const config = new Config({ ...credentials, endpoint: url.host, protocol: url.protocol.slice(0, -1).toUpperCase() });
    config.ca = process.env.SESAME_TEST_CA && require('node:fs').readFileSync(process.env.SESAME_TEST_CA, 'utf8');
    this.client = new Ram.default(config);
  }

  async call(operation, parameters = {}) {
    const Request = Ram[`${operation}Request`];
    const fields = Request && Object.entries(Request.names()).map(([field, name]) => [field, parameters[name]]);
    const arguments_ = Request ? [new Request(Object.fromEntries(fields.filter(([, value]) => value !== undefined)))] : [];
    let answer;
    try {
      answer = await this.client[lowerFirst(operation)](...arguments_);
    } catch (error) {
      if (!error.data || !error.data.Code) {
        throw error;
      }
      const { Code, Message, RequestId } = error.data;
      assert.equal(error.code, Code);
      throw new ApiError(Code, error.statusCode, Message, RequestId);
    }
    assert.equal(answer.statusCode, 200);
    check(answer.body);
    assert.ok(answer.body.requestId);
    return answer.body.toMap();
  }

  // The call fails with exactly this code and status.
  async refuses(code, status, operation, parameters) {
    await assert.rejects(this.call(operation, parameters), (error) => {
      assert.ok(error instanceof ApiError, error);
      assert.deepEqual([error.code, error.status], [code, status], error.message);
      return true;
    });
  }
}

module.exports = { TypedRam };
