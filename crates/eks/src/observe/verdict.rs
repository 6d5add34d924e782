//! All judgements of a look together.

use std::collections::BTreeMap;

use landfall_core::event::Level;
use landfall_core::{Cause, News, Progress, State};

use super::scene::Scene;
use super::subjects::{Subject, Subjects};
use crate::diagnose;
use crate::judge::below::{self, Below, Severity};
use crate::judge::{self, Judgement, Readiness, Seen};
use crate::memory::Memory;
use crate::target::Manifests;

/// Objects whose own counts are told. More would be no picture.
const MOST_TOLD: usize = 8;

/// What was found of one object.
pub(super) struct Judged {
    pub(super) judgement: Judgement,
    /// What lies below it, where that was read.
    pub(super) below: Below,
}

/// What was found of all.
pub(super) struct Verdict {
    /// By the place of the manifest.
    pub(super) judged: BTreeMap<usize, Judged>,
    /// What the next look has to know.
    pub(super) memory: Memory,
    pub(super) news: Vec<News>,
    pub(super) progress: Vec<Progress>,
    /// What a person should know of those that are not ready, and that may pass.
    pub(super) warnings: Vec<Cause>,
    /// Something was restarted after everything was ready.
    pub(super) unstable: Option<(usize, Cause)>,
    waiting_for: String,
    person: bool,
}

impl Verdict {
    pub(super) fn of(target: &Manifests, subjects: &Subjects<'_>, scene: &Scene, before: &Memory) -> Self {
        let mut verdict = Self {
            judged: BTreeMap::new(),
            memory: Memory {
                ready_since: before.ready_since,
                restarts: before.restarts.clone(),
                ..Memory::default()
            },
            news: Vec::new(),
            progress: Vec::new(),
            warnings: Vec::new(),
            unstable: None,
            waiting_for: String::new(),
            person: true,
        };
        for (place, subject) in &subjects.by_place {
            let judged = verdict.judge(target, *place, subject, (subjects, scene), before);
            verdict.tell(*place, subject, scene, &judged);
            verdict.judged.insert(*place, judged);
        }
        verdict.sum_up(target, subjects);
        verdict.stability(subjects, scene);
        verdict
    }

    fn judge(
        &mut self,
        target: &Manifests,
        place: usize,
        subject: &Subject<'_>,
        (subjects, scene): (&Subjects<'_>, &Scene),
        before: &Memory,
    ) -> Judged {
        let spec = &target.spec;
        let Some(seen) = scene.seen(place, subject) else {
            let judgement = match subjects.is_gone(place) {
                true => judge::gone(&subject.last(target)),
                false => Judgement::waiting("the server to show it"),
            };
            return Judged { judgement, below: Below::default() };
        };
        let mut applied = subject.applied.clone();
        applied.within_deadline = before.within_deadline.contains(&place);
        let judgement = judge::judge(&seen, &applied, &spec.rules, &spec.patience);
        let known = before.sightings.get(&place).cloned().unwrap_or_default();
        // What is ready has nothing below it that could keep it from that.
        let below = match judgement.is_ready() && spec.stable_for.is_zero() {
            true => Below::default(),
            false => below::judge(&seen, &applied, &known, &spec.patience),
        };
        let sightings = known.after(&below, scene.now);
        if sightings != below::Sightings::default() {
            self.memory.sightings.insert(place, sightings);
        }
        if applied.after(&seen).within_deadline {
            self.memory.within_deadline.insert(place);
        }
        Judged { judgement, below }
    }

    /// What is told of an object.
    fn tell(&mut self, place: usize, subject: &Subject<'_>, scene: &Scene, judged: &Judged) {
        for note in &judged.judgement.notes {
            self.news.push(News::new(format!("{}/{}", subject.at, note.code), note.level, &note.text));
        }
        if judged.judgement.is_ready() {
            return;
        }
        let grave = judged.below.signals.iter().any(|signal| signal.severity >= Severity::Warning);
        if let Some(seen) = scene.seen(place, subject).filter(|_| grave) {
            for cause in diagnose::causes(&seen, &judged.below, &[]) {
                let id = format!("{}/{}", subject.at, cause.code);
                self.news.push(News::new(id, Level::Warning, format!("{}: {}", subject.at, cause.message)));
                self.warnings.push(cause);
            }
        }
    }

    /// What is waited for, in a sentence, and the counts.
    fn sum_up(&mut self, target: &Manifests, subjects: &Subjects<'_>) {
        let mut waiting =
            self.judged.iter().filter_map(|(place, judged)| match &judged.judgement.readiness {
                Readiness::Waiting { waiting_for, person } => Some((place, waiting_for, *person)),
                _ => None,
            });
        let first = waiting.next();
        let others = waiting.clone().count();
        self.person = first.is_some_and(|(_, _, person)| person) && waiting.all(|(_, _, person)| person);
        let at =
            |place: &usize| subjects.by_place.get(place).map(|one| one.at.to_string()).unwrap_or_default();
        self.waiting_for = match (first, others) {
            (Some((place, what, _)), 0) => format!("{}: {what}", at(place)),
            (Some((place, what, _)), 1) => format!("{}: {what} (and 1 more object)", at(place)),
            (Some((place, what, _)), others) => format!("{}: {what} (and {others} more objects)", at(place)),
            (None, _) => format!("everything to stay ready for {} s", target.spec.stable_for.as_secs()),
        };
        let ready = self.judged.values().filter(|judged| judged.judgement.is_ready()).count();
        let (done, all) = (ready + subjects.at_once, self.judged.len() + subjects.at_once);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.progress.push(Progress::new("objects ready", count(done), Some(count(all)), "objects"));
        let pending = self.judged.iter().filter(|(_, judged)| !judged.judgement.is_ready()).take(MOST_TOLD);
        for (place, judged) in pending {
            for progress in &judged.judgement.progress {
                let of = format!("{}: {}", at(place), progress.of);
                self.progress.push(Progress::new(of, progress.done, progress.total, &progress.unit));
            }
        }
    }

    /// Since when everything is ready, and whether something was restarted since.
    fn stability(&mut self, subjects: &Subjects<'_>, scene: &Scene) {
        if !self.is_ready() {
            (self.memory.ready_since, self.memory.restarts) = (None, BTreeMap::new());
            return;
        }
        self.memory.ready_since.get_or_insert(scene.now);
        for (place, judged) in &self.judged {
            let restarts = judged.below.restarts;
            let then = *self.memory.restarts.entry(*place).or_insert(restarts);
            if restarts > then {
                let at = subjects.by_place.get(place).map(|one| one.at.to_string()).unwrap_or_default();
                let times = if restarts - then == 1 {
                    "once".to_owned()
                } else {
                    format!("{} times", restarts - then)
                };
                let text = format!("{at} was ready, and then its containers were restarted {times}");
                let hint = "what they wrote before they ended says why";
                self.unstable = Some((*place, Cause::new("not-stable", text).with_hint(hint)));
            }
        }
    }

    /// Whether everything that is waited for is ready.
    pub(super) fn is_ready(&self) -> bool {
        self.judged.values().all(|judged| judged.judgement.is_ready())
    }

    /// Whether the object at a place is ready.
    pub(super) fn is_ready_at(&self, place: usize) -> bool {
        self.judged.get(&place).is_some_and(|judged| judged.judgement.is_ready())
    }

    /// Whether something will not become ready.
    pub(super) fn has_failed(&self) -> bool {
        self.unstable.is_some() || self.judged.values().any(Judged::has_failed)
    }

    /// Where the deployment stands while nothing has ended it.
    pub(super) fn pending(&self) -> State {
        State::Pending { waiting_for: self.waiting_for.clone(), person: self.person }
    }

    /// What a person would see of it: whether it is worth telling.
    pub(super) fn summary(&self) -> (String, Vec<Progress>, usize) {
        (self.waiting_for.clone(), self.progress.clone(), self.news.len())
    }
}

impl Judged {
    pub(super) fn has_failed(&self) -> bool {
        let hopeless = !self.judgement.is_ready() && self.below.is_hopeless();
        hopeless || matches!(self.judgement.readiness, Readiness::Failed(_))
    }
}

/// The parts of a look that an object's causes are made of.
pub(super) fn parts<'a>(
    scene: &'a Scene,
    verdict: &'a Verdict,
    place: usize,
    subject: &Subject<'_>,
) -> Option<(Seen<'a>, &'a Judged)> {
    Some((scene.seen(place, subject)?, verdict.judged.get(&place)?))
}
