/**
 * The extensions that come with the program, each in a package of its own; here is what they share.
 * An extension is named in {@code module-info} ({@code provides … with …}, for a module path) and
 * in {@code META-INF/services} (for a class path, as the launcher has it): the two lists must
 * agree.
 *
 * <p>Threads: those of {@link io.pannier.query.ext}. Knows neither server nor store: a step sees
 * items with bodies that can be read anywhere.
 */
@NullMarked
package io.pannier.extract;

import org.jspecify.annotations.NullMarked;
