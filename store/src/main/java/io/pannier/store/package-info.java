/** Blocks on disk: write, read, find, retain, verify. */
@NullMarked
package io.pannier.store;

import org.jspecify.annotations.NullMarked;
