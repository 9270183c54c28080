/**
 * Measuring: the load driver ({@link io.pannier.bench.LoadDriver}), the floor server that shows
 * what the HTTP stack alone costs ({@link io.pannier.bench.FloorServer}), and microbenchmarks. The
 * script {@code bench/run} puts them together.
 *
 * <p>Units: times on the wire are microseconds since the Unix epoch; durations inside the program
 * are nanoseconds; 1 KB is 1000 bytes, 1 MB is 10<sup>6</sup> and 1 GB is 10<sup>9</sup> bytes.
 */
@NullMarked
package io.pannier.bench;

import org.jspecify.annotations.NullMarked;
