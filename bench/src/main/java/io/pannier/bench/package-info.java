/** Microbenchmarks. */
@NullMarked
package io.pannier.bench;

import org.jspecify.annotations.NullMarked;
