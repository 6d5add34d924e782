//! The example of the README: a program that deploys.

use std::process::ExitCode;

use landfall::auth::{Auth, CredentialsSource, Oidc};
use landfall::aws::environment::Environment;
use landfall::ecs::EcsService;
use landfall::{Context, DeployTargetExt, Error, Policy};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Error> {
    let wanted = EcsService::builder()
        .cluster("demo")
        .service("web")
        .image("web", "registry.example.com/web:2.0")
        .build()?;
    let oidc = Oidc::from_environment("arn:aws:iam::111122223333:role/deploy", "DEPLOY_TOKEN");
    let (cx, policy) = (Context::builder("shop/81/deploy/production").build(), Policy::default());
    let auth = Auth::new(CredentialsSource::oidc(oidc)).environment(Environment::from_process());
    let session = auth.lasting(policy.longest()).connect(&cx).await?;
    let service = wanted.target(&session.config, session.place)?;
    let report = service.deploy(&cx, &policy).await;
    Ok(ExitCode::from(report.exit_code()))
}
