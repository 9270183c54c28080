package io.pannier.cli.client;

import io.pannier.client.Bucket;
import io.pannier.client.BucketDetail;
import io.pannier.client.BucketOptions;
import io.pannier.client.ClientException;
import io.pannier.client.EntryInfo;
import io.pannier.client.QueryOptions;
import io.pannier.client.RecordInfo;
import io.pannier.client.RecordStream;
import io.pannier.client.StoredRecord;
import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mirror}: makes one bucket equal to another, by what differs. */
@Command(
    name = "mirror",
    description = "Make a bucket equal to another one: copy what is missing, replace what differs",
    footer = {
      "",
      "Bodies are compared by their CRC32C, which Pannier servers tell; from others they are read. Labels, types and lengths are compared, too.",
      "A record that differs is removed and written again: not in one step."
    })
public final class MirrorCommand extends ClientCommand {
  @Parameters(index = "0", paramLabel = "<SOURCE_BUCKET>", description = "Bucket to copy from")
  private String source = "";

  @Parameters(
      index = "1",
      paramLabel = "<DESTINATION_BUCKET>",
      description = "Bucket to be made equal; created if missing")
  private String destination = "";

  @Mixin private final Selection selection = new Selection();

  @Option(names = "--delete", description = "Remove records that the source does not have")
  private boolean delete;

  @Option(names = "--dry-run", description = "Only tell what would be done")
  private boolean dryRun;

  @Option(
      names = "--no-digest",
      description = "Do not compare bodies of equal length: faster, and blind for their bytes")
  private boolean noDigest;

  @Option(
      names = {"-q", "--quiet"},
      description = "Only errors and the last line")
  private boolean quiet;

  private final AtomicLong equal = new AtomicLong();
  private final AtomicLong missing = new AtomicLong();
  private final AtomicLong replaced = new AtomicLong();
  private final AtomicLong relabelled = new AtomicLong();
  private final AtomicLong removed = new AtomicLong();

  @Override
  int run() throws IOException {
    if (delete && selection.hasCondition()) {
      throw new Failure(
          Exit.USAGE,
          "the argument '--delete' cannot be used with a condition: it would remove what the"
              + " condition leaves out");
    }
    Place.Resource from = resource(source, "<SOURCE_BUCKET>");
    Place.Resource to = resource(destination, "<DESTINATION_BUCKET>");
    Bucket bucket = client(from.instance()).bucket(from.name());
    BucketDetail detail = bucket.detail();
    var there = client(to.instance());
    boolean isThere = there.hasBucket(to.name());
    if (!isThere && dryRun) {
      throw new Failure(Exit.NOT_FOUND, "Bucket '" + to.name() + "' is not found");
    }
    Bucket target = there.getOrCreateBucket(to.name(), BucketOptions.like(detail.settings()));
    EntryFilter filter = selection.filter();
    var names = new TreeSet<String>();
    for (EntryInfo entry : detail.entries()) {
      if (filter.takes(entry.name()) && entry.recordCount() > 0) {
        names.add(entry.name());
      }
    }
    if (delete) {
      for (EntryInfo entry : target.entries()) {
        if (filter.takes(entry.name()) && entry.recordCount() > 0 && !entry.isDeleting()) {
          names.add(entry.name());
        }
      }
    }
    QueryOptions options = selection.options();
    if (options.stop().isEmpty()) {
      options = options.before(CLOCK.wallMicros());
    }
    QueryOptions wanted = options.metadata();
    try (var transfer =
        new Transfer(
            "Mirrored", "from bucket '" + from.name() + "'", err(), quiet || globals.json, 0)) {
      transfer.forEach(
          List.copyOf(names),
          parallel(from.instance()),
          name -> entry(bucket, target, name, wanted, transfer));
      transfer.stop();
      transfer
          .failures()
          .forEach((entry, why) -> err().println("Failed to mirror entry '" + entry + "': " + why));
      var json = transfer.json();
      json.put("equal", equal.get());
      json.put("missing", missing.get());
      json.put("replaced", replaced.get());
      json.put("relabelled", relabelled.get());
      json.put("removed", removed.get());
      print(
          json,
          (dryRun ? "Would mirror" : "Mirrored")
              + " bucket '"
              + from.name()
              + "': "
              + equal
              + " equal, "
              + missing
              + " copied, "
              + replaced
              + " replaced, "
              + relabelled
              + " relabelled, "
              + removed
              + " removed");
      return transfer.failures().isEmpty() ? Exit.OK : Exit.PARTLY;
    }
  }

  private static @Nullable RecordStream open(Bucket bucket, String entry, QueryOptions options) {
    try {
      return bucket.query(entry, options);
    } catch (ClientException.Refused none) {
      // No such entry, or nothing in that stretch of time.
      if (none.code() == 404 || none.code() == 422) {
        return null;
      }
      throw none;
    }
  }

  private static @Nullable RecordInfo next(@Nullable RecordStream stream) {
    return stream != null && stream.hasNext() ? stream.next().info() : null;
  }

  /** Walks along both in the order of time. */
  private void entry(Bucket from, Bucket to, String name, QueryOptions options, Transfer transfer)
      throws IOException {
    var copy = new BucketCopy(from, to, transfer);
    QueryOptions all = options;
    if (selection.hasCondition()) {
      QueryOptions unconditional = QueryOptions.all().metadata();
      if (options.start().isPresent()) {
        unconditional = unconditional.from(options.start().getAsLong());
      }
      all =
          options.stop().isPresent()
              ? unconditional.before(options.stop().getAsLong())
              : unconditional;
    }
    try (RecordStream ours = open(from, name, options);
        RecordStream theirs = open(to, name, all)) {
      RecordInfo a = next(ours);
      RecordInfo b = next(theirs);
      while (a != null || (b != null && delete)) {
        int order =
            a == null ? 1 : b == null ? -1 : Timestamp.compare(a.timestamp(), b.timestamp());
        if (order < 0) {
          missing.incrementAndGet();
          if (!dryRun && a != null) {
            copy.alone(from.read(name, a.timestamp()));
          }
          a = next(ours);
        } else if (order > 0) {
          if (delete && b != null) {
            removed.incrementAndGet();
            if (!dryRun) {
              to.removeRecord(name, b.timestamp());
            }
          }
          b = next(theirs);
        } else {
          if (a != null && b != null) {
            compare(from, to, name, a, b, copy);
          }
          a = next(ours);
          b = next(theirs);
        }
      }
    }
  }

  private void compare(
      Bucket from, Bucket to, String name, RecordInfo a, RecordInfo b, BucketCopy copy)
      throws IOException {
    boolean sameBody =
        a.length() == b.length()
            && a.contentType().equals(b.contentType())
            && (noDigest || digest(from, name, a.timestamp()) == digest(to, name, b.timestamp()));
    if (!sameBody) {
      replaced.incrementAndGet();
      if (!dryRun) {
        to.removeRecord(name, b.timestamp());
        copy.alone(from.read(name, a.timestamp()));
      }
    } else if (!a.labels().equals(b.labels())) {
      relabelled.incrementAndGet();
      if (!dryRun) {
        var update = new Labels.Builder();
        for (int i = 0; i < b.labels().size(); i++) {
          update.set(b.labels().name(i), "");
        }
        for (int i = 0; i < a.labels().size(); i++) {
          update.set(a.labels().name(i), a.labels().value(i));
        }
        to.updateLabels(name, a.timestamp(), update.build());
      }
    } else {
      equal.incrementAndGet();
    }
  }

  private static int digest(Bucket bucket, String name, long timestamp) throws IOException {
    var told = bucket.find(name, timestamp).flatMap(RecordInfo::checksum);
    if (told.isPresent()) {
      return told.get();
    }
    var crc = new CRC32C();
    try (StoredRecord record = bucket.read(name, timestamp);
        InputStream body = record.body()) {
      var buffer = new byte[64 * 1024];
      for (int got = body.read(buffer); got >= 0; got = body.read(buffer)) {
        crc.update(buffer, 0, got);
      }
    }
    return (int) crc.getValue();
  }
}
