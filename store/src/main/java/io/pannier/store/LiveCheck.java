package io.pannier.store;

import io.pannier.store.Verification.Finding;
import io.pannier.store.Verification.Kind;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Checks the files of a store that is in use, with the classes of the offline check. Each block is
 * looked at as it was at one moment; what goes meanwhile is not missed, and only what is found
 * twice is told. No lock is held while files are read. One thread.
 */
public final class LiveCheck {
  private static final int LOOKS = 3;

  private final Store store;
  private final ScrubFile.Reader reader;

  LiveCheck(Store store, ScrubFile.Pace pace) {
    this.store = store;
    reader = new ScrubFile.Reader(pace);
  }

  /**
   * Checks everything.
   *
   * @param progress called often; what it throws ends the check
   */
  public static Verification run(Store store, Verifier.Progress progress) {
    var check = new LiveCheck(store, bytes -> {});
    var findings = new Findings(progress);
    check.frame(findings);
    for (Bucket bucket : store.buckets()) {
      if (!bucket.isUsable() || bucket.isGone()) {
        continue;
      }
      findings.buckets++;
      findings.plan(bucket.diskBytes());
      for (Entry entry : bucket.everyEntry()) {
        if (!entry.gone) {
          findings.entries++;
          blocks(entry).forEach(block -> check.block(block, findings));
          check.orphans(entry, findings);
        }
      }
    }
    return findings.result();
  }

  /** All blocks of an entry, in the order of their ids. */
  static List<Block> blocks(Entry entry) {
    var all = new ArrayList<Block>();
    entry.lock.lock();
    try {
      BlockMap map = entry.closed;
      for (int i = 0; i < map.size(); i++) {
        all.add(map.get(i));
      }
      all.addAll(entry.open);
    } finally {
      entry.lock.unlock();
    }
    all.sort((a, b) -> Integer.compare(a.id, b.id));
    return all;
  }

  /** FORMAT, journals and documents. */
  void frame(Findings findings) {
    Set<Finding> lasting = new LinkedHashSet<>();
    long bytes = 0;
    for (int look = 0; look < LOOKS && (look == 0 || !lasting.isEmpty()); look++) {
      var found = new Findings(Verifier.Progress.NONE);
      try {
        Verifier.frame(store.disk, store.id(), store.durableJournals(), found);
      } catch (IOException failed) {
        found.damage("data folder", "cannot be read: " + failed.getMessage());
      }
      bytes = found.bytes;
      var damage =
          found.result().findings().stream().filter(one -> one.kind() == Kind.DAMAGE).toList();
      if (look == 0) {
        lasting.addAll(damage);
      } else {
        lasting.retainAll(damage);
      }
    }
    lasting.removeIf(this::isOfRemovedBucket);
    lasting.forEach(one -> findings.add(one.kind(), one.path(), one.text()));
    findings.read("data folder", bytes);
    // A bucket whose journal was refused at the start is not served: only its removal is left.
    for (Bucket bucket : store.buckets()) {
      if (!bucket.isUsable()) {
        findings.damage(
            bucket.folder(), "bucket '" + bucket.name() + "' is refused: its journal is damaged");
      }
    }
  }

  private boolean isOfRemovedBucket(Finding finding) {
    String[] parts = finding.path().split("/", -1);
    return parts.length > 1
        && parts[0].equals("b")
        && parts[1].matches("\\d+")
        && store.findBucket(Integer.parseInt(parts[1])).isEmpty();
  }

  /** A block with its change log. */
  void block(Block block, Findings findings) {
    Findings first = look(block);
    List<Finding> found = first.result().findings();
    if (!found.isEmpty()) {
      var again = new HashSet<>(look(block).result().findings());
      boolean isGone;
      block.entry.lock.lock();
      try {
        isGone = block.gone || block.entry.gone;
      } finally {
        block.entry.lock.unlock();
      }
      found = isGone ? List.of() : found.stream().filter(again::contains).toList();
    }
    findings.blocks += first.blocks;
    findings.records += first.records;
    found.forEach(one -> findings.add(one.kind(), one.path(), one.text()));
    findings.read(block.path(), first.bytes);
  }

  private Findings look(Block block) {
    var findings = new Findings(Verifier.Progress.NONE);
    BlockState state;
    block.entry.lock.lock();
    try {
      if (block.gone || block.entry.gone || block.bytes < FileHeader.BYTES) {
        return findings;
      }
      state = block.state().withFlag(Block.DIRTY, false);
    } finally {
      block.entry.lock.unlock();
    }
    BlockVerifier.Files files =
        path -> {
          boolean isLog = path.endsWith(".chg");
          if (isLog && state.changeBytes() == 0) {
            throw new NoSuchFileException(path);
          }
          return new ScrubFile(
              store.disk.openPastCache(path), isLog ? state.changeBytes() : state.bytes(), reader);
        };
    BlockVerifier.verify(
        new BlockVerifier.Place(
            files, store.id(), block.entry.bucket.id, block.entry.folder(), true),
        state,
        findings);
    return findings;
  }

  /** Files that belong to nothing. */
  private void orphans(Entry entry, Findings findings) {
    try {
      if (!store.disk.exists(entry.folder())) {
        return;
      }
      Set<String> unknown = unknown(entry);
      if (!unknown.isEmpty()) {
        // What was made or deleted between the two looks belongs to something.
        unknown.retainAll(unknown(entry));
      }
      unknown.forEach(name ->
          findings.add(
              Kind.ORPHAN,
              entry.folder() + "/" + name,
              "belongs to nothing that the journal knows"));
    } catch (IOException failed) {
      if (!entry.gone) {
        findings.damage(entry.folder(), "cannot be read: " + failed.getMessage());
      }
    }
  }

  private Set<String> unknown(Entry entry) throws IOException {
    var names = new LinkedHashSet<>(store.disk.list(entry.folder()));
    var known = blocks(entry);
    known.addAll(entry.bucket.unpurged);
    known.addAll(entry.bucket.detached);
    for (Block block : known) {
      if (block.entry == entry) {
        names.remove(block.id + ".blk");
        names.remove(block.id + ".chg");
      }
    }
    return names;
  }
}
