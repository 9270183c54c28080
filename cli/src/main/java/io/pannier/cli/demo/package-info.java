/**
 * Demonstrations that run on one machine with real processes and sockets, and judge themselves:
 * {@code pannier demo}. Start at {@link io.pannier.cli.demo.ReplicationDemo}.
 */
@NullMarked
package io.pannier.cli.demo;

import org.jspecify.annotations.NullMarked;
