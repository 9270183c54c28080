package io.pannier.bench;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.Limits;
import io.pannier.model.QuotaType;
import io.pannier.model.SystemClock;
import io.pannier.model.SystemRandom;
import io.pannier.server.PlatformScheduler;
import io.pannier.store.NewRecord;
import io.pannier.store.Store;
import io.pannier.store.StoreConfig;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * How long a store with many blocks takes to open. Makes the blocks through the engine itself, one
 * record each, stops cleanly, and opens the folder again.
 *
 * <p>Arguments: folder, number of entries, number of blocks. A folder that has data is opened only.
 */
public final class StartTime {
  private StartTime() {}

  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    int entries = Integer.parseInt(arguments[1]);
    int blocks = Integer.parseInt(arguments[2]);
    if (!Files.exists(folder.resolve("FORMAT"))) {
      make(folder, entries, blocks);
    }
    long began = System.nanoTime();
    try (var scheduler = new PlatformScheduler(2);
        Store store = open(folder, scheduler)) {
      double seconds = (System.nanoTime() - began) / 1e9;
      long found =
          store.bucket("bench").entryInfos().stream().mapToLong(entry -> entry.blockCount()).sum();
      System.out.printf(
          Locale.ROOT, "%d blocks in %d entries: open in %.2f s%n", found, entries, seconds);
      Path status = Path.of("/proc/self/status");
      if (Files.exists(status)) {
        Files.readAllLines(status).stream()
            .filter(line -> line.startsWith("VmRSS"))
            .forEach(System.out::println);
      }
    }
  }

  private static void make(Path folder, int entries, int blocks) throws IOException {
    try (var scheduler = new PlatformScheduler(2);
        Store store = open(folder, scheduler)) {
      var settings = new BucketSettings(QuotaType.NONE, 0, 64_000_000, 1, null);
      var bucket = store.createBucket("bench", settings);
      var body = ByteBuffer.allocateDirect(100);
      for (int i = 0; i < blocks; i++) {
        bucket
            .entryForWrite("e" + i % entries)
            .write(new NewRecord(i, "", Labels.EMPTY, body.duplicate()));
        if (i % 50_000 == 0) {
          System.out.println(i + " blocks made");
        }
      }
    }
  }

  private static Store open(Path folder, PlatformScheduler scheduler) throws IOException {
    return Store.open(
        new StoreConfig(
            new RealDisk(folder),
            new SystemClock(),
            SystemRandom.secure(),
            scheduler,
            Limits.forHandles(4096),
            BucketSettings.DEFAULT,
            Ack.BUFFERED,
            (kind, text, subject, cause) -> System.err.println(kind + " " + text + ": " + subject),
            "bench"));
  }
}
