//! A local AWS for tests and demonstrations: it speaks the wire protocols, takes time, and fails on cue.
//!
//! A [`Simulator`] starts with a [`World`] (accounts, users, roles, ECS clusters and services) and a [`Scenario`] (how
//! tasks behave, what goes wrong, what others do meanwhile). Real SDK clients talk to it, either in memory on a clock
//! that tests can pause, or over a socket. It follows AWS's documents and service models; where those say nothing, a
//! comment in the code says what was chosen.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use landfall_simulator::{Scenario, Simulator};
//!
//! let simulator = Simulator::builder().scenario(Scenario::named("image-not-found")?).build();
//! let config = simulator.sdk_config(); // for any SDK client: aws_sdk_ecs::Client::new(&config)
//! # let _ = config;
//! assert_eq!(simulator.calls().len(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! What there is: ECS (services under the ECS controller roll out; others only exist), the health of their targets behind
//! load balancers (ELBv2), S3 (objects, versions, multipart uploads), EKS (clusters are described and listed, and have the API server of a Kubernetes, [`Kubernetes`]), STS, an OIDC issuer,
//! GetLogEvents, and of the instances of CodeDeploy what Auto Scaling, their tags and Systems Manager tell. Signatures are verified; sessions expire; every call is recorded ([`Simulator::calls`]).
//!
//! Time is tokio's: `tokio::time::pause` stops the simulated AWS too. Nothing runs in the background. Each request
//! first brings the world up to the present, in the order in which things were due, so a rollout is the same whether it
//! is watched every second or once.

mod alter;
mod calls;
mod client;
mod clock;
mod cloudformation;
mod codedeploy;
mod dispatch;
mod ecs;
mod eks;
mod elb;
mod fault;
mod fleet;
mod hold;
mod iam;
mod ids;
mod inspect;
mod kubernetes;
mod logs;
mod oidc;
mod s3;
mod scenario;
mod server;
mod simulator;
mod sts;
mod wall;
mod wire;
mod world;

pub use alter::Answered;
pub use calls::{Call, Outcome};
pub use cloudformation::{CloudFormationHandle as CloudFormation, StackEventView, StackView};
pub use codedeploy::{CodeDeployHandle as CodeDeploy, CodeDeploymentView};
pub use fault::{CallNumbers, Fault, FaultKind, KubernetesFault, Phase, Refusing, StsRefusal};
pub use hold::HeldCall;
pub use inspect::{DeploymentView, Ecs, ServiceDeploymentView, TaskDefinitionView, TaskView};
pub use kubernetes::{
    Kubernetes, KubernetesBody, KubernetesDenial, KubernetesRequest, KubernetesServer, KubernetesSetup,
    KubernetesWrite, PodBehaviour, PodEvent, PodRule,
};
pub use oidc::{Claims, Oidc};
pub use s3::{BucketView, ObjectView, S3, UploadView};
pub use scenario::{Action, Scenario, ScriptedAction, Trigger, UnknownScenario};
pub use server::Server;
pub use simulator::{Builder, Simulator};
pub use world::{
    Account, ActiveDeployment, Application, AutoScalingGroup, Behaviour, BehaviourRule, Bucket,
    ChangeSetRule, Cluster, DEMO_ACCESS_KEY_ID, DEMO_ACCOUNT, DEMO_BUCKET, DEMO_CLUSTER, DEMO_EKS_CLUSTER,
    DEMO_FAMILY, DEMO_ISSUER, DEMO_REGION, DEMO_ROLE_ARN, DEMO_SECRET_ACCESS_KEY, DEMO_SERVICE, Denial,
    DeniedBy, DeploymentEnding, DeploymentGroup, EksCluster, ExistingResource, Failure, HookFailure,
    HookRule, Instance, OidcProvider, PastDeployment, Region, RevisionAge, Role, SECOND_ACCESS_KEY_ID,
    SECOND_ACCOUNT, SECOND_SECRET_ACCESS_KEY, Service, SsmAgent, Stack, StackHook, StackRule, StoredObject,
    TargetGroup, User, Validation, World,
};
