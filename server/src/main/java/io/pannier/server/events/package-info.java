/**
 * What the server tells about itself as records of the bucket {@code $system} (http-api.md §19):
 * calls, usage, runs of lifecycles, its own log. Telling never fails or delays what is told of.
 * Start at {@code SystemEvents}.
 */
@NullMarked
package io.pannier.server.events;

import org.jspecify.annotations.NullMarked;
