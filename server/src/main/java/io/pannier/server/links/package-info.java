/**
 * Links that open one record without a token (http-api.md §16): what a link says, how it is sealed
 * with a key of the token that made it, and byte ranges. Knows nothing of routes.
 */
@NullMarked
package io.pannier.server.links;

import org.jspecify.annotations.NullMarked;
