/**
 * The environment as the server reads it (configuration.md): one table of every variable with its
 * grammar, default and meaning, from which parsing, the report of all mistakes at once, the banner
 * and {@code docs/settings.md} come. Start at {@code Settings}.
 */
@NullMarked
package io.pannier.server.settings;

import org.jspecify.annotations.NullMarked;
