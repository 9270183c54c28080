package io.pannier.store;

import io.pannier.model.PannierException;
import io.pannier.store.Verification.Finding;
import io.pannier.store.Verification.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads everything that a store holds, again and again and slowly, and tells what is damaged. How
 * far a pass has come survives a stop (document {@code scrub}). One thread calls {@link #step};
 * {@link #report} may be asked from any.
 */
public final class Scrub {
  static final String DOCUMENT = "scrub";

  /** Findings of a pass that are kept; the others are counted. */
  private static final int FINDINGS_MAX = 200;

  private static final int TEXT_MAX = 400;
  private static final long SAVE_NANOS = 60_000_000_000L;

  /** Slows the reading down. */
  public interface Pace {
    /** So many bytes are about to be read; may wait, and throw {@link Stopped}. */
    void before(int bytes);
  }

  /** Ends a step in its middle: the block is looked at again later. */
  public static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Without a trace: it is no error. */
    public Stopped() {
      super("stopped", null, false, false);
    }
  }

  /**
   * One pass over everything.
   *
   * @param started when it began, µs
   * @param finished when it ended, µs; 0 when it has not
   * @param bytes bytes that were read, and {@code blocks} blocks
   * @param damaged number of findings that are damage
   */
  public record Pass(
      long number, long started, long finished, long blocks, long bytes, long damaged) {}

  /**
   * A snapshot for metrics; taking it costs nothing.
   *
   * @param current the pass that goes on; empty between two
   * @param last the last one that ended
   * @param bytesTotal bytes that were read since the process began
   * @param damagedTotal findings of damage since the process began
   */
  public record Stats(
      Optional<Pass> current, Optional<Pass> last, long bytesTotal, long damagedTotal) {}

  /** What was found by the pass that goes on and the last one that ended. */
  public record Report(Stats stats, List<Finding> current, List<Finding> last) {
    /** Copies the lists. */
    public Report {
      current = List.copyOf(current);
      last = List.copyOf(last);
    }
  }

  /** Place of a block; the order in which they are read. */
  private record Place(int bucket, int entry, int block) implements Comparable<Place> {
    static final Place BEGIN = new Place(0, 0, 0);

    @Override
    public int compareTo(Place other) {
      return Comparator.comparingInt(Place::bucket)
          .thenComparingInt(Place::entry)
          .thenComparingInt(Place::block)
          .compare(this, other);
    }
  }

  private final Store store;
  private final LiveCheck check;
  private final Set<Finding> told = new HashSet<>();
  private List<Block> ahead = List.of();
  private int next;
  private long savedNanos;

  // Guarded by this.
  private @Nullable Pass current;
  private @Nullable Pass last;
  private final List<Finding> found = new ArrayList<>();
  private List<Finding> foundLast = List.of();
  private Place at = Place.BEGIN;
  private long bytesTotal;
  private long damagedTotal;

  /** Goes on from where the store was left. */
  public Scrub(Store store, Pace pace) {
    this.store = store;
    check = new LiveCheck(store, pace::before);
    savedNanos = store.clock.monotonicNanos();
    load();
  }

  /** Begins a pass; one that goes on goes on. */
  public synchronized void begin() {
    if (current == null) {
      Pass before = last;
      current =
          new Pass(before == null ? 1 : before.number() + 1, store.clock.wallMicros(), 0, 0, 0, 0);
      at = Place.BEGIN;
      found.clear();
      ahead = List.of();
      next = 0;
    }
  }

  /**
   * Reads the next file, and whatever belongs to it.
   *
   * @return whether there is more; false ends the pass
   * @throws Stopped when the pace says so
   */
  public boolean step() {
    Place before;
    synchronized (this) {
      if (current == null) {
        return false;
      }
      before = at;
    }
    var findings = new Findings(Verifier.Progress.NONE);
    boolean isFirst = before.equals(Place.BEGIN);
    if (isFirst) {
      check.frame(findings);
      took(findings, new Place(0, 0, 1));
      return true;
    }
    Block block = nextBlock(before);
    if (block == null) {
      finish();
      return false;
    }
    check.block(block, findings);
    took(findings, new Place(block.entry.bucket.id, block.entry.id, block.id));
    return true;
  }

  /** The first block behind a place; null when there is none. */
  private @Nullable Block nextBlock(Place before) {
    Place from = before;
    for (; ; ) {
      for (; next < ahead.size(); next++) {
        Block block = ahead.get(next);
        if (!block.gone && !block.entry.gone && place(block).compareTo(from) > 0) {
          return block;
        }
      }
      Entry following = entryFrom(from);
      if (following == null) {
        return null;
      }
      boolean isSame = following.bucket.id == from.bucket() && following.id == from.entry();
      ahead = LiveCheck.blocks(following);
      next = 0;
      Place reached = from;
      if (ahead.stream().noneMatch(block -> place(block).compareTo(reached) > 0)) {
        // Nothing is left of this entry.
        from = new Place(following.bucket.id, following.id, Integer.MAX_VALUE);
      } else if (!isSame) {
        from = new Place(following.bucket.id, following.id, 0);
      }
    }
  }

  private static Place place(Block block) {
    return new Place(block.entry.bucket.id, block.entry.id, block.id);
  }

  /** The entry of the place if it may have blocks behind it, else the one that follows. */
  private @Nullable Entry entryFrom(Place from) {
    Entry best = null;
    Place bestAt = null;
    for (Bucket bucket : store.buckets()) {
      if (bucket.id < from.bucket() || !bucket.isUsable() || bucket.isGone()) {
        continue;
      }
      for (Entry entry : bucket.everyEntry()) {
        Place end = new Place(bucket.id, entry.id, Integer.MAX_VALUE);
        if (!entry.gone
            && end.compareTo(from) > 0
            && (bestAt == null || end.compareTo(bestAt) < 0)) {
          best = entry;
          bestAt = end;
        }
      }
    }
    return best;
  }

  private void took(Findings findings, Place place) {
    var news = new ArrayList<Finding>();
    synchronized (this) {
      Pass pass = current;
      if (pass == null) {
        return;
      }
      long damaged = 0;
      for (Finding finding : findings.result().findings()) {
        if (finding.kind() == Kind.DAMAGE) {
          damaged++;
          if (told.size() < FINDINGS_MAX * 10 && told.add(finding)) {
            news.add(finding);
          }
        }
        if (finding.kind() != Kind.NOTE && found.size() < FINDINGS_MAX) {
          found.add(finding);
        }
      }
      bytesTotal += findings.bytes;
      damagedTotal += damaged;
      current =
          new Pass(
              pass.number(),
              pass.started(),
              0,
              pass.blocks() + findings.blocks,
              pass.bytes() + findings.bytes,
              pass.damaged() + damaged);
      at = place;
    }
    news.forEach(finding ->
        store.events.event(
            StoreEvents.Kind.DAMAGE,
            "scrub found damage",
            finding.path() + ": " + finding.text(),
            null));
    if (!news.isEmpty() || store.clock.monotonicNanos() - savedNanos >= SAVE_NANOS) {
      save();
    }
  }

  private void finish() {
    synchronized (this) {
      Pass pass = current;
      if (pass == null) {
        return;
      }
      last =
          new Pass(
              pass.number(),
              pass.started(),
              store.clock.wallMicros(),
              pass.blocks(),
              pass.bytes(),
              pass.damaged());
      current = null;
      foundLast = List.copyOf(found);
      found.clear();
      ahead = List.of();
      next = 0;
    }
    save();
  }

  /** Numbers of this moment. */
  public synchronized Stats stats() {
    return new Stats(
        Optional.ofNullable(current), Optional.ofNullable(last), bytesTotal, damagedTotal);
  }

  /** What was found. */
  public synchronized Report report() {
    return new Report(stats(), found, foundLast);
  }

  // ---------------------------------------------------------------- what is kept

  /** Stores how far the pass has come. */
  public void save() {
    savedNanos = store.clock.monotonicNanos();
    var text = new StringBuilder();
    synchronized (this) {
      add(text, "last", last);
      foundLast.forEach(finding -> add(text, "last-finding", finding));
      add(text, "current", current);
      found.forEach(finding -> add(text, "finding", finding));
      text.append("at ")
          .append(at.bucket())
          .append(' ')
          .append(at.entry())
          .append(' ')
          .append(at.block())
          .append('\n');
    }
    try {
      if (!store.room.hasFree()) {
        return; // what is left of a full device is for those who make room
      }
      store.documents().save(DOCUMENT, text.toString().getBytes(StandardCharsets.UTF_8));
    } catch (PannierException | IOException failed) {
      store.failure("position of the scrub could not be stored", DOCUMENT, failed);
    }
  }

  private static void add(StringBuilder text, String word, @Nullable Pass pass) {
    if (pass != null) {
      text.append(word)
          .append(' ')
          .append(pass.number())
          .append(' ')
          .append(pass.started())
          .append(' ')
          .append(pass.finished())
          .append(' ')
          .append(pass.blocks())
          .append(' ')
          .append(pass.bytes())
          .append(' ')
          .append(pass.damaged())
          .append('\n');
    }
  }

  private static void add(StringBuilder text, String word, Finding finding) {
    String said = finding.text().replace('\n', ' ');
    text.append(word)
        .append(' ')
        .append(finding.kind())
        .append(' ')
        .append(finding.path())
        .append(' ')
        .append(said, 0, Math.min(TEXT_MAX, said.length()))
        .append('\n');
  }

  private void load() {
    try {
      Optional<byte[]> kept = store.documents().load(DOCUMENT);
      if (kept.isPresent()) {
        synchronized (this) {
          for (String line : new String(kept.get(), StandardCharsets.UTF_8).split("\n", -1)) {
            load(line.split(" ", -1), line);
          }
        }
      }
    } catch (PannierException | IllegalArgumentException unreadable) {
      // A pass that begins again is no harm.
      synchronized (this) {
        current = null;
        at = Place.BEGIN;
      }
      store.events.event(
          StoreEvents.Kind.NOTE, "position of the scrub is not known", DOCUMENT, unreadable);
    }
  }

  private void load(String[] words, String line) {
    var lasting = new ArrayList<>(foundLast);
    switch (words[0]) {
      case "last" -> last = pass(words);
      case "current" -> current = pass(words);
      case "finding" -> found.add(finding(line));
      case "last-finding" -> lasting.add(finding(line));
      case "at" -> at = new Place(number(words, 1), number(words, 2), number(words, 3));
      default -> {}
    }
    foundLast = List.copyOf(lasting);
  }

  private static int number(String[] words, int at) {
    return Math.toIntExact(value(words, at));
  }

  private static long value(String[] words, int at) {
    if (at >= words.length) {
      throw new IllegalArgumentException("too short");
    }
    return Long.parseLong(words[at]);
  }

  private static Pass pass(String[] words) {
    return new Pass(
        value(words, 1),
        value(words, 2),
        value(words, 3),
        value(words, 4),
        value(words, 5),
        value(words, 6));
  }

  private static Finding finding(String line) {
    String[] words = line.split(" ", 4);
    if (words.length < 4) {
      throw new IllegalArgumentException("too short");
    }
    return new Finding(Kind.valueOf(words[1]), words[2], words[3]);
  }
}
