/**
 * The vocabulary of all rooms: names, labels, timestamps, settings, limits, errors, and the doors
 * to clock and randomness. Depends on nothing, does no input or output, starts no thread.
 * Everything here is immutable unless it says otherwise. Start at {@link
 * io.pannier.model.PannierException} and {@link io.pannier.model.Labels}.
 */
@NullMarked
package io.pannier.model;

import org.jspecify.annotations.NullMarked;
