'use strict';

// Users, roles and identity providers, made as their account.

const PopCore = require('@alicloud/pop-core');

const RAM = '2015-05-01';
const STS = '2015-04-01';
const IMS = '2019-08-15';

class Ram {
  constructor(endpoint, credentials) {
    Object.assign(this, { endpoint, credentials });
  }

  call(operation, parameters, apiVersion = RAM, credentials = this.credentials) {
    const client = new PopCore.RPCClient({ ...credentials, endpoint: this.endpoint, apiVersion });
    return client.request(operation, parameters, { method: 'POST' });
  }

  async arn(name) {
    const { AccountId } = await this.call('GetCallerIdentity', {}, STS);
    return `acs:ram::${AccountId}:${name}`;
  }

  // A new user with these system policies; gives an access key of it.
  async user(UserName, ...policies) {
    await this.call('CreateUser', { UserName });
    for (const PolicyName of policies) {
      await this.call('AttachPolicyToUser', { PolicyType: 'System', PolicyName, UserName });
    }
    const { AccessKey } = await this.call('CreateAccessKey', { UserName });
    return { accessKeyId: AccessKey.AccessKeyId, accessKeySecret: AccessKey.AccessKeySecret };
  }

  // A new role that trusts this principal, with these system policies; gives its ARN.
  async role(RoleName, Principal, ...policies) {
    const Statement = [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal }];
    const AssumeRolePolicyDocument = JSON.stringify({ Version: '1', Statement });
    await this.call('CreateRole', { RoleName, AssumeRolePolicyDocument });
    for (const PolicyName of policies) {
      await this.call('AttachPolicyToRole', { PolicyType: 'System', PolicyName, RoleName });
    }
    return this.arn(`role/${RoleName}`);
  }

  // A new provider for an issuer; gives its ARN.
  async oidcProvider(OIDCProviderName, IssuerUrl, ClientIds) {
    await this.call('CreateOIDCProvider', { OIDCProviderName, IssuerUrl, ClientIds, Fingerprints: 'ab'.repeat(20) }, IMS);
    return this.arn(`oidc-provider/${OIDCProviderName}`);
  }

  // Credentials of a session of a role.
  async assume(credentials, RoleArn, RoleSessionName) {
    const { Credentials } = await this.call('AssumeRole', { RoleArn, RoleSessionName }, STS, credentials);
    return {
      accessKeyId: Credentials.AccessKeyId,
      accessKeySecret: Credentials.AccessKeySecret,
      securityToken: Credentials.SecurityToken,
    };
  }
}

module.exports = { Ram };
