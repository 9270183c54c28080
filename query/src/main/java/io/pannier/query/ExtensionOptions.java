package io.pannier.query;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How extensions of queries are run.
 *
 * @param threads how many work at once; each query uses one at a time
 * @param cpuNanosPerRecord CPU time that all steps of a query may take for one stored record
 * @param memoryBytes what the steps of one query may reserve together
 * @param scratchBytes what the steps of one query may keep in temporary files
 * @param folder where jars with further extensions lie; absent: there are none
 */
public record ExtensionOptions(
    int threads,
    long cpuNanosPerRecord,
    long memoryBytes,
    long scratchBytes,
    Optional<Path> folder) {
  /** For a machine of any size. */
  public static final ExtensionOptions DEFAULT =
      new ExtensionOptions(
          Math.max(2, Runtime.getRuntime().availableProcessors()),
          30_000_000_000L,
          64L << 20,
          4L << 30,
          Optional.empty());
}
