/**
 * Copies what a bucket receives to another store, and loses nothing of it on the way. Owns the
 * documents {@code replications} (the tasks) and {@code replication-<id>} (how far each has come).
 * There is no log beside the data: a task follows each entry by its sequence numbers and remembers
 * which of them it still has to send.
 *
 * <p>Committing threads only say that something is new ({@code Task#moved}). A worker judges it in
 * the order of commits ({@code Track}, {@code Judge}), another one sends ({@code Sender}); all of
 * them are given, as are clock and transport. Invariant: what a condition has chosen is in {@code
 * Track}'s set of pending numbers until the destination has said that it has it, or refused it for
 * good, or the store has said that it is gone. Start at {@code Replications}, then {@code Task}.
 */
@NullMarked
package io.pannier.replicate;

import org.jspecify.annotations.NullMarked;
