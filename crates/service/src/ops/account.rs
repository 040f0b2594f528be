//! Region and account.

mod describe_account_kms_status;
mod describe_regions;
mod open_kms_service;

pub(crate) use describe_account_kms_status::DescribeAccountKmsStatus;
pub(crate) use describe_regions::DescribeRegions;
pub(crate) use open_kms_service::OpenKmsService;
