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
    let cx = Context::builder("shop/81/deploy/production").build();
    let auth = Auth::new(CredentialsSource::oidc(oidc)).environment(Environment::from_process());
    let session = auth.connect(&cx).await?;
    let service = wanted.target(&session.config, session.place)?;
    let report = service.deploy(&cx, &Policy::default()).await;
    Ok(ExitCode::from(report.exit_code()))
}
