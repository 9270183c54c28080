/**
 * Policies that remove or compress old records (http-api.md §18, semantics.md part 2): what they
 * are, where they are kept, and the work itself, which looks at its mode at every step. Start at
 * {@code Lifecycles}, then {@code Policy}.
 */
@NullMarked
package io.pannier.server.lifecycle;

import org.jspecify.annotations.NullMarked;
