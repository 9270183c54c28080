/**
 * Measuring: the load driver ({@link io.pannier.bench.LoadDriver}), its like for PostgreSQL ({@link
 * io.pannier.bench.PostgresDriver}) and the floor server that shows what the HTTP stack alone costs
 * ({@link io.pannier.bench.FloorServer}); a maker of recordings to look into ({@link
 * io.pannier.bench.RecordingMaker}). The scripts {@code bench/run}, {@code bench/compare} and
 * {@code bench/extract} put them together; {@code bench/README.md} tells how. Microbenchmarks are
 * among the tests.
 *
 * <p>Units: times on the wire are microseconds since the Unix epoch; durations inside the program
 * are nanoseconds; 1 KB is 1000 bytes, 1 MB is 10<sup>6</sup> and 1 GB is 10<sup>9</sup> bytes.
 */
@NullMarked
package io.pannier.bench;

import org.jspecify.annotations.NullMarked;
