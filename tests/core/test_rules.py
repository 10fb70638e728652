"""Which tests hold which rule of judgement, so that no rule is without one.

A test's place is its file below ``tests/`` and its name. Each of them fails where its rule is broken.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent

RULES = range(1, 39)

HELD: dict[int, tuple[str, ...]] = {
    1: (
        "core/test_judging.py::test_one_required_item_that_did_not_pass_holds",
        "core/test_judging.py::test_a_pending_entry_holds",
        "core/test_judging.py::test_an_empty_gate_holds",
        "core/test_judging.py::test_no_beginning_of_a_run_promotes",
        "core/test_judging.py::test_taking_items_out_of_a_run_never_promotes",
    ),
    2: (
        "core/test_judging.py::test_green_tests_do_not_stop_a_trigger",
        "core/test_judging.py::test_what_holds_a_gate_hides_no_regression",
        "core/test_judging.py::test_a_forged_measurement_hides_no_regression",
        "core/test_judging.py::test_no_data_problem_causes_a_rollback",
        "core/test_judging.py::test_red_tests_alone_never_roll_back",
    ),
    3: (
        "core/test_judging.py::test_findings_are_listed_gravest_first",
        "core/test_judging.py::test_every_finding_is_listed_not_only_the_first",
        "core/test_judging.py::test_neither_a_failing_test_nor_a_lost_process_hides_a_regression",
        "core/test_judging.py::test_no_bad_event_improves_a_verdict",
    ),
    4: (
        "core/test_judging.py::test_a_gate_of_advisory_items_alone_holds",
        "core/test_judging.py::test_an_advisory_criterion_counts_neither_for_nor_against",
        "core/test_judging.py::test_an_advisory_entry_that_is_not_ticked_does_not_hold",
        "core/test_owed.py::test_a_test_is_advisory_only_where_its_file_says_so",
        "core/test_owed.py::test_an_advisory_test_may_go",
    ),
    5: (
        "core/test_judging.py::test_judging_twice_gives_the_same_document",
        "core/test_judging.py::test_judging_changes_none_of_its_inputs",
        "core/test_judging.py::test_another_process_gives_the_same_bytes",
        "core/test_judging.py::test_the_findings_are_the_same_with_any_number_of_workers",
    ),
    6: (
        "core/test_measuring.py::test_what_is_no_value_is_refused",
        "core/test_measuring.py::test_what_is_no_ratio_is_refused",
        "core/test_criterion.py::test_missing_data_is_neither_zero_nor_a_pass_nor_a_breach",
        "core/test_criterion.py::test_no_values_are_missing_whatever_the_statistic",
        "core/test_judging.py::test_a_forged_measurement_is_a_source_error",
        "core/test_judging.py::test_a_negative_or_absent_value_is_a_source_error",
    ),
    7: (
        "core/test_criterion.py::test_a_ratio_meets_its_bound_by_its_counts",
        "core/test_criterion.py::test_exactly_90_per_cent_does_not_trip_less_than_90",
        "core/test_measuring.py::test_a_value_is_kept_exactly_in_base_units",
    ),
    8: (
        "core/test_criterion.py::test_a_ratio_is_compared_as_the_fraction_it_is",
        "core/test_criterion.py::test_counts_of_all_tests_and_workers_are_added_before_they_are_compared",
        "core/test_measuring.py::test_a_uint256_stays_an_integer",
        "core/test_owed.py::test_a_uint256_is_shown_whole",
        "core/test_judgement.py::test_a_document_carries_a_uint256_whole",
        "core/test_judgement.py::test_a_document_holds_no_float_and_no_null",
    ),
    9: (
        "core/test_units.py::test_a_quantity_is_read_exactly",
        "core/test_units.py::test_an_unknown_unit_is_refused_with_the_nearest_one",
        "core/test_measuring.py::test_a_wrong_unit_is_told_in_one_sentence",
        "plan/test_bounds.py::test_what_is_no_bound_is_refused_with_what_to_write",
    ),
    10: ("core/test_criterion.py::test_between_promotion_and_rollback_lies_a_gray_band",),
    11: (
        "core/test_criterion.py::test_too_few_samples_are_inconclusive_and_the_number_owed_is_named",
        "core/test_criterion.py::test_what_clean_samples_support",
        "core/test_criterion.py::test_how_many_clean_samples_a_limit_needs",
    ),
    12: (
        "core/test_criterion.py::test_percentiles_are_nearest_rank",
        "core/test_criterion.py::test_a_percentile_is_a_value_that_was_measured_and_covers_its_share",
    ),
    13: (
        "core/test_sampled.py::test_a_source_that_is_down_is_an_error_that_names_it",
        "core/test_sampled.py::test_a_source_has_a_budget_of_its_own",
        "core/test_soak.py::test_a_source_that_is_down_stops_the_clock_and_does_not_begin_it_anew",
        "operations/test_watching.py::test_a_source_that_is_gone_is_no_verdict_on_the_service",
    ),
    14: (
        "core/test_sampled.py::test_an_old_sample_is_missing",
        "metrics/test_prometheus.py::test_a_dead_exporter_has_no_more_samples_although_its_range_still_answers",
        "metrics/test_chain_of_a_node.py::test_the_age_of_the_head",
    ),
    15: (
        "core/test_criterion.py::test_missing_data_is_neither_zero_nor_a_pass_nor_a_breach",
        "core/test_judging.py::test_no_data_problem_causes_a_rollback",
    ),
    16: (
        "core/test_breach.py::test_exactly_fifteen_minutes_are_not_more_than_fifteen_minutes",
        "core/test_breach.py::test_a_gap_neither_counts_nor_clears",
        "core/test_breach.py::test_three_of_five_samples",
        "core/test_series.py::test_samples_that_cannot_be_placed_are_refused",
        "core/test_series.py::test_a_sample_from_the_future_is_refused",
        "suites/test_platforms.py::test_more_than_a_quarter_of_an_hour_to_the_second",
    ),
    17: (
        "core/test_soak.py::test_two_samples_an_hour_apart_are_no_soak",
        "core/test_soak.py::test_a_gap_beyond_the_allowed_begins_the_soak_anew_and_is_named",
        "core/test_soak.py::test_a_changed_label_is_another_subject",
        "core/test_soak.py::test_nodes_do_not_borrow_from_one_another",
        "core/test_soak.py::test_a_counter_that_runs_backwards_is_a_restart",
        "core/test_soak.py::test_evidence_of_another_visit_or_subject_does_not_count",
        "operations/test_watching.py::test_what_was_before_the_rollout_counts_for_nothing",
    ),
    18: ("core/test_judging.py::test_time_alone_never_improves_a_verdict",),
    19: (
        "metrics/test_chain_of_a_node.py::test_what_became_of_submitted_transactions",
        "contracts/test_transactions.py::test_what_is_included_and_final_succeeded",
        "contracts/test_transactions.py::test_what_a_reorganisation_took_out_is_no_success",
    ),
    20: (
        "metrics/test_web.py::test_later_is_waited_for_and_counted",
        "metrics/test_web.py::test_waiting_has_an_end",
        "networks/test_rpc.py::test_nodes_that_disagree_about_the_pinned_block_are_an_error",
    ),
    21: (
        "core/test_sampled.py::test_each_thing_is_judged_by_itself",
        "core/test_inventory.py::test_each_contract_is_judged_by_what_was_seen",
        "suites/test_platforms.py::test_the_contracts_are_the_declared_list",
    ),
    22: (
        "plugin/test_real_chains.py::test_a_proxy_upgraded_after_the_gate_is_not_promoted",
        "plugin/test_real_chains.py::test_a_proxy_upgraded_on_another_network_of_the_inventory_is_not_promoted",
        "runner/test_own_chain.py::test_the_code_of_declared_contracts_is_of_the_subject_and_a_promotion_names_what_moved",
    ),
    23: (
        "core/test_node_check.py::test_zero_traffic_is_not_zero_divergences",
        "consensus/test_dual.py::test_rates_without_traffic_are_missing_and_not_zero",
    ),
    24: (
        "consensus/test_dual.py::test_two_that_refuse_for_the_same_class_of_reason_agree",
        "consensus/test_dual.py::test_in_shadow_a_misbehaving_candidate_is_counted_and_changes_nothing",
    ),
    25: (
        "core/test_node_check.py::test_one_is_one_too_many",
        "consensus/test_dual.py::test_a_divergence_is_told_whole",
    ),
    26: (
        "consensus/test_dual.py::test_a_candidate_cannot_change_the_block_or_the_answer",
        "consensus/test_dual.py::test_a_candidate_that_hangs_delays_the_answer_by_its_limit_only",
    ),
    27: ("consensus/test_dual.py::test_the_mode_is_read_once_a_call_and_recorded",),
    28: (
        "consensus/test_dual.py::test_a_demotion_voids_the_evidence_of_the_higher_rung",
        "core/test_node_check.py::test_a_demoted_rung_is_void",
    ),
    29: (
        "core/test_running.py::test_what_the_supervisor_saw_is_named_and_holds",
        "core/test_running.py::test_whatever_disturbed_the_run_is_named_and_holds",
        "core/test_owed.py::test_a_test_that_was_made_and_never_ran_is_not_run",
        "core/test_owed.py::test_a_marker_added_while_collecting_does_not_set_a_test_aside",
        "core/test_judging.py::test_no_run_with_an_event_taken_out_promotes",
    ),
    30: (
        "core/test_items.py::test_anything_else_is_no_pass",
        "core/test_items.py::test_only_one_clean_proven_run_passes",
        "core/test_items.py::test_phases_that_are_missing_doubled_or_disordered_are_no_pass",
        "core/test_owed.py::test_a_listed_failure_does_not_hold_before_it_expires",
        "core/test_owed.py::test_an_expired_listing_excuses_nothing",
        "core/test_owed.py::test_a_listed_failure_that_passes_holds_until_the_list_is_corrected",
        "core/test_owed.py::test_a_listing_covers_a_failure_only",
    ),
    31: (
        "core/test_owed.py::test_a_vanished_test_is_not_run_until_its_removal_is_accepted",
        "core/test_owed.py::test_a_second_shrunk_run_does_not_make_the_first_one_normal",
        "core/test_owed.py::test_a_parameter_that_vanished_is_owed_while_another_still_runs",
        "core/test_owed.py::test_a_vanished_declared_check_is_owed",
        "core/test_owed.py::test_a_function_of_which_no_item_was_made_is_not_run",
        "core/test_owed.py::test_a_function_that_never_made_an_item_is_owed_by_the_next_run",
    ),
    32: (
        "core/test_evidence.py::test_what_is_not_of_the_vocabulary_is_refused",
        "core/test_owed.py::test_a_listing_of_a_test_that_the_gate_lacks_holds",
        "plan/test_plans.py::test_a_misshapen_plan_is_refused_in_one_sentence",
        "plan/test_plans.py::test_a_plan_that_cannot_be_meant_is_refused_in_one_sentence",
        "plan/test_discovery.py::test_a_stage_that_nobody_has_is_a_usage_error",
    ),
    33: ("core/test_signoff.py::test_a_signature_counts_for_what_it_was_given_for_and_nothing_else",),
    34: (
        "core/test_signoff.py::test_every_role_that_is_needed_has_to_sign",
        "core/test_signoff.py::test_two_signatures_of_one_role_are_one",
        "core/test_signoff.py::test_nobody_signs_for_a_commit_of_their_own",
    ),
    35: (
        "core/test_promotion.py::test_what_changed_since_the_judgement_is_refused",
        "core/test_promotion.py::test_a_judgement_too_old_or_from_the_future_is_refused",
        "core/test_promotion.py::test_a_rollback_beats_an_earlier_green_judgement",
    ),
    36: (
        "core/test_override.py::test_an_override_counts_for_what_it_was_given_for_and_nothing_else",
        "core/test_override.py::test_what_says_that_the_gate_did_not_look_is_never_overridden",
        "core/test_promotion.py::test_a_hold_carries_where_every_finding_in_its_way_is_overridden",
        "core/test_promotion.py::test_a_later_no_beats_an_override",
        "operations/test_overriding.py::test_a_stage_is_left_by_override_and_says_so_ever_after",
    ),
    37: ("ledger/test_durability.py::test_two_promotions_at_once_are_one_entry_and_one_refusal",),
    38: (
        "plan/test_lint.py::test_bounds_out_of_order_are_a_contradiction",
        "plan/test_lint.py::test_an_exposure_that_shrinks_is_a_contradiction",
        "plan/test_lint.py::test_what_the_source_document_says_twice_is_told_with_the_choice_and_last",
        "plan/test_lint_people.py::test_what_nobody_could_sign_or_everybody_is_a_contradiction",
        "plan/test_lint_time.py::test_times_that_contradict_each_other_are_told",
    ),
}

CASES = [pytest.param(rule, place, id=f"{rule}-{place}") for rule, places in HELD.items() for place in places]


@cache
def _defined(path: Path) -> frozenset[str]:
    """The test functions a file defines."""
    tree = ast.parse(path.read_bytes())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_rule_is_held_by_tests() -> None:
    assert sorted(HELD) == list(RULES)


@pytest.mark.parametrize(("rule", "place"), CASES)
def test_a_test_that_holds_a_rule_exists(rule: int, place: str) -> None:
    file, _, name = place.partition("::")

    assert name in _defined(TESTS / file), f"rule {rule} lost its test {place}"
