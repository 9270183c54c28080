/**
 * Who may do what: tokens with their permissions and their life, how callers prove who they are,
 * and how much they may ask for (http-api.md §1.6, §4, §7). Knows nothing of routes; the server
 * asks it before each of them. Start at {@code Tokens}, then {@code Caller}.
 */
@NullMarked
package io.pannier.server.access;

import org.jspecify.annotations.NullMarked;
