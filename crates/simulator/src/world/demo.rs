//! The demonstration world: two accounts, one role for CI jobs, one ECS service.

use serde_json::{Value, json};

use super::{
    Account, Bucket, Cluster, EksCluster, Instance, OidcProvider, PastDeployment, Role, Service, SsmAgent,
    StoredObject, TargetGroup, World,
};

/// The main account of the demonstration world.
pub const DEMO_ACCOUNT: &str = "111122223333";
/// The second account of the demonstration world.
pub const SECOND_ACCOUNT: &str = "444455556666";
/// The region of the demonstration world.
pub const DEMO_REGION: &str = "eu-central-1";
/// The access key id of the user `deployer` in the main account. Not a real key.
pub const DEMO_ACCESS_KEY_ID: &str = "AKIASIMULATOREXAMPLE";
/// The secret of the user `deployer` in the main account. Not a real secret.
pub const DEMO_SECRET_ACCESS_KEY: &str = "simulator/not/a/secret/EXAMPLEKEY";
/// The access key id of the user `deployer` in the second account. Not a real key.
pub const SECOND_ACCESS_KEY_ID: &str = "AKIASECONDACCEXAMPLE";
/// The secret of the user `deployer` in the second account. Not a real secret.
pub const SECOND_SECRET_ACCESS_KEY: &str = "simulator/second/not/a/secret/EXAMPLEKEY";
/// The role that CI jobs of `demo/web` may assume.
pub const DEMO_ROLE_ARN: &str = "arn:aws:iam::111122223333:role/deploy";
/// The issuer of the demonstration world's identity tokens.
pub const DEMO_ISSUER: &str = "https://gitlab.example.com";
/// The S3 bucket; it keeps versions. `demo/1.zip` in it is deployed by CodeDeploy, `demo/2.zip` is another revision.
pub const DEMO_BUCKET: &str = "demo-bucket";
/// The ECS cluster.
pub const DEMO_CLUSTER: &str = "demo";
/// The EKS cluster.
pub const DEMO_EKS_CLUSTER: &str = "demo";
/// The ECS service.
pub const DEMO_SERVICE: &str = "web";
/// The task definition family.
pub const DEMO_FAMILY: &str = "web";

/// The end of the ARN of the service's target group.
const TARGET_GROUP: &str = "web/0123456789abcdef";

const ISSUER_HOST: &str = "gitlab.example.com";

impl World {
    /// Two accounts, an OIDC issuer, a role for it, an ECS cluster `demo` with a service `web`, an EKS cluster `demo` with a
    /// Deployment `web` in the namespace `default`.
    pub fn demo() -> Self {
        let mut world = World { issuer: DEMO_ISSUER.to_owned(), ..World::default() };
        fill_main(world.account(DEMO_ACCOUNT));
        fill_second(world.account(SECOND_ACCOUNT));
        world
    }
}

impl World {
    /// Adds so many services to the demonstration's cluster, like its `web`, each with a task definition family of its
    /// own; both are called [`World::fleet_name`]. For deployments of many services at once.
    #[must_use]
    pub fn with_fleet(mut self, services: usize) -> Self {
        let region = self.account(DEMO_ACCOUNT).region(DEMO_REGION);
        for name in (0..services).map(Self::fleet_name) {
            let mut document = web_task_definition("1.0");
            document["family"] = name.as_str().into();
            region.task_definition(&name, document);
            let service =
                Service { task_definition: format!("{name}:1"), history: Vec::new(), ..web_service() };
            region.cluster(DEMO_CLUSTER).services.insert(name, service);
        }
        self
    }

    /// The name of a service of the fleet: `s000`, `s001`, ...
    #[must_use]
    pub fn fleet_name(number: usize) -> String {
        format!("s{number:03}")
    }
}

fn fill_main(account: &mut Account) {
    account.user("deployer", DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY);
    account
        .oidc_providers
        .insert(ISSUER_HOST.to_owned(), OidcProvider { client_ids: vec!["sts.amazonaws.com".to_owned()] });
    let deploy = Role { trust_policy: web_identity_trust(), ..Role::default() };
    account.roles.insert("deploy".to_owned(), deploy);
    let region = account.region(DEMO_REGION);
    region.task_definition(DEMO_FAMILY, web_task_definition("1.0"));
    region.task_definition(DEMO_FAMILY, web_task_definition("1.1"));
    let health = TargetGroup { health_check_path: "/health".to_owned(), ..TargetGroup::default() };
    region.target_groups.insert(TARGET_GROUP.to_owned(), health);
    let (first, second) = (StoredObject::revision("one\n"), StoredObject::revision("two\n"));
    let application = super::code_deploy::demo_application("demo/1.zip", &first);
    for id in application.groups.values().flat_map(|group| &group.instances) {
        let tags = [("application".to_owned(), "demo".to_owned())].into();
        let instance = Instance { tags, ssm: Some(SsmAgent::default()), ..Instance::default() };
        region.instances.insert(id.clone(), instance);
    }
    region.applications.insert("demo".to_owned(), application);
    let mut bucket = Bucket::versioned();
    bucket.objects.insert("demo/1.zip".to_owned(), first);
    bucket.objects.insert("demo/2.zip".to_owned(), second);
    region.buckets.insert(DEMO_BUCKET.to_owned(), bucket);
    region.eks_clusters.insert(DEMO_EKS_CLUSTER.to_owned(), EksCluster::demo());
    let cluster: &mut Cluster = region.cluster(DEMO_CLUSTER);
    cluster.services.insert(DEMO_SERVICE.to_owned(), web_service());
}

fn fill_second(account: &mut Account) {
    account.user("deployer", SECOND_ACCESS_KEY_ID, SECOND_SECRET_ACCESS_KEY);
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{DEMO_ACCOUNT}:root") },
            "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "sts:ExternalId": "demo-external-id" } }
        }]
    });
    account.roles.insert("deploy".to_owned(), Role { trust_policy: trust, ..Role::default() });
}

fn web_identity_trust() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::{DEMO_ACCOUNT}:oidc-provider/{ISSUER_HOST}") },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": { format!("{ISSUER_HOST}:aud"): "sts.amazonaws.com" },
                "StringLike": { format!("{ISSUER_HOST}:sub"): "project_path:demo/web:ref_type:branch:ref:*" }
            }
        }]
    })
}

fn web_service() -> Service {
    let target_group =
        format!("arn:aws:elasticloadbalancing:{DEMO_REGION}:{DEMO_ACCOUNT}:targetgroup/{TARGET_GROUP}");
    Service {
        task_definition: "web:2".to_owned(),
        desired_count: 2,
        deployment_configuration: json!({
            "deploymentCircuitBreaker": { "enable": true, "rollback": true },
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "strategy": "ROLLING"
        }),
        settings: json!({
            "launchType": "FARGATE",
            "platformVersion": "LATEST",
            "networkConfiguration": { "awsvpcConfiguration": {
                "subnets": ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"],
                "securityGroups": ["sg-0cccccccccccccccc"],
                "assignPublicIp": "DISABLED"
            } },
            "loadBalancers": [{ "targetGroupArn": target_group, "containerName": "web", "containerPort": 8080 }],
            "healthCheckGracePeriodSeconds": 30,
            "enableECSManagedTags": true,
            "propagateTags": "SERVICE",
            "enableExecuteCommand": false
        }),
        history: vec![past("web:1", 172_800), past("web:2", 86_400)],
        ..Service::default()
    }
}

fn past(task_definition: &str, seconds_ago: u64) -> PastDeployment {
    PastDeployment {
        task_definition: task_definition.to_owned(),
        status: "SUCCESSFUL".to_owned(),
        status_reason: None,
        seconds_ago,
    }
}

fn web_task_definition(tag: &str) -> Value {
    json!({
        "family": DEMO_FAMILY,
        "taskRoleArn": format!("arn:aws:iam::{DEMO_ACCOUNT}:role/web-task"),
        "executionRoleArn": format!("arn:aws:iam::{DEMO_ACCOUNT}:role/web-execution"),
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [
            {
                "name": "web",
                "image": format!("{DEMO_ACCOUNT}.dkr.ecr.{DEMO_REGION}.amazonaws.com/demo/web:{tag}"),
                "essential": true,
                "portMappings": [{ "containerPort": 8080, "protocol": "tcp", "name": "http" }],
                "environment": [{ "name": "STAGE", "value": "production" }],
                "logConfiguration": awslogs("web")
            },
            {
                "name": "sidecar",
                "image": "public.ecr.aws/demo/sidecar:3",
                "essential": false,
                "logConfiguration": awslogs("sidecar")
            }
        ],
        "tags": [{ "key": "team", "value": "web" }]
    })
}

fn awslogs(prefix: &str) -> Value {
    json!({
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": "/ecs/web",
            "awslogs-region": DEMO_REGION,
            "awslogs-stream-prefix": prefix
        }
    })
}
