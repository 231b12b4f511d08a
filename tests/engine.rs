//! Behaviours of the engine, the same bodies natively and in a browser's worker.

mod bodies;

/// Each body as a native test and as a browser test.
macro_rules! everywhere {
    ($($name:ident),* $(,)?) => {$(
        #[cfg(not(target_arch = "wasm32"))]
        #[test]
        fn $name() {
            pollster::block_on(bodies::$name());
        }

        #[cfg(target_arch = "wasm32")]
        #[wasm_bindgen_test::wasm_bindgen_test]
        async fn $name() {
            bodies::$name().await;
        }
    )*};
}

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

everywhere!(
    the_same_seed_gives_the_same_bytes,
    a_resumed_run_ends_in_the_same_bytes,
    another_seed_gives_another_run,
    damaged_snapshots_are_refused,
    training_finds_the_pairs,
    transfer_raises_the_order_agreement_of_unseen_items,
    every_option_trains,
    divergence_is_reported_with_its_step,
    the_curve_equals_the_recorded_one,
    search_goes_both_ways,
    similarities_are_those_that_search_ranks_by,
    neighbourhoods_are_known_at_the_beginning_and_now,
    the_slow_iteration_is_the_next_step,
    settings_change_during_a_run_or_say_why_not,
    the_state_before_training_stays_in_the_history,
    pairs_rank_as_the_evaluation_does,
    query_texts_are_embedded_as_any_text_at_every_step,
    losses_and_gradients_agree_with_pytorch,
    matrix_products_equal_plain_loops,
    sums_of_squares_equal_a_plain_loop,
    all_triplets_equal_the_plain_tensor,
);

#[cfg(feature = "gpu")]
everywhere!(the_gpu_computes_as_the_cpu_until_it_is_lost);
