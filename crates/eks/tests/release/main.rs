//! Releases into a cluster in the same process, from their plan to their end. The clock is paused: times are those of the
//! cluster, and take none.
//!
//! What a deployment to Kubernetes has to get right, and the tests that hold it; names without a file are of unit tests in
//! `src`, and `cluster` are those against a real API server:
//!
//! | | What | Tests |
//! |---|---|---|
//! | 1 | Tokens: golden vectors, renewal, 401 once and twice | `access/token`: `a_token_of_static_keys_is_the_golden_one`, `a_token_of_a_session_carries_its_token_and_the_golden_signature`, `a_token_serves_fourteen_minutes_and_is_then_signed_anew`, `a_token_ends_a_minute_before_the_session_that_signed_it`; `access/server`: `a_token_that_is_refused_is_signed_anew_once`; `faults`: `a_token_that_is_refused_once_is_signed_anew_and_one_that_stays_refused_is_explained`; `cluster/sign_in` |
//! | 2 | One broken document of ten | `ordering`: `one_broken_document_of_ten_is_named_by_file_document_and_line_and_nothing_is_read`; `input/tests/bad_input` |
//! | 3 | A kind, a namespace and what needs them, in the wrong order | `ordering`: `a_kind_a_namespace_and_what_needs_them_are_applied_in_one_run_whatever_their_order` |
//! | 4 | A thousand objects, how many at once, `Retry-After` | `ordering`: `a_thousand_objects_at_25_ms_each_are_applied_in_less_than_two_seconds`, `a_server_that_says_when_to_come_back_is_not_asked_before` |
//! | 5 | Conflicts with people, autoscalers, controllers | `conflicts`: `what_a_person_has_edited_is_taken_over_with_a_warning`, `replicas_are_left_to_an_autoscaler_that_has_set_them`, `what_another_controller_has_set_is_refused_with_field_manager_and_both_values` |
//! | 6 | Client-side history | `conflicts`: `a_key_that_was_applied_by_the_client_goes_when_the_manifest_does_not_have_it_any_more` |
//! | 7 | An unchanged second run | `deploying`: `a_second_run_changes_nothing_and_says_so` |
//! | 8 | Stale status, stale and real deadlines | `waiting`: `a_status_of_before_counts_neither_as_ready_nor_as_failed`, `the_passed_deadline_of_a_release_is_not_that_of_the_way_back` |
//! | 9 | Images that are not there, in new pods and in old ones | `waiting`: `an_image_that_is_not_there_fails_within_ten_seconds_and_is_named`, `the_same_trouble_in_pods_of_before_is_not_the_releases` |
//! | 10 | Crashes, and one that recovers | `waiting`: `the_last_words_of_a_container_that_crashes_are_told`, `a_container_that_comes_up_at_its_second_or_third_start_is_a_success` |
//! | 11 | Pods without a node | `waiting`: `a_pod_that_gets_its_node_after_a_minute_is_a_success_with_a_warning`, `a_pod_for_which_nothing_makes_a_node_fails_after_three_minutes` |
//! | 12 | Quotas | `waiting`: `a_quota_that_is_used_up_fails_in_fifteen_seconds_and_is_named` |
//! | 13 | Jobs that fail, and that are removed | `waiting`: `a_job_that_fails_ends_the_wait_with_the_words_of_its_pod`, `a_job_that_is_removed_when_it_has_ended_is_a_success` |
//! | 14 | Custom resources without a status, not ready, ready | `waiting`: `a_custom_resource_is_ready_when_its_controller_has_said_so` |
//! | 15 | Partitions, OnDelete, fewer and no pods, paused, Recreate | `waiting`: `workloads_in_all_their_ways_end_ready`, `what_waits_for_a_person_says_so`, `a_pod_that_a_person_deletes_lets_a_set_of_on_delete_go_on` |
//! | 16 | Watches closed, too old, forbidden; connections reset | `faults`: `watches_that_end_break_or_are_too_old_are_begun_again`, `a_history_that_is_gone_is_listed_anew`, `where_nothing_may_be_watched_it_is_asked_for`, `a_connection_that_breaks_in_the_middle_of_a_write_is_no_second_write`; `feed/tests` |
//! | 17 | A failure that is put back | `undoing`: `evidence_comes_before_the_undo_and_what_the_run_made_goes_by_its_uid`, `what_somebody_has_made_anew_meanwhile_is_left_alone`; `deploying`: `a_release_that_fails_is_put_back_with_all_of_its_objects` |
//! | 18 | Killed in the middle | `pruning`: `after_a_run_that_was_killed_another_waits_for_its_lock_and_what_it_had_made_can_be_pruned`; `crash` |
//! | 19 | Pruning, and what is kept | `pruning`: `what_was_taken_out_is_deleted_when_asked_for`, `what_somebody_has_made_anew_or_annotated_is_kept`, `what_takes_everything_in_it_along_is_kept_without_consent` |
//! | 20 | Values of Secrets | `secrets`: `no_value_of_a_secret_is_in_a_plan_an_event_a_report_a_journal_or_a_debug_form`; `conformance` |

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests may fail loudly too"
)]

mod conflicts;
mod conformance;
mod crash;
mod deploying;
mod faults;
mod ordering;
mod pruning;
mod secrets;
mod support;
mod undoing;
mod waiting;

/// Of the crash matrix every so many points are tried; all of them are by `crash_all.rs`.
const EVERY: usize = 12;
