/**
 * {@code pannier mcap}: looks into MCAP files, prints their messages and cuts them, without a
 * server. Start at {@link io.pannier.cli.mcap.McapCommand}.
 */
@NullMarked
package io.pannier.cli.mcap;

import org.jspecify.annotations.NullMarked;
