//! Where a server is known to differ from AWS, and why that is the server's mistake and not ours.
//!
//! Pages are those of the Amazon ECS API reference (`API_…`), the AWS STS API reference, the developer guide of ECS and the
//! user guide of S3.

use super::Difference;
use crate::cloud::Kind;
use crate::ministack::Mode;

const BOTH: &[Kind] = &[Kind::Ministack(Mode::Default), Kind::Ministack(Mode::Auth)];
const AUTH: &[Kind] = &[Kind::Ministack(Mode::Auth)];

const fn of_both(behaviour: &'static str, answers: &'static str, why: &'static str) -> Difference {
    Difference { behaviour, servers: BOTH, answers, why }
}

const fn of_auth(behaviour: &'static str, answers: &'static str, why: &'static str) -> Difference {
    Difference { behaviour, servers: AUTH, answers, why }
}

/// The recorded differences.
pub(crate) const DIFFERENCES: &[Difference] = &[
    of_both(
        "enableFaultInjection comes back",
        "lost: enableFaultInjection",
        "it keeps a fixed list of members; API_TaskDefinition has this one",
    ),
    of_both(
        "a family stands for its newest active revision",
        "2, after a deregistration 2",
        "API_DescribeTaskDefinition: a family means its latest ACTIVE revision",
    ),
    of_both(
        "tags are told when asked for",
        "1 tag, unasked 1",
        "API_DescribeTaskDefinition: without `include` no tags are in the answer",
    ),
    of_both(
        "cpu and memory must be a pair that Fargate knows",
        "accepted",
        "it checks no sizes; API_RegisterTaskDefinition lists the pairs that Fargate takes",
    ),
    of_both(
        "an update answers with a new deployment",
        "PRIMARY: new id, web:3, COMPLETED; beside it nothing",
        "without a container engine its rollouts are over at once; API_Deployment: IN_PROGRESS while tasks start",
    ),
    of_both(
        "a new deployment is listed as a service deployment",
        "none is listed",
        "its ListServiceDeployments always answers an empty list; API_ListServiceDeployments lists those of the last \
         90 days",
    ),
    of_both(
        "services of a missing cluster are not updated",
        "ServiceNotFoundException",
        "it looks for the service first; API_UpdateService names ClusterNotFoundException, as its own DescribeServices \
         answers",
    ),
    of_both("a missing family is not deployed", "accepted", NOT_LOOKED_UP),
    of_both("a missing revision is not deployed", "accepted", NOT_LOOKED_UP),
    of_both("an inactive revision is not deployed", "accepted", NOT_LOOKED_UP),
    of_both(
        "at most ten services are described at once",
        "accepted",
        "API_DescribeServices: up to 10 services in one call",
    ),
    of_both(
        "an operation that does not exist",
        "InvalidAction",
        "that is the code of the query protocol; ECS speaks awsJson, whose services answer UnknownOperationException \
         (Common Errors)",
    ),
    of_both(
        "a bundle in parts",
        "exit 3, checksum-mismatch",
        "it answers a checksum of the parts' checksums though FULL_OBJECT is asked for; user guide, \"Checking object \
         integrity\": of CRC64NVME there are checksums of the full object only",
    ),
    of_both(
        "a bundle for somebody else's bucket",
        "succeeded",
        "it does not look at x-amz-expected-bucket-owner; user guide, \"Verifying bucket ownership\": 403 Access Denied",
    ),
    of_auth("a token for another audience", "AccessDenied", NO_PROVIDERS),
    of_auth("a token of an issuer without a provider", "AccessDenied", NO_PROVIDERS),
    of_auth("a token without an audience", "AccessDenied", NO_PROVIDERS),
    of_auth("a token with a wrong signature", "assumed-role/deploy/job here", NOT_VERIFIED),
    of_auth("a token that has expired", "assumed-role/deploy/job here", NOT_VERIFIED),
    of_auth("a session of two seconds", "accepted", NO_DURATIONS),
    of_auth("a session longer than the role allows", "assumed-role/deploy/job here", NO_DURATIONS),
    of_auth(
        "a role that may tag nothing",
        "exit 0; writes RegisterTaskDefinition UpdateService",
        "it takes tags without ecs:TagResource; developer guide, \"Grant permission to tag resources on creation\"",
    ),
];

const NOT_LOOKED_UP: &str = "it deploys names that it cannot find; API_UpdateService: the task definition must be ACTIVE \
                             and exist";
const NO_PROVIDERS: &str = "it compares claims with the trust policy only and never with the identity provider; \
                            API_AssumeRoleWithWebIdentity: InvalidIdentityToken when the provider does not take the token";
const NOT_VERIFIED: &str = "it reads tokens and verifies neither signature nor times; API_AssumeRoleWithWebIdentity: \
                            InvalidIdentityToken and ExpiredTokenException";
const NO_DURATIONS: &str = "it takes any DurationSeconds; API_AssumeRole: 900 seconds at least, at most the role's \
                            MaxSessionDuration";
