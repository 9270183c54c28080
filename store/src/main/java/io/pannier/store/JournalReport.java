package io.pannier.store;

import java.util.ArrayList;
import java.util.List;

/**
 * What an offline look at a journal found.
 *
 * @param name path without generation and copy, for messages
 * @param frames frames that a start would replay
 * @param durable how many of them are known to have been synced
 * @param snapshotWhole whether the snapshot that the generation begins with is complete
 * @param missing numbers of frames that no copy has although they were synced: damage
 * @param dropped frames behind a hole that a power loss may leave; a start drops them, nobody was
 *     promised that they stay
 * @param leftovers files of other or unfinished generations, which the next start deletes
 */
record JournalReport(
    String name,
    int generation,
    int frames,
    int durable,
    boolean snapshotWhole,
    List<Range> missing,
    int dropped,
    List<Copy> copies,
    List<String> leftovers) {
  /** From the first to the last, both included. */
  record Range(long from, long to) {
    @Override
    public String toString() {
      return from == to ? Long.toString(from) : from + "-" + to;
    }
  }

  /**
   * One of the two files.
   *
   * @param headerProblem empty when the header checks
   * @param frames frames that check, in order
   * @param damaged bytes in front of a frame that checks which belong to none, from offset to
   *     offset
   * @param tornBytes bytes at the end that are no frame
   * @param unpadded frames whose padding is not zero; their content is whole
   * @param digest equal for copies that hold the same frames
   */
  record Copy(
      String path,
      boolean present,
      String headerProblem,
      long bytes,
      int frames,
      List<Range> damaged,
      long tornBytes,
      int unpadded,
      int digest) {
    Copy {
      damaged = List.copyOf(damaged);
    }
  }

  JournalReport {
    missing = List.copyOf(missing);
    copies = List.copyOf(copies);
    leftovers = List.copyOf(leftovers);
  }

  /** Whether both copies hold the same frames and nothing else. */
  boolean isSound() {
    return problems().isEmpty();
  }

  /** Whether something that was synced is gone from both copies. */
  boolean isLost() {
    return !missing.isEmpty() || !snapshotWhole;
  }

  /**
   * A sentence for each thing that is not as it should be; after a crash some of them are normal
   * and end with the next start.
   */
  List<String> problems() {
    var problems = new ArrayList<String>();
    String journal = name + "-" + generation;
    if (!snapshotWhole) {
      problems.add(journal + ": the snapshot is not complete in either copy");
    }
    if (!missing.isEmpty()) {
      problems.add(journal + ": frames " + join(missing) + " are unreadable in both copies");
    }
    if (dropped > 0) {
      problems.add(journal + ": " + dropped + " unsynced frames stand behind a hole");
    }
    for (Copy copy : copies) {
      if (!copy.present) {
        problems.add(copy.path + ": missing");
        continue;
      }
      if (!copy.headerProblem.isEmpty()) {
        problems.add(copy.path + ": " + copy.headerProblem);
      }
      for (Range range : copy.damaged) {
        problems.add(copy.path + ": bytes " + range + " are damaged");
      }
      if (copy.tornBytes > 0) {
        problems.add(copy.path + ": torn tail of " + copy.tornBytes + " bytes");
      }
      if (copy.unpadded > 0) {
        problems.add(copy.path + ": padding of " + copy.unpadded + " frames is not zero");
      }
    }
    if (problems.isEmpty() && copies.getFirst().digest != copies.getLast().digest) {
      problems.add(journal + ": the copies hold different frames");
    }
    return problems;
  }

  static String join(List<Range> ranges) {
    return String.join(", ", ranges.stream().map(Range::toString).toList());
  }
}
