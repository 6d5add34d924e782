//! RegisterTaskDefinition and UpdateService.

use std::sync::{Arc, Mutex};

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use landfall_simulator::{DEMO_ACCOUNT, DEMO_REGION, Simulator, World};

use crate::driver::{Driver, driver};

/// Registers this very text; answers AWS's text, or the error's code and message.
async fn register(driver: &Driver, body: &str) -> Result<String, (String, String)> {
    let (text, seen) = (body.to_owned(), Captured::default());
    let request = driver.ecs.register_task_definition().customize().interceptor(seen.clone()).mutate_request(
        move |request| {
            request.headers_mut().insert("content-length", text.len().to_string());
            *request.body_mut() = SdkBody::from(text.clone());
        },
    );
    match request.send().await {
        Ok(_) => Ok(seen.0.lock().unwrap().clone()),
        Err(error) => {
            Err((error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned()))
        }
    }
}

/// Keeps the text of an answer.
#[derive(Debug, Clone, Default)]
struct Captured(Arc<Mutex<String>>);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Captured {
    fn name(&self) -> &'static str {
        "Captured"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let bytes = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().unwrap() = String::from_utf8_lossy(bytes).into_owned();
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_unknown_members_and_their_order_come_back_as_they_were_sent() {
    let driver = driver("good");
    let body = r#"{"family":"raw","zeta":1.10,"alpha":{"deep":[1e3,123456789012345678901234567890]},"containerDefinitions":[{"future":0.10,"name":"a","image":"demo/a","memory":128,"later":1e1}],"memory":"512"}"#;
    let answer = register(&driver, body).await.unwrap();
    for text in [
        r#""zeta":1.10,"alpha":{"deep":[1e3,123456789012345678901234567890]},"containerDefinitions""#,
        r#"{"future":0.10,"name":"a","image":"demo/a","memory":128,"later":1e1,"#,
    ] {
        assert!(answer.contains(text), "{answer}");
    }
    let seen = driver.simulator.ecs(DEMO_ACCOUNT, DEMO_REGION).task_definitions("raw").remove(0);
    assert!(answer.contains(&seen.json));
    assert_eq!(seen.revision, 1);
}

#[tokio::test(start_paused = true)]
async fn aws_adds_what_it_knows_better() {
    let driver = driver("good");
    let arn = driver.register("demo/web:2").await;
    let answer = driver.ecs.describe_task_definition().task_definition(&arn).send().await.unwrap();
    let definition = answer.task_definition.unwrap();
    assert_eq!(definition.revision(), 3);
    assert_eq!(definition.status().unwrap().as_str(), "ACTIVE");
    assert_eq!(definition.registered_by(), Some("arn:aws:iam::111122223333:user/deployer"));
    assert!(definition.compatibilities().iter().any(|kind| kind.as_str() == "FARGATE"));
    assert!(
        definition
            .requires_attributes()
            .iter()
            .any(|attribute| attribute.name() == "ecs.capability.task-eni")
    );
    let container = &definition.container_definitions()[0];
    assert_eq!((container.cpu(), container.essential()), (0, Some(true)));
    let port = &container.port_mappings()[0];
    assert_eq!((port.host_port(), port.protocol().unwrap().as_str()), (Some(8080), "tcp"));
}

#[tokio::test(start_paused = true)]
async fn members_named_as_forgotten_do_not_come_back() {
    let world = World { forgotten_members: vec!["future".to_owned()], ..World::demo() };
    let simulator = Simulator::builder().world(world).build();
    let ecs = aws_sdk_ecs::Client::new(&simulator.sdk_config());
    let driver = Driver { simulator, ecs };
    let body = r#"{"family":"raw","future":1,"containerDefinitions":[{"name":"a","image":"a","memory":8,"future":2}]}"#;
    assert!(!register(&driver, body).await.unwrap().contains("future"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_run_is_not_registered() {
    let driver = driver("good");
    let container = r#"{"name":"a","image":"a","memory":8}"#;
    let fargate = |more: &str| {
        format!(
            r#"{{"family":"f","requiresCompatibilities":["FARGATE"],{more}"containerDefinitions":[{container}]}}"#
        )
    };
    let with = |containers: &str| format!(r#"{{"family":"f","containerDefinitions":[{containers}]}}"#);
    let refusals = [
        (r#"{"family":"a b","containerDefinitions":[]}"#.to_owned(), "Family contains invalid characters."),
        (with(""), "Container list cannot be empty."),
        (
            with(&format!("{container},{container}")),
            "Container.name 'a' is not unique within the task definition.",
        ),
        (with(r#"{"name":"a","image":"a"}"#), "Invalid setting for container 'a'. At least one of"),
        (fargate(""), "Fargate only supports network mode"),
        (fargate(r#""networkMode":"awsvpc","#), "Fargate requires that 'cpu' be defined at the task level."),
        (
            fargate(r#""networkMode":"awsvpc","cpu":"256","memory":"4096","#),
            "No Fargate configuration exists for given values.",
        ),
        (
            format!(r#"{{"family":"f","tags":[],"containerDefinitions":[{container}]}}"#),
            "Tags can not be empty.",
        ),
    ];
    for (body, message) in refusals {
        let (code, found) = register(&driver, &body).await.unwrap_err();
        assert_eq!(code, "ClientException", "{body}");
        assert!(found.starts_with(message), "{body}: {found}");
    }
    let (code, _) = register(&driver, "{\"family\":").await.unwrap_err();
    assert_eq!(code, "SerializationException");
    for sizes in [("1 vCPU", "2 GB"), (".25 vCPU", "0.5GB"), ("1024", "8192")] {
        let body = fargate(&format!(r#""networkMode":"awsvpc","cpu":"{}","memory":"{}","#, sizes.0, sizes.1));
        register(&driver, &body).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_must_have_the_load_balancers_container_and_port() {
    let driver = driver("good");
    let body = |name: &str, port: u32| {
        format!(
            r#"{{"family":"other","networkMode":"awsvpc","memory":"512","containerDefinitions":[{{"name":"{name}","image":"a","portMappings":[{{"containerPort":{port}}}]}}]}}"#
        )
    };
    let refusals = [
        (body("api", 8080), "The container web does not exist in the task definition."),
        (body("web", 80), "The container web did not have a container port 8080 defined."),
    ];
    for (body, message) in refusals {
        register(&driver, &body).await.unwrap();
        let request = driver.ecs.update_service().cluster("demo").service("web").task_definition("other");
        let error = request.send().await.unwrap_err();
        assert_eq!((error.code(), error.message()), (Some("InvalidParameterException"), Some(message)));
    }
    let request = driver.ecs.update_service().cluster("demo").service("web").task_definition("nope:1");
    assert_eq!(request.send().await.unwrap_err().message(), Some("TaskDefinition not found."));
}

#[tokio::test(start_paused = true)]
async fn denied_actions_are_refused_in_iams_words() {
    let driver = driver("access-denied");
    let request = driver.ecs.update_service().cluster("demo").service("web").task_definition("web:1");
    let error = request.send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    assert_eq!(
        error.message(),
        Some(
            "User: arn:aws:iam::111122223333:user/deployer is not authorized to perform: ecs:UpdateService on \
             resource: arn:aws:ecs:eu-central-1:111122223333:service/demo/web because no identity-based policy \
             allows the ecs:UpdateService action"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn registering_with_tags_needs_the_right_to_tag_and_with_roles_the_right_to_pass_them() {
    let tagging = driver("tagging-denied");
    tagging.register("demo/web:2").await;
    let tagged = r#"{"family":"f","tags":[{"key":"a","value":"b"}],"containerDefinitions":[{"name":"a","image":"a","memory":8}]}"#;
    let (code, message) = register(&tagging, tagged).await.unwrap_err();
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("perform: ecs:TagResource on resource: "), "{message}");

    let mut world = World::demo();
    let denial = landfall_simulator::Denial {
        by: landfall_simulator::DeniedBy::ServiceControlPolicy,
        ..landfall_simulator::Denial::of("iam:PassRole")
    };
    world.account(DEMO_ACCOUNT).denied.push(denial);
    let simulator = Simulator::builder().world(world).build();
    let ecs = aws_sdk_ecs::Client::new(&simulator.sdk_config());
    let with_role = r#"{"family":"f","taskRoleArn":"arn:aws:iam::111122223333:role/web","containerDefinitions":[{"name":"a","image":"a","memory":8}]}"#;
    let (_, message) = register(&Driver { simulator, ecs }, with_role).await.unwrap_err();
    assert!(message.ends_with("with an explicit deny in a service control policy"), "{message}");
}
