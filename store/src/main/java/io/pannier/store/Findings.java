package io.pannier.store;

import io.pannier.store.Verification.Finding;
import io.pannier.store.Verification.Kind;
import java.util.ArrayList;
import java.util.List;

/** What a verification has found and counted so far. One thread. */
final class Findings {
  private final Verifier.Progress progress;
  private final List<Finding> list = new ArrayList<>();
  long buckets;
  long entries;
  long blocks;
  long records;
  long bytes;

  /** Bytes that the journal of the bucket in hand announces, and how many of them were read. */
  private long planned;

  private long done;

  Findings(Verifier.Progress progress) {
    this.progress = progress;
  }

  void add(Kind kind, String path, String text) {
    list.add(new Finding(kind, path, text));
  }

  void damage(String path, String text) {
    add(Kind.DAMAGE, path, text);
  }

  int size() {
    return list.size();
  }

  void plan(long bytesAhead) {
    planned = bytesAhead;
    done = 0;
  }

  void read(String path, long count) {
    bytes += count;
    done += count;
    progress.at(path, done, Math.max(done, planned));
  }

  Verification result() {
    return new Verification(buckets, entries, blocks, records, bytes, list);
  }
}
