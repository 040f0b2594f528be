'use strict';

// Both Node clients behind one `call(operation, parameters)`, which gives the answer in the API's own names and throws
// an ApiError for a refusal, after checking that the client understood either as it should.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const Kms = require('@alicloud/kms20160120');
const PopCore = require('@alicloud/pop-core');

const VERSION = '2016-01-20';

class ApiError extends Error {
  constructor(code, status, message, requestId) {
    super(`${status} ${code}: ${message}`);
    Object.assign(this, { code, status, text: message, requestId });
  }
}

const lowerFirst = (text) => text[0].toLowerCase() + text.slice(1);

// Every field of a typed answer holds what its model says, all the way down.
function checkModel(model, where = model.constructor.name) {
  const types = model.constructor.types();
  for (const [name, type] of Object.entries(types)) {
    checkValue(model[name], type, `${where}.${name}`);
  }
}

function checkValue(value, type, where) {
  if (value === undefined) {
    return;
  }
  if (typeof type === 'string') {
    assert.equal(typeof value, type, `${where} should be a ${type}, is ${JSON.stringify(value)}`);
  } else if (type.type === 'array') {
    assert.ok(Array.isArray(value), `${where} should be an array`);
    value.forEach((item, index) => checkValue(item, type.itemType, `${where}[${index}]`));
  } else {
    assert.ok(value instanceof type, `${where} should be a ${type.name}`);
    checkModel(value, where);
  }
}

// Maps as JSON texts, which is how they travel. (node-kms takes maps too, but sends each member as a parameter of its
// own; a test of its own has that.)
function mapsAsTexts(parameters) {
  const isMap = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
  return Object.entries(parameters).map(([name, value]) => [name, isMap(value) ? JSON.stringify(value) : value]);
}

// A typed answer in the names of the API.
function unmodel(value) {
  if (Array.isArray(value)) {
    return value.map(unmodel);
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  const names = value.constructor.names();
  return Object.fromEntries(
    Object.entries(names).filter(([name]) => value[name] !== undefined).map(([name, wire]) => [wire, unmodel(value[name])]),
  );
}

class NodeKms {
  constructor(endpoint, credentials) {
    const url = new URL(endpoint);
    this.client = new Kms.default({ ...credentials, endpoint: url.host, protocol: url.protocol.slice(0, -1) });
  }

  // Those that the client has a method of; each has one ending in Ex, too.
  get operations() {
    const methods = Object.getOwnPropertyNames(Kms.default.prototype).filter((name) => name.endsWith('Ex'));
    return methods.map((name) => name[0].toUpperCase() + name.slice(1, -'Ex'.length));
  }

  // Typed where the SDK has the operation with these parameters, else through its generic request.
  async call(operation, parameters = {}) {
    const Request = Kms[`${operation}Request`];
    const known = Request && new Set(Object.values(Request.names()));
    try {
      if (known && Object.keys(parameters).every((name) => known.has(name))) {
        const fields = mapsAsTexts(parameters).map(([name, value]) => [lowerFirst(name), value]);
        const answer = await this.client[lowerFirst(operation)](new Request(Object.fromEntries(fields)));
        checkModel(answer);
        return unmodel(answer);
      }
      const query = Object.fromEntries(mapsAsTexts(parameters));
      return await this.client.doRequest(operation, 'HTTPS', 'POST', VERSION, 'AK', query, null, {});
    } catch (error) {
      if (!error.data || !error.data.Code) {
        throw error;
      }
      const { Code, Message, RequestId, HttpStatus } = error.data;
      assert.equal(error.code, `${Code}Error`);
      assert.equal(error.message, `${Code}Error: code: ${HttpStatus}, ${Message} requestid: ${RequestId}`);
      throw new ApiError(Code, HttpStatus, Message, RequestId);
    }
  }
}

class PopCoreKms {
  constructor(endpoint, credentials, options) {
    const ca = process.env.SESAME_TEST_CA;
    this.client = new PopCore.RPCClient({
      ...credentials,
      endpoint,
      apiVersion: VERSION,
      opts: { timeout: 20000, ...(ca ? { ca: fs.readFileSync(ca) } : {}), ...options },
    });
  }

  // It has no methods of its own: it calls whatever it is told to.
  get operations() {
    return [];
  }

  async call(operation, parameters = {}) {
    try {
      const answer = await this.client.request(operation, Object.fromEntries(mapsAsTexts(parameters)));
      return JSON.parse(JSON.stringify(answer)); // its own objects have no prototype
    } catch (error) {
      if (!error.data) {
        throw error;
      }
      const { Code, Message, RequestId, HttpStatus } = error.data;
      assert.equal(error.name, `${Code}Error`);
      assert.equal(error.code, Code);
      assert.equal(error.entry.response.statusCode, HttpStatus);
      throw new ApiError(Code, HttpStatus, Message, RequestId);
    }
  }
}

const MAKE = {
  'node-kms': (endpoint, credentials) => new NodeKms(endpoint, credentials),
  'pop-core': (endpoint, credentials) => new PopCoreKms(endpoint, credentials, {}),
  'pop-core-form': (endpoint, credentials) => new PopCoreKms(endpoint, credentials, { method: 'POST' }),
  'pop-core-post': (endpoint, credentials) => new PopCoreKms(endpoint, credentials, { method: 'post' }),
};

function client(name, endpoint, credentials) {
  return MAKE[name](endpoint, credentials);
}

module.exports = { ApiError, client };
