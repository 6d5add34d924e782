//! Why objects are not ready, with the ends of logs: read while the pods are still there.

use std::time::Duration;

use futures_util::future::join_all;
use landfall_core::{Cause, Context};
use tokio::time::timeout;

use super::scene::Scene;
use super::subjects::Subjects;
use super::verdict::{Verdict, parts};
use crate::diagnose::{self, LOG_LINES, Log};
use crate::judge::Readiness;
use crate::target::Manifests;

/// Most causes of all objects together.
const MOST: usize = 12;

/// How long a log may take to be read; a node that does not answer keeps it for long.
const LOG_TIME: Duration = Duration::from_secs(8);

/// The causes of what has failed, or at the deadline of what is not ready, the gravest first.
pub(super) async fn causes(
    cx: &Context,
    target: &Manifests,
    subjects: &Subjects<'_>,
    scene: &Scene,
    verdict: &Verdict,
) -> Vec<Cause> {
    let failed = verdict.has_failed();
    let unstable = verdict.unstable.as_ref().map(|(place, _)| *place);
    let blamed: Vec<usize> = verdict
        .judged
        .iter()
        .filter(|(place, judged)| match failed {
            true => judged.has_failed() || unstable == Some(**place),
            false => !judged.judgement.is_ready(),
        })
        .map(|(place, _)| *place)
        .take(MOST)
        .collect();
    let mut causes = Vec::new();
    for place in blamed {
        causes.extend(of_one(cx, target, subjects, scene, verdict, place).await);
        if causes.len() >= MOST {
            causes.truncate(MOST);
            break;
        }
    }
    causes.extend(verdict.unstable.as_ref().map(|(_, cause)| cause.clone()));
    causes
}

async fn of_one(
    cx: &Context,
    target: &Manifests,
    subjects: &Subjects<'_>,
    scene: &Scene,
    verdict: &Verdict,
    place: usize,
) -> Vec<Cause> {
    let Some(subject) = subjects.by_place.get(&place) else { return Vec::new() };
    let own = match verdict.judged.get(&place).map(|judged| &judged.judgement.readiness) {
        Some(Readiness::Failed(cause)) => Some(cause.clone()),
        _ => None,
    };
    let Some((seen, judged)) = parts(scene, verdict, place, subject) else {
        return own.into_iter().collect();
    };
    let wanted = diagnose::wanted_logs(&seen, &judged.below);
    let read = join_all(wanted.into_iter().map(|log| read(cx, target, log))).await;
    let logs: Vec<Log> = read.into_iter().flatten().collect();
    let mut causes = diagnose::causes(&seen, &judged.below, &logs);
    causes.extend(own);
    if let (true, Readiness::Waiting { waiting_for, .. }) = (causes.is_empty(), &judged.judgement.readiness) {
        causes.push(diagnose::unfinished(&seen, waiting_for));
    }
    causes
}

/// A log, if it can be read: without it the cause is told all the same.
async fn read(cx: &Context, target: &Manifests, log: Log) -> Option<Log> {
    let namespace = log.namespace.as_deref()?;
    let reading = target.api.log(cx, namespace, &log.pod, &log.container, log.previous, LOG_LINES);
    let lines = timeout(LOG_TIME, reading).await.ok()?.ok()?;
    Some(Log { lines, ..log })
}
