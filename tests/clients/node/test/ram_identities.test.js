'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { CREDENTIALS, ENDPOINTS, fresh } = require('../lib/suite');
const { TypedRam } = require('../lib/typed_ram');

for (const [scheme, endpoint] of Object.entries(ENDPOINTS)) {
  describe(`node-ram over ${scheme}`, () => {
    const ram = new TypedRam(endpoint, CREDENTIALS);

    it('makes a user and gives it an access key', async () => {
      const UserName = fresh();
      const { User } = await ram.call('CreateUser', { UserName, DisplayName: '张三', Email: 'a@b.example' });
      const found = (await ram.call('GetUser', { UserName })).User;
      assert.deepEqual([found.UserId, found.DisplayName, found.Email], [User.UserId, '张三', 'a@b.example']);
      await ram.call('UpdateUser', { UserName, NewComments: 'for tests' });
      const { AccessKey } = await ram.call('CreateAccessKey', { UserName });
      const keys = (await ram.call('ListAccessKeys', { UserName })).AccessKeys.AccessKey;
      assert.deepEqual(keys, [{ AccessKeyId: AccessKey.AccessKeyId, Status: 'Active', CreateDate: AccessKey.CreateDate }]);
      const own = new TypedRam(endpoint, { accessKeyId: AccessKey.AccessKeyId, accessKeySecret: AccessKey.AccessKeySecret });
      const named = { UserName, UserAccessKeyId: AccessKey.AccessKeyId };
      await ram.call('UpdateAccessKey', { ...named, Status: 'Inactive' });
      await own.refuses('InvalidAccessKeyId.Inactive', 400, 'ListAccessKeys');
      assert.equal((await ram.call('GetAccessKeyLastUsed', named)).AccessKeyLastUsed.LastUsedDate, '');
      await ram.call('DeleteAccessKey', named);
      await own.refuses('InvalidAccessKeyId.NotFound', 404, 'ListAccessKeys');
      const page = await ram.call('ListUsers', { MaxItems: 1 });
      assert.deepEqual([page.Users.User.length, typeof page.IsTruncated], [1, 'boolean']);
      await ram.call('DeleteUser', { UserName });
      await ram.refuses('EntityNotExist.User', 404, 'GetUser', { UserName });
    });

    it('puts a user into a group', async () => {
      const [UserName, GroupName] = [fresh(), fresh()];
      await ram.call('CreateUser', { UserName });
      const { Group } = await ram.call('CreateGroup', { GroupName, Comments: 'for tests' });
      assert.equal((await ram.call('GetGroup', { GroupName })).Group.GroupId, Group.GroupId);
      await ram.call('UpdateGroup', { GroupName, NewComments: 'x' });
      await ram.call('AddUserToGroup', { UserName, GroupName });
      await ram.refuses('EntityAlreadyExists.User.Group', 409, 'AddUserToGroup', { UserName, GroupName });
      const [joined] = (await ram.call('ListGroupsForUser', { UserName })).Groups.Group;
      const [member] = (await ram.call('ListUsersForGroup', { GroupName })).Users.User;
      assert.deepEqual([joined.GroupName, joined.Comments, member.UserName], [GroupName, 'x', UserName]);
      assert.equal(joined.JoinDate, member.JoinDate);
      await ram.refuses('DeleteConflict.Group.User', 409, 'DeleteGroup', { GroupName });
      await ram.call('RemoveUserFromGroup', { UserName, GroupName });
      await ram.call('DeleteGroup', { GroupName });
      await ram.call('DeleteUser', { UserName });
    });

    it('gives a user a password', async () => {
      const UserName = fresh();
      await ram.call('CreateUser', { UserName });
      const policy = (await ram.call('GetPasswordPolicy')).PasswordPolicy;
      assert.deepEqual((await ram.call('SetPasswordPolicy', policy)).PasswordPolicy, policy);
      await ram.refuses('InvalidParameter.Password.TooWeak', 400, 'CreateLoginProfile', { UserName, Password: '1234567' });
      await ram.call('CreateLoginProfile', { UserName, Password: 'correct horse', MFABindRequired: true });
      const profile = (await ram.call('GetLoginProfile', { UserName })).LoginProfile;
      assert.deepEqual([profile.MFABindRequired, profile.PasswordResetRequired], [true, false]);
      await ram.call('UpdateLoginProfile', { UserName, PasswordResetRequired: true });
      await ram.call('DeleteLoginProfile', { UserName });
      const preference = (await ram.call('GetSecurityPreference')).SecurityPreference;
      assert.equal(preference.LoginProfilePreference.AllowUserToChangePassword, true);
      await ram.call('DeleteUser', { UserName });
    });

    it('says what is wrong', async () => {
      await ram.refuses('MissingParameter', 400, 'CreateUser', {});
      await ram.refuses('InvalidParameter.UserName.InvalidChars', 400, 'CreateUser', { UserName: 'a b' });
      await ram.refuses('InvalidParameter.GroupName.Length', 400, 'CreateGroup', { GroupName: 'x'.repeat(65) });
    });
  });
}
