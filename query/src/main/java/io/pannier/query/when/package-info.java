/**
 * The condition language {@code when}: text to tree, tree to truth. Knows labels and times, and
 * nothing of blocks, queries or HTTP.
 *
 * <p>{@link io.pannier.query.when.Condition#parse} reads a JSON value into a {@link
 * io.pannier.query.when.Condition}: one {@link io.pannier.query.when.Expression} and what the
 * directives say. An {@link io.pannier.query.when.Evaluator} holds the state of the operators that
 * have one and judges records one after the other, in the order of time. Rules and texts of errors
 * are those of the condition language of the ReductStore API 1.21; what is ours is said where it
 * stands ({@code $text}, and answers to input on which the reference dies).
 */
@NullMarked
package io.pannier.query.when;

import org.jspecify.annotations.NullMarked;
