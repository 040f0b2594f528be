"""The Secrets Manager clients: caches in front of GetSecretValue."""

import logging

from alibaba_cloud_secretsmanager_client.model.region_info import RegionInfo as RegionV1
from alibaba_cloud_secretsmanager_client.secret_manager_cache_client_builder import (
    SecretManagerCacheClientBuilder as CacheV1,
)
from alibaba_cloud_secretsmanager_client.service.default_secret_manager_client_builder import (
    BaseSecretManagerClientBuilder as ClientV1,
)
from alibaba_cloud_secretsmanager_client.service.full_jitter_back_off_strategy import (
    FullJitterBackoffStrategy as BackOffV1,
)
from alibaba_cloud_secretsmanager_client.utils.common_logger import set_logger as log_v1
from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_credentials.provider import StaticAKCredentialsProvider
from alibabacloud_secretsmanager_client_v2.secret_manager_cache_client_builder import (
    SecretManagerCacheClientBuilder as CacheV2,
)
from alibabacloud_secretsmanager_client_v2.service.default_secret_manager_client_builder import (
    BaseSecretManagerClientBuilder as ClientV2,
)
from alibabacloud_secretsmanager_client_v2.service.full_jitter_back_off_strategy import (
    FullJitterBackoffStrategy as BackOffV2,
)
from alibabacloud_secretsmanager_client_v2.utils.common_logger import set_logger as log_v2
from alibabacloud_tea_openapi.models import Config
from aliyunsdkcore.acs_exception.exceptions import ServerException
from Tea.exceptions import TeaException

from .server import REGION

# They log every refusal with its traceback; here most refusals are wanted. The first logger that is set stays.
_quiet = logging.getLogger("secret-clients")
_quiet.setLevel(logging.CRITICAL)
log_v1(_quiet)
log_v2(_quiet)


# The clients wait as they are made to, but not longer than a test can afford: the first wait and the longest, in
# milliseconds.
SHORT_WAITS = (20, 100)


class V1:
    """aliyun-secret-manager-client: the older SDK, V1 signatures; it never verifies a certificate."""

    refused = ServerException
    user_agent = "alibabacloud-secretsmanager-python"
    package = "alibaba_cloud_secretsmanager_client"

    @staticmethod
    def code(refusal):
        return refusal.get_error_code()

    @staticmethod
    def client(server, proxy, retries=None):
        made = ClientV1.standard().with_access_key(server.access_key_id, server.access_key_secret)
        made.add_region_info(RegionV1(REGION, False, proxy.authority))
        if retries is not None:
            made.with_back_off_strategy(BackOffV1(retries, *SHORT_WAITS))
        return CacheV1.new_cache_client_builder(made.build())


class V2:
    """alibabacloud-secretsmanager-client-v2: the newer SDK, ACS3 signatures."""

    refused = TeaException
    user_agent = "alibabacloud-secretsmanager-client-python-v2"
    package = "alibabacloud_secretsmanager_client_v2"

    @staticmethod
    def code(refusal):
        return refusal.code

    @staticmethod
    def client(server, proxy, retries=None):
        made = ClientV2.standard().add_config(Config(
            credential=Credentials(provider=StaticAKCredentialsProvider(
                access_key_id=server.access_key_id, access_key_secret=server.access_key_secret)),
            endpoint=proxy.authority, protocol="HTTPS", region_id=REGION, ca=proxy.ca,
        ))
        if retries is not None:
            made.with_back_off_strategy(BackOffV2(retries, *SHORT_WAITS))
        return CacheV2.new_cache_client_builder(made.build())


EVERY_CACHE = [V1, V2]
