//! The two waits of a blue/green deployment: before the traffic is moved, and before the old instances are terminated.

use landfall_core::{Cause, State};

use super::{Facts, Judgement, Rules, outputs};
use crate::deployment::facts::Info;
use crate::deployment::memory::{Purpose, Watch};
use crate::deployment::spec::WhenReady;

/// The new instances wait for the traffic.
pub(super) fn ready(watch: &Watch, facts: &Facts, rules: Rules) -> Judgement {
    let option = &facts.deployment.blue_green_deployment_configuration["deploymentReadyOption"];
    let stops = option["actionOnTimeout"] == "STOP_DEPLOYMENT";
    let minutes = option["waitTimeInMinutes"].as_u64();
    if rules.when_ready != WhenReady::Wait
        && !watch.continued
        && !watch.adopted
        && watch.purpose == Purpose::Deploy
    {
        return Judgement::new(State::Proceed);
    }
    let after = match minutes {
        Some(minutes) if stops => format!("; CodeDeploy stops the deployment after {minutes} minutes"),
        Some(minutes) => format!("; CodeDeploy goes on by itself after {minutes} minutes"),
        None => String::new(),
    };
    let id = &facts.deployment.deployment_id;
    let text =
        format!("deployment {id} to be continued: its new instances are ready to get the traffic{after}");
    let mut judgement =
        Judgement::new(State::Pending { waiting_for: text, person: stops && !watch.continued });
    let cause = Cause::new("waits-for-continue", format!("deployment {id} is Ready: the traffic has not been moved yet"))
        .with_hint(format!(
            "check the new instances, then `aws deploy continue-deployment --deployment-id {id} --deployment-wait-type \
             READY_WAIT`, or stop it; --when-ready continue does so at once"
        ));
    judgement.causes.push(cause);
    judgement
}

/// The new instances have the traffic, and the old ones stand by.
pub(super) fn terminating(info: &Info, rules: Rules) -> Judgement {
    let option = &info.blue_green_deployment_configuration["terminateBlueInstancesOnDeploymentSuccess"];
    let minutes = option["terminationWaitTimeInMinutes"].as_u64().unwrap_or(0);
    let id = &info.deployment_id;
    let cause = Cause::new(
        "old-instances-stand-by",
        format!("deployment {id} has moved the traffic; its old instances are terminated after {minutes} minutes"),
    )
    .with_hint(format!(
        "`aws deploy continue-deployment --deployment-id {id} --deployment-wait-type TERMINATION_WAIT` terminates them now; \
         until then a stop with rollback gives them the traffic back"
    ));
    if rules.leaves_old_instances {
        let mut judgement = Judgement::new(State::Ready(outputs(info)));
        judgement.warnings.push(cause);
        return judgement;
    }
    let text = format!(
        "the old instances of deployment {id} to be terminated, {minutes} minutes after the traffic was moved"
    );
    Judgement { causes: vec![cause], ..Judgement::new(State::pending(text)) }
}
