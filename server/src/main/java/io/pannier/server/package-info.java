/**
 * The HTTP API of a store: which path does what, who may, what the headers say. Owns the table of
 * routes, the batch grammars, the one switch from errors to statuses, and the memory for records on
 * their way out. Sockets and HTTP itself live in {@link io.pannier.server.http}, below nobody else.
 *
 * <p>Threads: routes begin on an event loop and must not block there. Small writes and reads stay
 * on it; what may wait for a file or a sender goes to a worker by {@code Call.block}. Start at
 * {@code Server}, then {@code Routes}.
 */
@NullMarked
package io.pannier.server;

import org.jspecify.annotations.NullMarked;
