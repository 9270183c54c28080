/** Configuration, tokens, lifecycle and everything else between HTTP and the store. */
@NullMarked
package io.pannier.server;

import org.jspecify.annotations.NullMarked;
