/**
 * MCAP files: read in order, by index through a range reader, recovered when they are cut short,
 * and written. After the specification at mcap.dev/spec, version 0.
 *
 * <p>Start at {@link io.pannier.robotics.mcap.McapReader} and {@link
 * io.pannier.robotics.mcap.McapWriter}. Times are nanoseconds since 1970, unsigned. Nothing here
 * holds more of a file in memory than its summary and the chunks that overlap one moment.
 */
@NullMarked
package io.pannier.robotics.mcap;

import org.jspecify.annotations.NullMarked;
