//! `deploy ecs`: from flags to a target, and its deployment.

use landfall::Result;
use landfall::ecs::document::ImageArgument;
use landfall::ecs::{EcsService, IfBusy, ServiceSpec, TaskDefinitionSource};

use crate::flags::{Busy, Ecs, Global, Switch, collect, complete, in_flags};
use crate::step::{self, Call};

/// Runs the subcommand and gives the exit code.
///
/// # Errors
/// What ended it before the deployment began.
pub(crate) async fn run(mut call: Call<'_>, what: &Ecs) -> Result<u8> {
    call.global.no_change_set(&mut call.problems);
    let spec = spec(call.global, what);
    step::deploy(call, "the deployment cannot be made as asked", spec, |spec, session| {
        spec.target(&session.config, session.place.clone())
    })
    .await
}

fn spec(global: &Global, what: &Ecs) -> Result<ServiceSpec> {
    let mut problems = Vec::new();
    let mut builder = EcsService::builder()
        .cluster(&what.cluster)
        .service(&what.service)
        .force_new_deployment(what.force_new_deployment)
        .fail_fast(what.fail_fast == Switch::On)
        .if_busy(match global.if_busy {
            Busy::Fail => IfBusy::Fail,
            Busy::Wait => IfBusy::Wait,
            Busy::Adopt => IfBusy::Adopt,
            Busy::Supersede => IfBusy::Supersede,
        });
    if let Some(text) = &what.task_definition
        && let Some(source) = collect(TaskDefinitionSource::parse(text), &mut problems)
    {
        builder = builder.task_definition(source);
    }
    for text in &what.image {
        match ImageArgument::parse(text) {
            Ok(ImageArgument { container: Some(container), image }) => {
                builder = builder.image(container, image);
            }
            Ok(ImageArgument { container: None, image }) => builder = builder.image_for_all(image),
            Err(problem) => problems.push(in_flags(problem)),
        }
    }
    let built = collect(builder.build(), &mut problems);
    complete("the deployment cannot be made as asked", built, problems)
}
