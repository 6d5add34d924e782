//! Which step waits for which, and what is wrong with that.

use std::collections::VecDeque;
use std::ops::Range;

/// Edges and bounds of a pipeline. Steps are numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Graph {
    /// For each step the steps that must have succeeded before.
    pub(super) after: Vec<Vec<usize>>,
    /// Bounds on what runs at once.
    pub(super) limits: Vec<Limit>,
}

/// At most this many of these steps run at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) most: usize,
    pub(super) members: Range<usize>,
}

impl Graph {
    /// Steps in an order in which each comes after all that it waits for. Steps in a cycle, and those that wait for one,
    /// are left out.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut open: Vec<usize> = self.after.iter().map(Vec::len).collect();
        let mut next = vec![Vec::new(); self.after.len()];
        for (step, after) in self.after.iter().enumerate() {
            for before in after {
                next[*before].push(step);
            }
        }
        let mut free: VecDeque<usize> = (0..open.len()).filter(|step| open[*step] == 0).collect();
        let mut order = Vec::with_capacity(open.len());
        while let Some(step) = free.pop_front() {
            order.push(step);
            for after in &next[step] {
                open[*after] -= 1;
                if open[*after] == 0 {
                    free.push_back(*after);
                }
            }
        }
        order
    }

    /// Whether a step waits for another, directly or by others between them.
    pub(super) fn waits_for(&self, step: usize, before: usize) -> bool {
        let mut seen = vec![false; self.after.len()];
        let mut left = vec![step];
        while let Some(step) = left.pop() {
            for next in &self.after[step] {
                if *next == before {
                    return true;
                }
                if !std::mem::replace(&mut seen[*next], true) {
                    left.push(*next);
                }
            }
        }
        false
    }

    /// Cycles that share no step, until no other cycle is left. Each begins and ends with the same step, and each step in
    /// it waits for the next.
    pub(super) fn cycles(&self) -> Vec<Vec<usize>> {
        let mut left = self.clone();
        let mut cycles = Vec::new();
        while let Some(cycle) = left.cycle() {
            for step in &cycle {
                left.after[*step].clear();
            }
            cycles.push(cycle);
        }
        cycles
    }

    fn cycle(&self) -> Option<Vec<usize>> {
        let mut stuck = vec![true; self.after.len()];
        for step in self.order() {
            stuck[step] = false;
        }
        // Each stuck step waits for another that is stuck, so that walking on must come back.
        let mut walked = vec![stuck.iter().position(|stuck| *stuck)?];
        let mut at = vec![None; self.after.len()];
        loop {
            let step = *walked.last()?;
            if let Some(first) = at[step] {
                return Some(walked.split_off(first));
            }
            at[step] = Some(walked.len() - 1);
            walked.push(*self.after[step].iter().find(|before| stuck[**before])?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Graph;

    fn graph(after: &[&[usize]]) -> Graph {
        Graph { after: after.iter().map(|after| after.to_vec()).collect(), limits: Vec::new() }
    }

    #[test]
    fn each_step_comes_after_all_that_it_waits_for() {
        assert_eq!(graph(&[&[2], &[0], &[], &[0, 1]]).order(), [2, 0, 1, 3]);
        assert!(graph(&[&[2], &[0], &[], &[0, 1]]).cycles().is_empty());
    }

    #[test]
    fn every_cycle_is_found_once_and_what_only_waits_for_one_is_not_in_it() {
        assert_eq!(graph(&[&[0]]).cycles(), [[0, 0]]);
        let two = graph(&[&[1], &[0], &[0], &[4], &[5], &[3], &[]]);
        assert_eq!(two.cycles(), [vec![0, 1, 0], vec![3, 4, 5, 3]]);
        assert_eq!(two.order(), [6]);
    }

    #[test]
    fn a_cycle_of_a_hundred_thousand_steps_is_found() {
        let steps = 100_000;
        let after = (0..steps).map(|step| vec![(step + 1) % steps]).collect();
        let cycles = Graph { after, limits: Vec::new() }.cycles();
        assert_eq!((cycles.len(), cycles[0].len()), (1, steps + 1));
    }
}
