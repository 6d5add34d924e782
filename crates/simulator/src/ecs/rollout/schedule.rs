//! How many tasks to start and to stop: a pure function of what there is.

/// What there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) desired: u64,
    pub(super) maximum: u64,
    pub(super) minimum_healthy: u64,
    /// Tasks of the PRIMARY deployment that nobody has told to stop.
    pub(super) new_live: u64,
    pub(super) new_healthy: u64,
    /// Healthy tasks of older deployments that nobody has told to stop.
    pub(super) old_healthy: u64,
    /// Their tasks that are not healthy (yet).
    pub(super) old_unhealthy: u64,
    /// False once the PRIMARY deployment has failed: ECS then launches no new tasks.
    pub(super) may_launch: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) start: u64,
    pub(super) stop_new: u64,
    pub(super) stop_old_healthy: u64,
    pub(super) stop_old_unhealthy: u64,
}

/// The rolling update: as many new tasks as `maximumPercent` has room for, as many old ones stopped as
/// `minimumHealthyPercent` allows. Old tasks that are not healthy serve nobody and go first. Whether draining tasks count
/// against the maximum is not documented; here they do not.
pub(super) fn plan(counts: Counts) -> Plan {
    let stop_new = counts.new_live.saturating_sub(counts.desired);
    if !counts.may_launch {
        return Plan { stop_new, ..Plan::default() };
    }
    let missing = counts.desired.saturating_sub(counts.new_live);
    let room = counts.maximum.saturating_sub(counts.new_live + counts.old_healthy);
    let start = missing.min(room);
    // An old task goes when a new one has taken its place, or when a new one needs its room.
    let replaced = (counts.new_healthy + counts.old_healthy).saturating_sub(counts.desired);
    let wanted = replaced.max(missing - start).min(counts.old_healthy);
    let allowed = (counts.new_healthy + counts.old_healthy).saturating_sub(counts.minimum_healthy);
    Plan { start, stop_new, stop_old_healthy: wanted.min(allowed), stop_old_unhealthy: counts.old_unhealthy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(desired: u64, percents: (u64, u64), new: (u64, u64), old_healthy: u64) -> Counts {
        Counts {
            desired,
            maximum: desired * percents.1 / 100,
            minimum_healthy: (desired * percents.0).div_ceil(100),
            new_live: new.0,
            new_healthy: new.1,
            old_healthy,
            old_unhealthy: 0,
            may_launch: true,
        }
    }

    #[test]
    fn with_double_capacity_all_new_tasks_start_before_an_old_one_stops() {
        let plan = plan(counts(2, (100, 200), (0, 0), 2));
        assert_eq!((plan.start, plan.stop_old_healthy), (2, 0));
    }

    #[test]
    fn an_old_task_stops_for_every_new_one_that_is_healthy() {
        let plan = plan(counts(2, (100, 200), (2, 1), 2));
        assert_eq!((plan.start, plan.stop_old_healthy), (0, 1));
    }

    #[test]
    fn without_spare_capacity_an_old_task_makes_room_first() {
        let plan = plan(counts(2, (50, 100), (0, 0), 2));
        assert_eq!((plan.start, plan.stop_old_healthy), (0, 1));
    }

    #[test]
    fn with_100_and_100_percent_nothing_can_move() {
        assert_eq!(plan(counts(1, (100, 100), (0, 0), 1)), Plan::default());
    }

    #[test]
    fn scaling_to_zero_stops_everything() {
        let plan = plan(counts(0, (100, 200), (0, 0), 3));
        assert_eq!(plan.stop_old_healthy, 3);
    }

    #[test]
    fn a_failed_deployment_launches_nothing_and_keeps_the_old_tasks() {
        let plan = plan(Counts { may_launch: false, ..counts(2, (100, 200), (0, 0), 2) });
        assert_eq!(plan, Plan::default());
    }
}
