//! Where calls go: several servers as one cloud, and servers with certificates of an authority of their own.

use std::sync::Arc;

use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, Simulator, World};

use crate::cloud::{Cloud, Kind};
use crate::ministack::{Mode, Servers};
use crate::support::{DEPLOY, run};
use crate::wire::Wire;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/aws/src/http/testdata");

/// STS of one server and ECS of another, and nothing at the endpoint for the rest.
pub(crate) async fn two_servers_are_one_cloud(servers: Arc<Servers>) -> Result<(), String> {
    let identities = Cloud::new(Kind::Ministack(Mode::Default), &servers).await;
    let home = &identities.home;
    let mut world = World::demo();
    let content = world.account(DEMO_ACCOUNT).region(DEMO_REGION).clone();
    world.account(&home.id).user("deployer", &home.admin.id, &home.admin.secret);
    *world.account(&home.id).region(DEMO_REGION) = content;
    let services = Cloud::of(Simulator::builder().world(world).build()).await;
    let mut command = identities.command(&home.admin, &DEPLOY);
    command
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_ENDPOINT_URL_STS", identities.wire.url())
        .env("AWS_ENDPOINT_URL_ECS", services.wire.url());
    let ran = run(command).await;
    let (sts, ecs) = (identities.wire.calls(), services.wire.count("UpdateService"));
    let right = ran.code == 0 && sts == ["GetCallerIdentity"] && ecs == 1;
    if right { Ok(()) } else { Err(format!("exit {}, {sts:?}, {ecs} updates:\n{}", ran.code, ran.told())) }
}

/// HTTPS with an authority that only `AWS_CA_BUNDLE` names, and refusals with a way out without it.
pub(crate) async fn a_bundle_makes_a_servers_certificate_good() -> Result<(), String> {
    let cloud = Cloud::of(Simulator::builder().build()).await;
    let [chain, key] = ["public_test_server.pem", "public_test_server_key.pem"]
        .map(|name| std::fs::read(format!("{FOLDER}/{name}")).unwrap());
    let wire = Wire::tls(cloud.upstream, &chain, &key).await;
    let plan = [&DEPLOY[..], &["--plan"]].concat();
    for (bundle, code, words) in [
        (Some("public_test_authority.pem"), 0, "nothing was changed"),
        (Some("public_other_authority.pem"), 1, "AWS_CA_BUNDLE"),
        (None, 1, "AWS_CA_BUNDLE"),
    ] {
        let mut command = cloud.command(&cloud.home.admin, &plan);
        command.env("AWS_ENDPOINT_URL", format!("https://{}", wire.address));
        if let Some(bundle) = bundle {
            command.env("AWS_CA_BUNDLE", format!("{FOLDER}/{bundle}"));
        }
        let ran = run(command).await;
        if ran.code != code || !ran.told().contains(words) {
            return Err(format!(
                "{bundle:?}: exit {} and not {code}, or without {words:?}:\n{}",
                ran.code,
                ran.told()
            ));
        }
    }
    Ok(())
}
