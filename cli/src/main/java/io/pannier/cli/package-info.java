/** The {@code pannier} command. */
@NullMarked
package io.pannier.cli;

import org.jspecify.annotations.NullMarked;
