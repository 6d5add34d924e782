//! Which steps may start now: a pure function of what is known.

use super::graph::{Graph, Limit};

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not begun in this process.
    Waiting,
    /// Begun.
    Running,
    /// It succeeded.
    Succeeded,
    /// It ended in another way.
    Ended,
}

/// What is known of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) phases: Vec<Phase>,
    /// Which steps an earlier process has begun. They are gone on with, or told again, whatever else has happened.
    pub(super) begun: Vec<bool>,
    /// Nothing new may begin: a step failed, or somebody asked to stop.
    pub(super) stopping: bool,
}

impl State {
    /// Nothing of this many steps was begun.
    pub(super) fn new(steps: usize) -> Self {
        Self { phases: vec![Phase::Waiting; steps], begun: vec![false; steps], stopping: false }
    }
}

/// The steps that may start.
///
/// What an earlier process began comes first: it goes on in the world, so that it counts against the bounds and may be
/// what stops the others. New steps wait until all of it runs again, unless nothing would run then.
pub(super) fn ready(graph: &Graph, state: &State) -> Vec<usize> {
    let running = |limit: &Limit| {
        let members = state.phases.get(limit.members.clone()).unwrap_or_default();
        members.iter().filter(|phase| **phase == Phase::Running).count()
    };
    let mut left: Vec<usize> =
        graph.limits.iter().map(|limit| limit.most.saturating_sub(running(limit))).collect();
    let mut ready = Vec::new();
    let mut take = |begun: bool| {
        for step in (0..graph.after.len()).filter(|step| state.begun[*step] == begun) {
            let mut bounds =
                graph.limits.iter().enumerate().filter(|(_, limit)| limit.members.contains(&step));
            if is_free(graph, state, step) && bounds.clone().all(|(limit, _)| left[limit] > 0) {
                bounds.by_ref().for_each(|(limit, _)| left[limit] -= 1);
                ready.push(step);
            }
        }
        ready.clone()
    };
    let again = take(true);
    if state.stopping || (comes_back(state, &again) && moves(state, &again)) { again } else { take(false) }
}

/// Whether something that an earlier process began does not run again yet.
fn comes_back(state: &State, starts: &[usize]) -> bool {
    let steps = state.begun.iter().zip(&state.phases);
    steps.filter(|(begun, phase)| **begun && **phase == Phase::Waiting).count() > starts.len()
}

/// Whether anything runs.
fn moves(state: &State, starts: &[usize]) -> bool {
    !starts.is_empty() || state.phases.contains(&Phase::Running)
}

fn is_free(graph: &Graph, state: &State, step: usize) -> bool {
    state.phases[step] == Phase::Waiting
        && graph.after[step].iter().all(|before| state.phases[*before] == Phase::Succeeded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::graph::{Graph, Limit};
    use super::Phase::{Ended, Running, Succeeded, Waiting};
    use super::{Phase, State, ready};

    /// 0 and 1 are free, 2 waits for 0, 3 for 1 and 2; at most two of all and one of 2 and 3 run at once.
    fn diamond() -> Graph {
        Graph {
            after: vec![vec![], vec![], vec![0], vec![1, 2]],
            limits: vec![Limit { most: 2, members: 0..4 }, Limit { most: 1, members: 2..4 }],
        }
    }

    #[test]
    fn what_may_start_follows_from_the_state() {
        type Row = ([Phase; 4], bool, &'static [usize]);
        let table: [Row; 9] = [
            ([Waiting; 4], false, &[0, 1]),
            ([Waiting; 4], true, &[]),
            ([Running, Waiting, Waiting, Waiting], false, &[1]),
            ([Running, Running, Waiting, Waiting], false, &[]),
            ([Succeeded, Running, Waiting, Waiting], false, &[2]),
            ([Succeeded, Running, Running, Waiting], false, &[]),
            ([Succeeded, Running, Succeeded, Waiting], false, &[]),
            ([Succeeded, Succeeded, Succeeded, Waiting], false, &[3]),
            ([Ended, Succeeded, Waiting, Waiting], false, &[]),
        ];
        for (phases, stopping, expected) in table {
            let state = State { phases: phases.to_vec(), begun: vec![false; 4], stopping };
            assert_eq!(ready(&diamond(), &state), expected, "{state:?}");
        }
    }

    #[test]
    fn what_an_earlier_process_began_goes_on_even_when_nothing_new_may_begin() {
        let phases = vec![Waiting; 4];
        let begun = vec![true, false, true, false];
        assert_eq!(ready(&diamond(), &State { phases, begun, stopping: true }), [0]);
    }

    #[test]
    fn new_steps_wait_until_what_was_begun_runs_again_unless_that_waits_for_them() {
        let state = |phases: [Phase; 4], begun: [bool; 4]| State {
            phases: phases.to_vec(),
            begun: begun.to_vec(),
            stopping: false,
        };
        let begun = [true, false, true, false];
        assert_eq!(ready(&diamond(), &state([Waiting; 4], begun)), [0]);
        assert!(ready(&diamond(), &state([Running, Waiting, Waiting, Waiting], begun)).is_empty());
        assert_eq!(ready(&diamond(), &state([Succeeded, Waiting, Waiting, Waiting], begun)), [2, 1]);
        assert_eq!(ready(&diamond(), &state([Waiting; 4], [false, false, true, false])), [0, 1]);
    }

    fn graphs() -> impl Strategy<Value = (Graph, State)> {
        (1_usize..24).prop_flat_map(|steps| {
            let edges = prop::collection::vec((0..steps, 0..steps), 0..steps * 2);
            let phases =
                prop::collection::vec(prop::sample::select(vec![Waiting, Running, Succeeded, Ended]), steps);
            let begun = prop::collection::vec(any::<bool>(), steps);
            let limits = prop::collection::vec((1..5_usize, 0..steps, 0..steps), 0..3);
            (edges, phases, begun, limits, any::<bool>()).prop_map(
                move |(edges, phases, begun, limits, stopping)| {
                    let mut after = vec![Vec::new(); steps];
                    edges.into_iter().filter(|(a, b)| a < b).for_each(|(a, b)| after[b].push(a));
                    let limit =
                        |(most, a, b): (usize, usize, usize)| Limit { most, members: a.min(b)..a.max(b) + 1 };
                    let limits = limits.into_iter().map(limit).collect();
                    (Graph { after, limits }, State { phases, begun, stopping })
                },
            )
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_step_starts_only_when_it_may_and_is_held_back_only_by_a_bound((graph, state) in graphs()) {
            let starts = ready(&graph, &state);
            let runs = |limit: &Limit, with: &[usize]| {
                let running = limit.members.clone().filter(|step| state.phases[*step] == Running).count();
                running + with.iter().filter(|step| limit.members.contains(step)).count()
            };
            let waits = |step: &usize| state.phases[*step] == Waiting;
            let free = |step: &usize| waits(step) && graph.after[*step].iter().all(|b| state.phases[*b] == Succeeded);
            let full = |step: &usize| graph.limits.iter().any(|l| l.members.contains(step) && runs(l, &starts) >= l.most);
            let all = || 0..graph.after.len();
            let begun_waits = all().any(|step| waits(&step) && state.begun[step] && !starts.contains(&step));
            let begun_moves = state.phases.contains(&Running) || starts.iter().any(|step| state.begun[*step]);
            for step in all() {
                let held = !state.begun[step] && (state.stopping || (begun_waits && begun_moves));
                let may = free(&step) && !held;
                prop_assert!(!starts.contains(&step) || may, "{step} must not start");
                prop_assert!(starts.contains(&step) || !may || full(&step), "{step} could start");
            }
            for limit in &graph.limits {
                let new = starts.iter().any(|step| limit.members.contains(step));
                prop_assert!(!new || runs(limit, &starts) <= limit.most, "{limit:?} is passed");
            }
        }
    }
}
