package io.pannier.store;

import java.util.List;

/**
 * What an offline look at a data folder found.
 *
 * @param buckets buckets that were looked at
 * @param entries entries that were looked at
 * @param blocks blocks that were looked at
 * @param records live records that were read and checked
 * @param bytes bytes that were read
 * @param findings what is not as a clean stop leaves it, in the order it was found
 */
public record Verification(
    long buckets, long entries, long blocks, long records, long bytes, List<Finding> findings) {

  /** What a finding means to an operator. */
  public enum Kind {
    /**
     * Bytes are not those that were written. Whatever can be read still is; the rest is answered
     * with an error.
     */
    DAMAGE,
    /**
     * Bytes that were lost before, which the store knows and has told about: nothing more is at
     * stake.
     */
    PAST_LOSS,
    /** A file that belongs to nothing: it takes room and does no harm. */
    ORPHAN,
    /** Not wrong, and the next start takes care of it. */
    NOTE
  }

  /**
   * One thing that was found.
   *
   * @param path file or folder below the data folder
   * @param text a sentence
   */
  public record Finding(Kind kind, String path, String text) {
    @Override
    public String toString() {
      return kind + " " + path + ": " + text;
    }
  }

  /** Copies the findings. */
  public Verification {
    findings = List.copyOf(findings);
  }

  /** Whether nothing is damaged. */
  public boolean isClean() {
    return count(Kind.DAMAGE) == 0;
  }

  /** Number of findings of one kind. */
  public long count(Kind kind) {
    return findings.stream().filter(finding -> finding.kind() == kind).count();
  }
}
