"""What must hold of a result that was drawn at random: judged without knowing which numbers were drawn.

A verifier takes the calls of one check and what was observed, and returns what is wrong: `Finding`s, one
mistake one code. It judges only what a function gave back, so any valid way of drawing passes. Every count
that is judged has, for a right function, a binomial distribution, whose tails are summed exactly: a right
function fails one of these bounds less than once in 1e11 tries (`CHANCE`).

Verifiers
    fresh_draws           equal generators, equal results; the next call, a new one
    same_each_time        equal calls, equal results: chance has no part in it
    mask_fits_result      dropout: a boolean mask, and a result that is 0 where it is False
    kept_is_scaled        dropout: what is kept, and by which factor
    kept_share            dropout: how many are kept, whatever their value
    entries_independent   dropout: no entry of the mask says anything about another
    layer_masks           a network's masks: shapes, shares and independence, layer by layer
    output_follows_masks  a network's output, looked up among all outputs that a tiny network can have
    every_example_once    mini-batches: sizes, and that the batches together hold each example once
    labels_follow_examples  mini-batches: X and Y were permuted alike
    examples_are_mixed    mini-batches: nothing is left of the old order
    order_follows_rng     mini-batches: the order comes from the generator that was handed in
    parts_hold_all        splits: three arrays of integers that hold every index once
    parts_have_their_sizes  splits: how many indices each part holds
    parts_are_right       splits: both of these
    parts_are_random      splits: any index may be anywhere
    parents_come_first    graphs: an order in which each node comes after its parents
    parameters_have_form  first weights: keys, shapes, and every b zero
    parameters_hold_floats  first weights: their form, and fractions can be written into them
    weights_spread        first weights: the standard deviation of each layer
    weights_are_normal    first weights: around 0, and in the shape of a bell
    weights_are_independent  first weights: nothing related along rows, columns, layers and calls
    samples_in_range      samples: their form, and none outside its ends
    samples_follow_scale  samples: each part of the scale gets its share
    samples_are_independent  samples: none says anything about another
    every_combination_once  a grid: each combination, in any order
    search_holds_together  a search: scores belong to settings, and best to the lowest
    drawn_and_asked_once  a search: one draw for each value tried, one question for each trial
    settings_follow_space  a search: values spread as their space draws them
"""

from course_utils.properties.chance import CHANCE, binomial_range, pairs
from course_utils.properties.draws import fresh_draws, same_each_time
from course_utils.properties.dropout import (
    dependence,
    entries_independent,
    kept_is_scaled,
    kept_share,
    mask_fits_result,
)
from course_utils.properties.dropout_network import (
    explain_outputs,
    layer_masks,
    masks_off,
    output_follows_masks,
)
from course_utils.properties.first_weights import (
    parameters_have_form,
    parameters_hold_floats,
    square_sum_allowed,
    weights_are_independent,
    weights_are_normal,
    weights_spread,
)
from course_utils.properties.graphs import parents_come_first
from course_utils.properties.hyperparameter_search import (
    drawn_and_asked_once,
    every_combination_once,
    samples_are_independent,
    samples_follow_scale,
    samples_in_range,
    search_holds_together,
    settings_follow_space,
)
from course_utils.properties.mini_batches import (
    every_example_once,
    examples_are_mixed,
    labels_follow_examples,
    order_follows_rng,
)
from course_utils.properties.splits import (
    OTHER_SIZES,
    parts_are_random,
    parts_are_right,
    parts_have_their_sizes,
    parts_hold_all,
)

__all__ = [
    "CHANCE",
    "OTHER_SIZES",
    "binomial_range",
    "dependence",
    "drawn_and_asked_once",
    "entries_independent",
    "every_combination_once",
    "every_example_once",
    "examples_are_mixed",
    "explain_outputs",
    "fresh_draws",
    "kept_is_scaled",
    "kept_share",
    "labels_follow_examples",
    "layer_masks",
    "mask_fits_result",
    "masks_off",
    "order_follows_rng",
    "output_follows_masks",
    "pairs",
    "parameters_have_form",
    "parameters_hold_floats",
    "parents_come_first",
    "parts_are_random",
    "parts_are_right",
    "parts_have_their_sizes",
    "parts_hold_all",
    "same_each_time",
    "samples_are_independent",
    "samples_follow_scale",
    "samples_in_range",
    "search_holds_together",
    "settings_follow_space",
    "square_sum_allowed",
    "weights_are_independent",
    "weights_are_normal",
    "weights_spread",
]
